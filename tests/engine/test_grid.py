"""The grid against the published catalog and against plain arithmetic."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm, BinGrid


def test_the_compatible_grid_has_the_published_bins():
    assert [COMPATIBLE_GRID.n_bins_of(arm) for arm in ARMS] == [171, 145, 180]
    assert COMPATIBLE_GRID.n_bins == 496


@given(st.integers(1, 400))
def test_bins_are_whole_groups_and_tile_every_arm(width):
    grid = BinGrid(width)
    assert len(grid.centers) == grid.n_bins
    for arm in ARMS:
        bins = grid.bins_of(arm)
        n = bins.stop - bins.start
        means = arm.wavelength[: n * width].reshape(n, width).mean(axis=1)
        np.testing.assert_allclose(grid.centers[bins], means, rtol=0, atol=1e-8)
        assert 0 <= arm.n_pixels - n * width < width


def test_published_wavelengths_are_those_of_the_gold_list(real_data):
    with open(real_data / "seed-catalogue" / "gold_120_snr05.csv", newline="") as file:
        peaks = [float(row["peak_residual_wavelength"]) for row in csv.DictReader(file)]
    nearest = np.abs(np.subtract.outer(peaks, COMPATIBLE_GRID.published_wavelengths)).min(axis=1)
    assert len(peaks) == 120
    assert nearest.max() < 5e-4


def test_published_wavelengths_drift_from_the_true_centres():
    drift = np.abs(COMPATIBLE_GRID.published_wavelengths - COMPATIBLE_GRID.centers)
    assert 10 < drift[COMPATIBLE_GRID.bins_of(Arm.BLUE)].max() < 12


def test_a_grid_needs_a_pixel():
    with pytest.raises(ValueError, match="pixels_per_bin"):
        BinGrid(0)
