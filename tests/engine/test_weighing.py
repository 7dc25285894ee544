"""Bins weighted by ivar: what counts, what does not, and that the unit of flux is free."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.model.weighing import UNKNOWN, weigh_bins
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch


def make_batch(rng, n=3):
    flux = {arm: rng.normal(3, 1, (n, arm.n_pixels)).astype(np.float32) for arm in ARMS}
    ivar = {arm: rng.uniform(0.2, 2, (n, arm.n_pixels)).astype(np.float32) for arm in ARMS}
    mask = {arm: (rng.random((n, arm.n_pixels)) < 0.05).astype(np.uint32) for arm in ARMS}
    return SpectrumBatch(flux, ivar, mask)


def by_hand(batch, row):
    """Return flux, variance and amplitude of one spectrum, bin by bin in float64."""
    means, weights = [], []
    for arm in ARMS:
        for b in range(COMPATIBLE_GRID.n_bins_of(arm)):
            pixels = slice(16 * b, 16 * b + 16)
            flux, ivar = (
                getattr(batch, k)[arm][row, pixels].astype(float) for k in ("flux", "ivar")
            )
            good = (batch.mask[arm][row, pixels] == 0) & (ivar > 0) & np.isfinite(flux)
            weight = ivar[good].sum()
            weights.append(weight)
            means.append((ivar[good] * flux[good]).sum() / weight if weight else 0.0)
    mean, weight = np.array(means), np.array(weights)
    amplitude = np.sqrt((weight * mean**2).sum() / weight.sum())
    with np.errstate(divide="ignore"):
        variance = np.where(weight > 0, 1 / (weight * amplitude**2), UNKNOWN)
    return mean / amplitude, variance, amplitude


def test_bins_are_means_weighted_by_ivar_over_their_root_mean_square(rng):
    batch = make_batch(rng)
    batch.ivar[Arm.RED][1] = 0
    batch.flux[Arm.BLUE][2, :40] = np.nan
    weighed = weigh_bins(batch, COMPATIBLE_GRID)
    for row in range(3):
        flux, variance, amplitude = by_hand(batch, row)
        np.testing.assert_allclose(weighed.flux[row], flux, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(weighed.variance[row], variance, rtol=1e-5)
        assert weighed.amplitude[row] == pytest.approx(amplitude, rel=1e-6)
    assert not weighed.is_known[1, COMPATIBLE_GRID.bins_of(Arm.RED)].any()
    assert not weighed.is_known[2, :2].any()
    assert weighed.is_known.sum() == 3 * 496 - 145 - 2


@given(power=st.integers(-8, 8))
@settings(max_examples=17, deadline=None)
def test_another_unit_of_flux_is_the_same_input(power):
    batch, factor = make_batch(np.random.default_rng(1)), np.float32(2.0**power)
    other = SpectrumBatch(
        {arm: batch.flux[arm] * factor for arm in ARMS},
        {arm: batch.ivar[arm] / factor**2 for arm in ARMS},
        batch.mask,
    )
    first, second = (weigh_bins(each, COMPATIBLE_GRID) for each in (batch, other))
    np.testing.assert_array_equal(first.flux, second.flux)
    np.testing.assert_array_equal(first.variance, second.variance)
    np.testing.assert_array_equal(first.amplitude * factor, second.amplitude)


@pytest.mark.parametrize("flux", [0.0, np.nan, np.inf, 3e38])
@pytest.mark.parametrize("ivar", [0.0, np.nan, np.inf, 1e-38, 1e30])
def test_no_pixel_makes_a_bin_that_is_not_finite(flux, ivar, rng):
    batch = make_batch(rng, 1)
    for arm in ARMS:
        batch.flux[arm][:] = flux
        batch.ivar[arm][:, ::2] = ivar
    weighed = weigh_bins(batch, COMPATIBLE_GRID)
    for values in (weighed.flux, weighed.variance, weighed.amplitude):
        assert np.isfinite(values).all()
    assert (weighed.variance > 0).all()
    assert (weighed.flux[~weighed.is_known] == 0).all()
