"""Matched filters against the product of full matrices, and known lines against least squares."""

import numpy as np
import pytest
from scipy.stats import norm

from anomaly_explorer.engine.scoring.filters import WIDTHS, filter_bank, match_filters
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.known_lines import (
    KNOWN_LINES,
    RIDGE,
    WIDTH_ANGSTROM,
    remove_known_lines,
)
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, BinGrid

BANK = filter_bank(COMPATIBLE_GRID)
N_BINS = COMPATIBLE_GRID.n_bins


def noise(rng, n):
    weight = rng.uniform(0.1, 30, (n, N_BINS)).astype(np.float32)
    weight[rng.random((n, N_BINS)) < 0.1] = 0
    with np.errstate(divide="ignore"):
        deviation = np.where(weight > 0, 1 / np.sqrt(weight), 0)
    return (rng.normal(size=weight.shape) * deviation).astype(np.float32), weight


def test_every_filter_lies_in_one_arm_and_has_unit_norm():
    rows = np.stack([BANK.shape(t, N_BINS) for t in range(len(BANK))])
    np.testing.assert_allclose((rows**2).sum(axis=1), 1, rtol=1e-5)
    of_arm = [(rows[:, COMPATIBLE_GRID.bins_of(arm)] != 0).any(axis=1) for arm in ARMS]
    assert (np.sum(of_arm, axis=0) == 1).all()
    assert set(BANK.width) == set(range(len(WIDTHS)))


def test_the_best_match_is_that_of_the_full_product(rng):
    difference, weight = noise(rng, 40)
    rows = np.stack([BANK.shape(t, N_BINS) for t in range(len(BANK))]).astype(float)
    signal, power = np.abs((difference * weight) @ rows.T), weight @ (rows**2).T
    with np.errstate(invalid="ignore", divide="ignore"):
        full = np.where(power > 0, signal / np.sqrt(power), -1)
    found, which = match_filters(difference, weight, BANK)
    for number in range(len(WIDTHS)):
        expected = full[:, BANK.width == number].max(axis=1)
        np.testing.assert_allclose(found[:, number], expected, rtol=1e-4, atol=1e-4)
        assert (BANK.width[which[:, number]] == number).all()


@pytest.mark.parametrize("width", range(1, len(WIDTHS)))
def test_a_bump_is_found_at_its_place_width_and_strength(width, rng):
    difference, weight = noise(rng, 1)
    weight[:], difference[:] = 4.0, 0
    number = int(np.flatnonzero(BANK.width == width)[len(BANK) // len(WIDTHS) // 40])
    difference[0] = 10 / np.sqrt(4.0) * BANK.shape(number, N_BINS)
    found, which = match_filters(difference, weight, BANK)
    assert found[0, width] == pytest.approx(10, rel=1e-4)
    assert found[0].argmax() == width
    assert which[0, width] == number


def test_nothing_known_matches_nothing():
    found, which = match_filters(np.ones((1, N_BINS), "f4"), np.zeros((1, N_BINS), "f4"), BANK)
    assert np.isnan(found).all()
    assert (which == -1).all()


@pytest.mark.parametrize("pixels_per_bin", [1, 2, 3, 16])
def test_lines_fit_into_bins_of_any_width(pixels_per_bin):
    grid = BinGrid(pixels_per_bin)
    flat = np.ones((1, grid.n_bins), np.float32)
    redshifts = 9800 / np.array([6564.61, 3727.09, 9531.0]) - 1
    for redshift in redshifts:
        for name in KNOWN_LINES:
            known = Known(np.array([name]), np.array([redshift]), np.array([""]))
            left = remove_known_lines(flat, flat, known, grid)
            assert np.isfinite(left).all()
            assert name == "STAR" or (left != flat).any()  # no star is there


def line_shapes(name, redshift):
    """Return the mean of each known line over each bin, (L, B), by the normal distribution."""
    low = COMPATIBLE_GRID.centers - COMPATIBLE_GRID.bin_width / 2
    rows = []
    for rest, width in KNOWN_LINES[name]:
        at = rest * (1 + redshift)
        sigma = np.hypot(at * width / 299792.458 / 2.354820045, WIDTH_ANGSTROM)
        shape = norm.cdf(low + COMPATIBLE_GRID.bin_width, at, sigma) - norm.cdf(low, at, sigma)
        is_far = (low + COMPATIBLE_GRID.bin_width < at - 5 * sigma) | (low > at + 5 * sigma)
        rows.append(np.where(is_far, 0, shape))
    return np.array(rows)


@pytest.mark.parametrize("name", KNOWN_LINES)
@pytest.mark.parametrize("redshift", [-0.0004, 0.0021, 0.1, 0.5, 1.4, 3.1])
def test_known_lines_are_those_of_a_ridge_fit(name, redshift, rng):
    difference, weight = noise(rng, 2)
    shapes = line_shapes(name, redshift)
    difference += (rng.uniform(0, 9, len(shapes)) @ shapes).astype(np.float32)
    known = Known(np.array([name] * 2), np.full(2, redshift), np.full(2, ""))
    left = remove_known_lines(difference, weight, known, COMPATIBLE_GRID)
    for row in range(2):
        gram = (shapes * weight[row]) @ shapes.T + RIDGE * np.eye(len(shapes))
        strength = np.linalg.solve(gram, (shapes * weight[row]) @ difference[row])
        np.testing.assert_allclose(left[row], difference[row] - strength @ shapes, atol=2e-3)


def test_lines_at_another_redshift_stay_and_some_spectra_are_left_alone(rng):
    difference, weight = noise(rng, 4)
    weight[:] = 9
    difference[:] = 20 * line_shapes("GALAXY", 0.3).sum(axis=0)
    known = Known(
        np.array(["GALAXY"] * 3 + [""]), np.array([0.3, 0.32, np.nan, 0.3]), np.full(4, "")
    )
    left = remove_known_lines(difference, weight, known, COMPATIBLE_GRID)
    power = (left**2).sum(axis=1) / (difference**2).sum(axis=1)
    assert power[0] < 1e-3
    assert power[1] > 0.5
    np.testing.assert_array_equal(left[2:], difference[2:])


@pytest.mark.parametrize("width_kms", [90, 200, 300, 500])
def test_a_narrow_line_of_any_width_is_taken_out(width_kms):
    at = 5008.24 * 1.2
    low = COMPATIBLE_GRID.centers - COMPATIBLE_GRID.bin_width / 2
    sigma = np.hypot(at * width_kms / 299792.458 / 2.354820045, WIDTH_ANGSTROM)
    line = norm.cdf(low + COMPATIBLE_GRID.bin_width, at, sigma) - norm.cdf(low, at, sigma)
    difference = (100 * line)[None].astype(np.float32)
    known = Known(np.array(["GALAXY"]), np.array([0.2]), np.array([""]))
    left = remove_known_lines(difference, np.ones_like(difference), known, COMPATIBLE_GRID)
    assert (left**2).sum() < 0.01 * (difference**2).sum()
