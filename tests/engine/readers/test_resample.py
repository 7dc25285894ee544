import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM, Arm
from anomaly_explorer.engine.spectra.resample import Samples, resample_to_arms
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED


def make(first=3700.0, n=4000, step=1e-4, seed=0, bad=()):
    rng = np.random.default_rng(seed)
    wavelength = first * 10 ** (step * np.arange(n))
    is_bad = np.zeros(n, dtype=bool)
    is_bad[list(bad)] = True
    return Samples(wavelength, rng.normal(2, 1, n), rng.uniform(0.5, 3, n), is_bad)


def integral_of_input(samples, low, high):
    """Brute force: every input pixel times its overlap with [low, high]."""
    edges = samples.edges
    overlap = np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None)
    return float((overlap * samples.flux).sum())


@given(
    seed=st.integers(0, 99),
    step=st.floats(5e-5, 3e-4),
    interval=st.tuples(st.integers(300, 1500), st.integers(1501, 2300)),
)
@settings(max_examples=30, deadline=None)
def test_the_integral_of_flux_over_any_interval_of_pixels_is_conserved(seed, step, interval):
    samples = make(3700, 9000, step, seed)
    first, last = interval
    batch = resample_to_arms(samples)
    edges = 3600 + STEP_ANGSTROM * (np.array([first, last]) - 0.5)
    ours = batch.flux[Arm.BLUE][0, first:last].astype(float).sum() * STEP_ANGSTROM
    wanted = integral_of_input(samples, *edges)
    assert ours == pytest.approx(wanted, abs=1e-5 * (last - first))


def test_each_output_pixel_is_the_brute_force_overlap():
    samples = make(5000, 500)
    batch = resample_to_arms(samples)
    for arm in (Arm.BLUE, Arm.RED):
        for pixel in np.flatnonzero(batch.mask[arm][0] == 0)[::97]:
            center = arm.wavelength[pixel]
            wanted = integral_of_input(samples, center - 0.4, center + 0.4) / 0.8
            assert batch.flux[arm][0, pixel] == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def test_a_constant_stays_constant():
    samples = make()
    flat = Samples(samples.wavelength, np.full(4000, 7.0), samples.ivar, samples.is_bad)
    batch = resample_to_arms(flat)
    for arm in ARMS:
        covered = batch.mask[arm] != NOT_COVERED
        np.testing.assert_allclose(batch.flux[arm][covered], 7.0, rtol=1e-6)
        assert (batch.flux[arm][~covered] == 0).all()


@pytest.mark.parametrize("step", [1e-4, 2.5e-4])
def test_the_noise_of_a_wide_integral_is_conserved(step):
    samples = make(3700, 4000, step)
    batch = resample_to_arms(samples)
    first, last = 400, 2400
    ours = (STEP_ANGSTROM**2 / batch.ivar[Arm.BLUE][0, first:last].astype(float)).sum()
    edges = samples.edges
    low, high = 3600 + STEP_ANGSTROM * (np.array([first, last]) - 0.5)
    inside = (edges[:-1] >= low) & (edges[1:] <= high)
    theirs = (np.diff(edges)[inside] ** 2 / samples.ivar[inside]).sum()
    assert ours == pytest.approx(theirs, rel=0.01)


def test_the_inverse_variance_of_a_weighted_wide_mean_is_conserved():
    # The ivar of a weighted mean, per Å: sum of ivar over the window / its width in flux units.
    samples = make(3700, 4000)
    smooth = Samples(samples.wavelength, samples.flux, np.full(4000, 1.7), samples.is_bad)
    batch = resample_to_arms(smooth)
    ours = batch.ivar[Arm.BLUE][0, 400:2400].astype(float).sum()
    low, high = 3600 + STEP_ANGSTROM * (np.array([400, 2400]) - 0.5)
    inside = (smooth.wavelength > low) & (smooth.wavelength < high)
    assert ours == pytest.approx(smooth.ivar[inside].sum(), rel=0.02)


def test_scatter_of_resampled_noise_agrees_with_its_ivar_over_wide_windows():
    rng = np.random.default_rng(5)
    n, width, sums = 4000, 400, []
    wavelength = 3700 * 10 ** (1e-4 * np.arange(n))
    for _ in range(150):
        samples = Samples(wavelength, rng.normal(0, 1, n), np.ones(n), np.zeros(n, bool))
        batch = resample_to_arms(samples)
        flux, ivar = batch.flux[Arm.BLUE][0, 400:2400], batch.ivar[Arm.BLUE][0, 400:2400]
        total = flux.reshape(-1, width).sum(axis=1)
        sums.append(total / np.sqrt((1 / ivar).reshape(-1, width).sum(axis=1)))
    # 750 draws: the standard error of the scatter is 2.6 %.
    assert np.std(sums) == pytest.approx(1, abs=0.08)


def test_a_bad_pixel_yields_no_ivar_and_touches_nothing_far_away():
    clean, bad = resample_to_arms(make()), resample_to_arms(make(bad=[1000]))
    edges = make().edges[1000:1002]
    for arm in ARMS:
        lost = (clean.ivar[arm] > 0) & (bad.ivar[arm] == 0)
        low, high = arm.wavelength - 0.4, arm.wavelength + 0.4
        touched = (high > edges[0] + 1e-5) & (low < edges[1] - 1e-5)
        np.testing.assert_array_equal(lost[0], touched)
        assert (bad.mask[arm][0][lost[0]] == 1).all()
        np.testing.assert_array_equal(clean.flux[arm], bad.flux[arm])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_flux_never_leaves_its_pixel(value):
    samples = make()
    flux = samples.flux.copy()
    flux[500] = value
    batch = resample_to_arms(Samples(samples.wavelength, flux, samples.ivar, samples.is_bad))
    assert all(np.isfinite(batch.flux[arm]).all() for arm in ARMS)
    assert (batch.ivar[Arm.BLUE] == 0).sum() > (resample_to_arms(samples).ivar[Arm.BLUE] == 0).sum()


def test_a_spectrum_outside_desi_covers_nothing():
    batch = resample_to_arms(make(12000, 500))
    for arm in ARMS:
        assert (batch.mask[arm] == NOT_COVERED).all()
        assert (batch.ivar[arm] == 0).all()


@pytest.mark.parametrize(
    ("wavelength", "words"),
    [
        ([4000.0, 3999.0, 3998.0], "do not rise"),
        ([4000.0, 4001.0, 4002.0, 4100.0], "hole after 4002"),
        ([4000.0], "two or more"),
        ([-1.0, 2.0], "positive"),
    ],
)
def test_wavelengths_that_are_no_spectrum_are_refused(wavelength, words):
    n = len(wavelength)
    with pytest.raises(ValueError, match=words):
        Samples(np.array(wavelength), np.ones(n), np.ones(n), np.zeros(n, bool))
