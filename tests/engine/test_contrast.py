"""What is said of a selection against the rest is what NumPy and SciPy say of the same rows."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from anomaly_explorer.engine.catalog.manifest import StoredColumn
from anomaly_explorer.engine.contrast import contrast as module
from anomaly_explorer.engine.contrast.contrast import Sides, contrast
from anomaly_explorer.engine.contrast.difference import measure_difference
from anomaly_explorer.engine.contrast.sample import RUN_ROWS, draw_sample
from anomaly_explorer.engine.contrast.side import QUARTILES, Counted, describe_side
from anomaly_explorer.engine.contrast.tally import Ruler, Tally
from anomaly_explorer.engine.contrast.totals import TOTALS_FILE, open_totals, write_totals
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.plane.mask import Mask

NULL = -(2**31)
SEEDS = st.integers(0, 2**32 - 1)


def column_of(kind, n_legend=0):
    null = {"float": None, "bits": None, "integer": NULL}.get(kind, -1)
    return StoredColumn("some", "some", kind, "", null=null, n_legend=n_legend)


def numbers_of(rng, n, kind):
    if kind == "integer":
        values = rng.integers(-3, 3, size=n).astype(np.int32)
        values[rng.random(n) < 0.2] = NULL
        return values
    values = rng.normal(0, 3, size=n).astype(np.float32).round(rng.integers(0, 3))
    values[rng.random(n) < 0.1] = np.nan
    values[rng.random(n) < 0.05] = np.inf
    return values


def known_of(values):
    return values[np.isfinite(values) & (values != NULL)].astype(np.float64)


def counted(ruler, values, rows):
    tally = Tally.empty(ruler, 1)
    tally.add(ruler, values, rows, np.zeros(len(rows), np.int8))
    return Counted(tally, np.array([len(rows)]))


def two_sides(rng, n):
    order = rng.permutation(n)
    cut = int(rng.integers(1, n))
    return np.sort(order[:cut]), np.sort(order[cut:])


@given(SEEDS, st.sampled_from(["float", "integer"]), st.integers(1, 200))
def test_a_tally_counts_every_row_once_in_its_step_and_group(seed, kind, n):
    rng = np.random.default_rng(seed)
    values, groups = numbers_of(rng, n, kind), rng.integers(3, size=n).astype(np.int8)
    rows = np.flatnonzero(rng.random(n) < 0.7)
    ruler = Ruler.of_column(column_of(kind), values)
    tally = Tally.empty(ruler, 3)
    tally.add(ruler, values, rows, groups[rows])
    for group in range(3):
        mine = values[rows][groups[rows] == group]
        known = known_of(mine)
        steps = np.searchsorted(ruler.edges, known, "right") - 1
        expected = np.bincount(steps, minlength=ruler.n_steps)
        np.testing.assert_array_equal(tally.counts[group], expected)
        assert tally.n_null[group] == len(mine) - len(known)
        moments = [(known - ruler.center).sum(), ((known - ruler.center) ** 2).sum()]
        np.testing.assert_allclose(tally.sums[group], moments, atol=1e-9)
        if len(known):
            assert tally.limits[group].tolist() == [known.min(), known.max()]


def test_a_ruler_has_a_thousand_steps_of_as_many_rows_and_finer_ends(rng):
    values = rng.lognormal(0, 2, size=400_000).astype(np.float32)
    ruler = Ruler.of_column(column_of("float"), values)
    counts = counted(ruler, values, np.arange(len(values))).tally.counts[0]
    assert 1000 <= ruler.n_steps <= 1024
    assert counts.sum() == len(values)
    assert counts.max() < 0.0014 * len(values)
    assert counts[-1] < 0.0001 * len(values)


def best_range(here, there):
    """The largest difference of shares in any range, by trying all."""
    ends = np.unique(np.concatenate([here, there]))
    return max(
        np.mean((here >= a) & (here <= b)) - np.mean((there >= a) & (there <= b))
        for a, b in itertools.combinations_with_replacement(ends, 2)
    )


@given(SEEDS, st.sampled_from(["float", "integer"]), st.integers(2, 40))
def test_numbers_differ_by_the_best_of_all_ranges(seed, kind, n):
    rng = np.random.default_rng(seed)
    values = numbers_of(rng, n, kind)
    selected, rest = two_sides(rng, n)
    ruler = Ruler.of_column(column_of(kind), values)
    found = measure_difference(
        ruler, counted(ruler, values, selected), counted(ruler, values, rest)
    )
    here, there = known_of(values[selected]), known_of(values[rest])
    nulls = [1 - len(here) / len(selected), 1 - len(there) / len(rest)]
    if found.kind == "null":
        assert found.shares == pytest.approx(nulls)
        assert found.strength == pytest.approx(abs(nulls[0] - nulls[1]))
        return
    assert found.strength == pytest.approx(best_range(here, there))
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    shares = [np.mean((known >= low) & (known <= high)) for known in (here, there)]
    assert found.shares == pytest.approx(shares)
    assert found.strength == pytest.approx(shares[0] - shares[1])
    larger = mannwhitneyu(here, there).statistic / (len(here) * len(there))
    assert found.auc == pytest.approx(larger)
    assert found.error == 0


@given(SEEDS, st.sampled_from(["bool", "category", "bits"]), st.integers(2, 60))
def test_values_differ_by_their_shares(seed, kind, n):
    rng = np.random.default_rng(seed)
    if kind == "bits":
        values = rng.integers(0, 8, size=n).astype(np.uint32)
    else:
        values = rng.integers(-1, 2, size=n).astype(np.int8)
    selected, rest = two_sides(rng, n)
    ruler = Ruler.of_column(column_of(kind, 2), values)
    found = measure_difference(
        ruler, counted(ruler, values, selected), counted(ruler, values, rest)
    )
    if found.kind == "null":
        assert found.shares == (np.mean(values[selected] < 0), np.mean(values[rest] < 0))
        return
    if kind == "bits":
        has = [[np.mean(values[side] >> b & 1) for b in range(3)] for side in (selected, rest)]
        expected = np.abs(np.subtract(*has)).max()
    else:
        known = [values[side][values[side] >= 0] for side in (selected, rest)]
        has = [[np.mean(side == code) for code in range(2)] for side in known]
        expected = np.abs(np.subtract(*has)).sum() / 2
    assert found.strength == pytest.approx(expected)
    assert found.shares == pytest.approx((has[0][found.code], has[1][found.code]))


@pytest.mark.parametrize("kind", ["float", "category"])
def test_the_noise_is_what_equal_sides_show_on_average(kind, rng):
    strengths = []
    for _ in range(300):
        values = rng.normal(size=900).astype(np.float32)
        if kind == "category":
            values = rng.integers(0, 40, size=900).astype(np.int8)
        ruler = Ruler.of_column(column_of(kind, 40), values)
        sides = [counted(ruler, values, rows) for rows in (np.arange(100), np.arange(100, 900))]
        found = measure_difference(ruler, *sides)
        strengths.append(found.strength)
    assert np.mean(strengths) == pytest.approx(found.noise, rel=0.2)
    assert np.mean(strengths) <= 1.02 * found.noise


@given(SEEDS, st.sampled_from([1, 300, 5_000, 60_000]), st.floats(0.01, 1))
def test_a_sample_is_whole_runs_of_the_mask(seed, n_wanted, share):
    rng = np.random.default_rng(seed)
    mask = Mask.of_bools(rng.random(50_001) < share)
    drawn = draw_sample(mask, n_wanted, seed)
    rows = drawn.mask.rows()
    assert (drawn.mask - mask).count == 0
    assert drawn.share == len(rows) / mask.count
    if mask.count <= n_wanted:
        assert drawn.mask.equals(mask)
        assert drawn.n_groups == 1
        return
    runs = np.unique(rows // RUN_ROWS)
    in_runs = mask.rows()[np.isin(mask.rows() // RUN_ROWS, runs)]
    np.testing.assert_array_equal(rows, in_runs)
    listed = [part for part, _ in drawn.slabs()]
    np.testing.assert_array_equal(np.concatenate(listed), rows)


def test_an_error_is_as_large_as_estimates_scatter():
    rng = np.random.default_rng(5)
    values = (np.linspace(0, 4, 400_000) + rng.normal(size=400_000)).astype(np.float32)
    values += np.repeat(rng.normal(size=400), 1000)  # neighbors are alike
    ruler, off, errors = Ruler.of_column(column_of("float"), values), [], []
    for seed in range(60):
        drawn = draw_sample(Mask.all(len(values)), 40_000, seed)
        tally = Tally.empty(ruler, drawn.n_groups)
        n_rows = np.zeros(drawn.n_groups, np.int64)
        for rows, groups in drawn.slabs():
            tally.add(ruler, values, rows, groups)
            n_rows += np.bincount(groups, minlength=drawn.n_groups)
        side = describe_side(ruler, Counted(tally, n_rows, drawn.share))
        off.append(side.mean - values.mean(dtype=np.float64))
        errors.append(side.mean_error)
    assert np.std(off) == pytest.approx(np.mean(errors), rel=0.4)
    assert abs(np.mean(off)) < np.std(off)


@pytest.fixture(scope="module")
def totals(random_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("totals")
    described = {name: random_store.describe(name) for name in random_store.column_names}
    write_totals(folder, random_store.column, described)
    return open_totals(folder, described)


def sides_of(store, shown, population="all objects"):
    redshift = store.column("redshift")
    picked = Mask.of_bools((redshift > 0.5) & (redshift < 2)) & shown
    return Sides(picked, shown, population)


def check_side(store, column, side, rows, ruler=None):
    """Compare figures with NumPy's; quartiles only to a step of the ruler where there is one."""
    values = store.column(column.name)[rows]
    is_null = np.zeros(len(rows), np.bool_) if column.null is None else values == column.null
    if column.kind == "float":
        is_null = ~np.isfinite(values)
    assert (side.n_known, side.n_null) == (np.sum(~is_null), np.sum(is_null))
    if column.kind not in ("float", "integer") or side.n_known == 0:
        assert side.mean is side.deviation is side.quartiles is None
        return
    known = values[~is_null].astype(np.float64)
    spread = np.abs(known).max()
    assert side.mean == pytest.approx(known.mean(), abs=1e-9 * spread + 1e-12)
    assert side.deviation == pytest.approx(known.std(), abs=1e-6 * spread + 1e-12)
    assert side.mean_error == 0
    if ruler is None:
        assert list(side.quartiles) == pytest.approx(np.quantile(known, QUARTILES))
        return
    edges = np.append(ruler.edges.astype(np.float64), np.inf)
    for level, quartile in zip(QUARTILES, side.quartiles, strict=True):
        true = np.quantile(known, level, method="inverted_cdf")
        step = np.searchsorted(edges, true, "right") - 1
        assert edges[step] <= quartile <= edges[step + 1]


