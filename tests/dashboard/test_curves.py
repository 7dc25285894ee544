from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anomaly_explorer.dashboard.curves import band_outline, limits_of, runs_of, step_line
from anomaly_explorer.engine.spectra.grid import BinGrid

masks = arrays(bool, st.integers(0, 30))


@given(masks)
def test_runs_cover_the_mask_and_do_not_touch(mask):
    rebuilt = np.zeros_like(mask)
    runs = runs_of(mask)
    for run in runs:
        rebuilt[run] = True
    np.testing.assert_array_equal(rebuilt, mask)
    assert all(a.stop < b.start for a, b in pairwise(runs))


@given(arrays(bool, 496))
def test_steps_hold_each_covered_bin_once_and_break_between_arms(is_covered):
    grid = BinGrid()
    values = np.where(is_covered, np.arange(496.0), np.nan)
    x, y = step_line(grid.centers, values, grid.bin_width)
    shown = np.isfinite(y)
    assert np.array_equal(np.isfinite(x), shown)
    assert np.array_equal(y[shown], np.repeat(values[is_covered], 2))
    edges = np.stack([grid.centers - 6.4, grid.centers + 6.4], axis=1)[is_covered].ravel()
    np.testing.assert_allclose(x[shown], edges)
    # Between two numbers of the line there is never a jump in x: only NaN separates stretches.
    steps = np.diff(x)
    assert np.all(np.isnan(steps) | (np.abs(steps) < 1e-6) | (np.abs(steps - 12.8) < 1e-6))


@given(arrays(float, 20, elements=st.sampled_from([1.0, 2.0, np.nan])))
def test_a_band_has_one_polygon_per_stretch_and_no_gap_inside(low):
    x, y = band_outline(np.arange(20.0), low, low + 1)
    assert np.array_equal(np.isnan(x), np.isnan(y))
    assert len(runs_of(np.isfinite(x))) == len(runs_of(np.isfinite(low)))
    assert np.count_nonzero(np.isfinite(x)) == 2 * np.count_nonzero(np.isfinite(low))
    assert not len(x) or np.isfinite(x[[0, -1]]).all()


def test_limits_ignore_one_wild_value_unless_all_is_asked():
    values = np.concatenate([np.linspace(0, 1, 999), [1e6]])
    low, high = limits_of([values])
    assert low < 0.01
    assert high < 1.2
    assert limits_of([values], is_full=True)[1] > 1e6


@given(st.lists(arrays(float, 5, elements=st.sampled_from([0.0, 3.0, -7.5, np.nan, np.inf]))))
def test_limits_are_finite_and_ordered_and_hold_all_when_asked(parts):
    low, high = limits_of(parts, is_full=True)
    assert np.isfinite([low, high]).all()
    assert low < high
    finite = np.concatenate([[low], *parts])
    finite = finite[np.isfinite(finite)]
    assert low <= finite.min()
    assert finite.max() <= high
