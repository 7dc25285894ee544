"""What is said of a selection against the rest is what NumPy says of the same rows."""

import numpy as np
import pytest

from anomaly_explorer.engine.contrast import contrast as module
from anomaly_explorer.engine.contrast.contrast import Sides, contrast
from anomaly_explorer.engine.contrast.sample import take_all
from anomaly_explorer.engine.contrast.side import QUARTILES
from anomaly_explorer.engine.contrast.totals import TOTALS_FILE, open_totals, write_totals
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.plane.mask import Mask


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


def test_with_totals_the_rest_of_a_population_is_exact_however_large(
    random_store, totals, monkeypatch
):
    shown, drawn = Mask.all(random_store.n_objects), []
    sides = Sides(Mask.of_rows(np.arange(0, 400, 4), shown.n_rows), shown, "all")
    exact = contrast(random_store, sides, totals)
    monkeypatch.setattr(module, "draw_sample", lambda mask, n: drawn.append(mask) or take_all(mask))
    for limit, made_by, n_drawn in ((100, totals, 0), (100, None, 1), (99, totals, 2)):
        monkeypatch.setattr(module, "LIMIT", limit)
        drawn.clear()
        found = contrast(random_store, sides, made_by)
        assert len(drawn) == n_drawn
        assert found.n_rest_counted == exact.n_rest
        drawn.clear()
        asked = contrast(random_store, sides, made_by, is_exact=True)
        assert drawn == []
        assert made_by is None or asked == exact


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
