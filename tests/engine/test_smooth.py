import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anomaly_explorer.engine.spectra.smooth import smooth_flux

N = 60
flux_arrays = arrays(np.float64, N, elements=st.floats(-100, 100))
ivar_arrays = arrays(np.float64, N, elements=st.sampled_from([0.0, 0.25, 1.0, 3.0]))
sigmas = st.sampled_from([0, 0.7, 3, 26])


def brute_force(flux, ivar, sigma):
    reach = int(4 * sigma + 0.5)
    result = np.full(N, np.nan)
    for i in np.flatnonzero(ivar):
        near = range(max(0, i - reach), min(N, i + reach + 1))
        weights = np.array([np.exp(-0.5 * ((j - i) / sigma) ** 2) * ivar[j] for j in near])
        result[i] = np.sum(weights * flux[near.start : near.stop]) / weights.sum()
    return result


@given(flux_arrays, ivar_arrays, st.sampled_from([0.7, 3, 26]))
def test_smoothing_is_the_weighted_mean_written_out(flux, ivar, sigma):
    smooth = smooth_flux(flux, ivar, sigma)
    np.testing.assert_allclose(smooth, brute_force(flux, ivar, sigma), rtol=1e-5, atol=1e-4)


@given(flux_arrays, ivar_arrays)
def test_no_smoothing_keeps_good_pixels_and_drops_the_rest(flux, ivar):
    expected = np.where(ivar > 0, flux, np.nan)
    np.testing.assert_allclose(smooth_flux(flux, ivar, 0), expected, rtol=1e-5, atol=1e-12)


@given(ivar_arrays, sigmas, st.floats(-50, 50))
def test_a_flat_spectrum_stays_flat(ivar, sigma, level):
    smooth = smooth_flux(np.full(N, level), ivar, sigma)
    np.testing.assert_allclose(smooth[ivar > 0], level, rtol=1e-5, atol=1e-6)


@given(flux_arrays, ivar_arrays, sigmas)
def test_only_ratios_of_ivar_matter(flux, ivar, sigma):
    one, other = smooth_flux(flux, ivar, sigma), smooth_flux(flux, ivar * 1024, sigma)
    np.testing.assert_array_equal(one, other)


@given(flux_arrays, ivar_arrays, sigmas)
def test_what_masked_pixels_hold_never_matters(flux, ivar, sigma):
    garbage = np.where(ivar > 0, flux, np.nan)
    np.testing.assert_array_equal(smooth_flux(flux, ivar, sigma), smooth_flux(garbage, ivar, sigma))


def test_no_good_pixel_gives_nothing():
    assert np.isnan(smooth_flux(np.ones(5), np.zeros(5), 3)).all()


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match="got -1"):
        smooth_flux(np.ones(3), np.ones(3), -1)