@pytest.mark.parametrize("population", ["all", "science", "a filter"])
def test_the_figures_of_a_store_are_those_of_numpy(random_store, totals, population):
    shown = Mask.all(random_store.n_objects)
    if population == "science":
        code = random_store.legend("population").index("science")
        shown = Mask.of_bools(random_store.column("population") == code)
    if population == "a filter":
        shown = Mask.of_bools(random_store.column("umap_x") > 0)
    sides = sides_of(random_store, shown, population)
    found = contrast(random_store, sides, totals)
    assert found == contrast(random_store, sides, totals, is_exact=True)
    without = contrast(random_store, sides)
    for one, other in zip(found.columns, without.columns, strict=True):
        assert (one.name, one.value) == (other.name, other.value)
        assert one.difference == other.difference
        if one.rest.mean is not None:
            assert one.rest.mean == pytest.approx(other.rest.mean, abs=1e-6, rel=1e-9)
    assert found.is_exact
    assert found.population == population
    assert found.n_selected == found.n_selected_counted == sides.selection.count
    assert found.n_rest == found.n_rest_counted == (shown - sides.selection).count
    assert sorted(c.name for c in found.columns) == sorted(random_store.column_names)
    for column in found.columns:
        described, ruler = random_store.describe(column.name), totals.rulers[column.name]
        check_side(random_store, described, column.selected, sides.selection.rows())
        check_side(random_store, described, column.rest, sides.rest.rows(), ruler)


