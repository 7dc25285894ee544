"""Some rows stand for all, and the errors said are those made."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.contrast import contrast as module
from anomaly_explorer.engine.contrast.contrast import Sides, contrast
from anomaly_explorer.engine.contrast.sample import RUN_ROWS, draw_sample
from anomaly_explorer.engine.contrast.side import Counted, describe_side
from anomaly_explorer.engine.contrast.tally import Ruler, Tally
from anomaly_explorer.engine.plane.mask import Mask

from .contrast_maker import DriftingStore, column_of

SEEDS = st.integers(0, 2**32 - 1)


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
    n_runs = np.bincount(drawn.group_of_run[runs], minlength=drawn.n_groups)
    assert len(n_runs) == drawn.n_groups
    assert n_runs.max() - n_runs.min() <= 1
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


@pytest.fixture
def sampling(monkeypatch):
    """Sides of more than 50,000 rows are sampled, 20,000 rows of each, by a seed to be set."""
    monkeypatch.setattr(module, "LIMIT", 50_000)
    monkeypatch.setattr(module, "N_DRAWN", 20_000)

    def by(seed):
        monkeypatch.setattr(module, "draw_sample", lambda mask, n: draw_sample(mask, n, seed))

    return by


def test_large_sides_are_sampled_and_say_so(sampling, rng):
    store = DriftingStore(rng)
    shown = Mask.of_bools(rng.random(store.n_objects) < 0.9)
    for stop, is_sampled in ((30_000, False), (90_000, True)):
        sides = Sides(Mask.of_rows(np.arange(stop), store.n_objects) & shown, shown, "some")
        found = contrast(store, sides)
        assert contrast(store, sides, is_exact=True).is_exact
        assert not found.is_exact
        assert (found.n_selected_counted < found.n_selected) is is_sampled
        assert 15_000 < found.n_rest_counted < 25_000
        assert (found.n_selected, found.n_rest) == (sides.selection.count, sides.rest.count)
        for column in found.columns:
            assert column.difference.error > 0
            if column.rest.mean is not None:
                assert column.rest.mean_error > 0
                assert (column.selected.mean_error > 0) is is_sampled


def test_exact_figures_lie_within_the_errors_as_often_as_they_should(sampling, rng):
    """Of 16 groups: within one error 67 times in 100, within two 94 times."""
    store, off = DriftingStore(rng), []
    n = store.n_objects
    sides = Sides(Mask.of_rows(np.arange(90_000), n), Mask.all(n), "all")
    exact = {column.name: column for column in contrast(store, sides, is_exact=True).columns}
    for seed in range(40):
        sampling(seed)
        for column in contrast(store, sides).columns:
            here, there = column, exact[column.name]
            if column.name == "patchy":  # differs by chance alone: see the next test
                continue
            strengths = here.difference.strength, there.difference.strength
            off.append(np.subtract(*strengths) / here.difference.error)
            if here.rest.mean is not None:
                off.append((here.rest.mean - there.rest.mean) / here.rest.mean_error)
    assert len(off) == 120
    assert 0.55 < np.mean(np.abs(off) < 1) < 0.85
    assert 0.88 < np.mean(np.abs(off) < 2) <= 1


def test_neighbors_that_are_alike_do_not_make_sides_differ(sampling, rng):
    store, differences = DriftingStore(rng), []
    n = store.n_objects
    sides = Sides(Mask.of_bools(rng.random(n) < 0.5), Mask.all(n), "all")
    for seed in range(20):
        sampling(seed)
        found = {column.name: column.difference for column in contrast(store, sides).columns}
        differences.append(found["patchy"])
    assert np.mean([found.excess > found.error for found in differences]) <= 0.1
    assert np.mean([found.strength for found in differences]) < 1.2 * np.mean(
        [found.noise for found in differences]
    )
