"""Histograms from codes are NumPy's, on the same edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.plane.histogram import (
    ABOVE,
    BELOW,
    N_BINS,
    NULL,
    Axis,
    Histogram,
    open_histograms,
    write_histograms,
)
from anomaly_explorer.engine.plane.mask import Mask

edges = st.lists(st.floats(-5, 5), min_size=2, max_size=254, unique=True).map(
    lambda e: tuple(sorted(e))
)
values = nps.arrays(
    np.float32, st.integers(0, 300), elements=st.floats(-6, 6, width=32) | st.just(np.nan)
)


@given(edges, values, st.integers(0, 2**32))
def test_counts_equal_numpy(bounds, column, seed):
    axis = Axis(bounds)
    column[: len(bounds)] = np.array(bounds, np.float32)[: len(column)]
    chosen = np.random.default_rng(seed).random(len(column)) < 0.5
    histogram = Histogram("a", axis, axis.codes(column))
    expected = np.histogram(column[chosen & ~np.isnan(column)], bounds)[0]
    np.testing.assert_array_equal(histogram.counts(Mask.of_bools(chosen)), expected)
    column = column.astype(np.float64)  # NumPy would round an edge to float32 to compare it
    np.testing.assert_array_equal(histogram.codes == NULL, np.isnan(column))
    np.testing.assert_array_equal(histogram.codes == BELOW, column < bounds[0])
    np.testing.assert_array_equal(histogram.codes == ABOVE, column > bounds[-1])


@pytest.mark.parametrize("bounds", [(), (1.0,), (1.0, 1.0), (2.0, 1.0), tuple(range(255))])
def test_edges_must_rise(bounds):
    with pytest.raises(ValueError, match="rise"):
        Axis(bounds)


def columns_of(n, rng):
    snr = rng.lognormal(size=n).astype(np.float32)
    snr[::9] = 0
    redshift = rng.gamma(2, 0.4, size=n).astype(np.float32)
    redshift[::7] = np.nan
    score, sigma = rng.lognormal(size=n), rng.normal(size=n)
    return {
        "score_mse": score.astype(np.float32),
        "sigma_astro": sigma.astype(np.float32),
        "snr": snr,
        "redshift": redshift,
    }


def test_without_a_calibration_there_is_no_histogram_of_sigma(tmp_path, rng):
    columns = columns_of(100, rng)
    columns["sigma_astro"][:] = np.nan
    write_histograms(tmp_path, columns.__getitem__)
    assert list(open_histograms(tmp_path)) == ["score_mse", "snr", "redshift"]


def test_a_store_has_its_histograms(tmp_path, rng):
    columns = columns_of(5_000, rng)
    write_histograms(tmp_path, columns.__getitem__)
    found = open_histograms(tmp_path)
    assert list(found) == list(columns)
    everything = Mask.all(5_000)
    for name, histogram in found.items():
        counts = histogram.counts(everything)
        assert len(counts) == N_BINS
        column = columns[name]
        is_counted = (column >= histogram.axis.edges[0]) & (column <= histogram.axis.edges[-1])
        assert counts.sum() == is_counted.sum() > 4_000
    assert (found["snr"].codes == BELOW).sum() == (columns["snr"] == 0).sum()


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_columns_of_one_value_or_none_have_histograms(tmp_path, value):
    write_histograms(tmp_path, lambda name: np.full(9, value, np.float32))
    for histogram in open_histograms(tmp_path).values():
        assert histogram.counts(Mask.all(9)).sum() == (0 if np.isnan(value) else 9)


@pytest.mark.parametrize("name", ["histograms.json", "snr.u8.npy"])
def test_broken_histograms_are_refused(tmp_path, rng, name):
    write_histograms(tmp_path, columns_of(9, rng).__getitem__)
    (tmp_path / "histograms" / name).write_text("broken")
    with pytest.raises(StoreError, match="build the store again"):
        open_histograms(tmp_path)