def test_the_column_a_selection_was_made_by_comes_first(random_store):
    found = contrast(random_store, sides_of(random_store, Mask.all(random_store.n_objects)))
    first = found.columns[0]
    redshift = random_store.column("redshift")
    assert first.name == "redshift"
    assert first.difference.strength == 1
    assert first.lift == float("inf")
    inside = (redshift >= first.difference.low) & (redshift <= first.difference.high)
    np.testing.assert_array_equal(inside, (redshift > 0.5) & (redshift < 2))
    excesses = [c.difference.excess for c in found.columns]
    assert excesses == sorted(excesses, reverse=True)


def test_a_value_is_named_in_words(random_store):
    n = random_store.n_objects
    star = random_store.legend("spectype").index("STAR")
    stars = Mask.of_bools(random_store.column("spectype") == star)
    found = contrast(random_store, Sides(stars, Mask.all(n), "all"))
    assert (found.columns[0].name, found.columns[0].value) == ("spectype", "STAR")
    bits = random_store.column("tier_bits")
    mild = Mask.of_bools((bits & 1).astype(bool))
    tiers = {c.name: c for c in contrast(random_store, Sides(mild, Mask.all(n), "all")).columns}
    assert tiers["tier_bits"].value == random_store.manifest.tiers[0]
    points = Mask.of_bools(random_store.column("is_point_source") == 1)
    booleans = {c.name: c for c in contrast(random_store, Sides(points, Mask.all(n), "")).columns}
    assert booleans["is_point_source"].value is True


class DriftingStore:
    """200,000 objects whose numbers drift along the store, in the place of a store of files."""

    n_objects = 200_000
    column_names = ("drifting", "class")

    def __init__(self, rng):
        drift = np.linspace(0, 3, self.n_objects)
        self.columns = {
            "drifting": (drift + rng.normal(size=self.n_objects)).astype(np.float32),
            "class": (drift + rng.random(self.n_objects)).astype(np.int8),
        }

    def column(self, name):
        return self.columns[name]

    def describe(self, name):
        return column_of("category", 4) if name == "class" else column_of("float")

    def legend(self, name):
        return "abcd"


def test_large_sides_are_sampled_and_say_so(monkeypatch, rng):
    monkeypatch.setattr(module, "LIMIT", 50_000)
    monkeypatch.setattr(module, "N_DRAWN", 20_000)
    store = DriftingStore(rng)
    shown = Mask.of_bools(rng.random(store.n_objects) < 0.9)
    for stop, is_sampled in ((30_000, False), (90_000, True)):
        sides = Sides(Mask.of_rows(np.arange(stop), store.n_objects) & shown, shown, "some")
        found = contrast(store, sides)
        exact = contrast(store, sides, is_exact=True)
        assert exact.is_exact
        assert not found.is_exact
        assert (found.n_selected_counted < found.n_selected) is is_sampled
        assert 15_000 < found.n_rest_counted < 25_000
        assert (found.n_selected, found.n_rest) == (sides.selection.count, sides.rest.count)
        true = {column.name: column for column in exact.columns}
        for column in found.columns:
            here, there = column.difference, true[column.name].difference
            assert here.error > 0
            assert here.strength == pytest.approx(there.strength, abs=6 * here.error + 0.02)
        drifting = next(column for column in found.columns if column.name == "drifting")
        off = drifting.rest.mean - true["drifting"].rest.mean
        assert abs(off) < 6 * drifting.rest.mean_error


def test_a_contrast_is_watched_and_stopped(random_store):
    sides, seen = sides_of(random_store, Mask.all(1000)), []
    contrast(random_store, sides, progress=lambda *at: seen.append(at) or True)
    n_selected = sides.selection.count
    assert seen == [(n_selected, 1000), (1000, 1000)]
    assert contrast(random_store, sides, progress=lambda done, total: False) is None


def test_sides_that_cannot_be_compared_are_refused():
    some, none = Mask.of_rows(np.arange(3), 10), Mask.none(10)
    for selection, reference, sentence in (
        (some, Mask.all(11), "10 rows and the reference one of 11"),
        (none, Mask.all(10), "selection has no objects"),
        (some, some, "rest has no objects"),
    ):
        with pytest.raises(InputError, match=sentence):
            Sides(selection, reference, "all")


def test_totals_that_cannot_be_read_are_refused(random_store, tmp_path):
    described = {n: random_store.describe(n) for n in ("population", "redshift", "spectype")}
    with pytest.raises(StoreError, match=f"{TOTALS_FILE}.*build the store again"):
        open_totals(tmp_path, described)
    path = write_totals(tmp_path, random_store.column, described)
    assert path == tmp_path / TOTALS_FILE
    assert open_totals(tmp_path, described).n_rows().sum() == random_store.n_objects
    with pytest.raises(StoreError, match="build the store again"):
        open_totals(tmp_path, {"survey": random_store.describe("survey")})
    content = path.read_bytes()
    for damaged in (content[:-100], content[:100] + bytes(1000) + content[1100:]):
        path.write_bytes(damaged)
        with pytest.raises(StoreError, match="build the store again"):
            open_totals(tmp_path, described)
