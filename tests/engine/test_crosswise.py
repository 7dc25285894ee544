"""Measuring a small survey fold by fold: nobody is judged by himself."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.scoring.crosswise import (
    expect,
    fit_few_modes,
    folds,
    measure_crosswise,
    scale_noise,
)
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measured, Measurer
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm

B = COMPATIBLE_GRID.n_bins


def make_spectra(n, seed=0):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.01, 0.1, (n, B)).astype(np.float32)
    variance[rng.random((n, B)) < 0.05] = UNKNOWN
    flux = np.where(variance < UNKNOWN, rng.normal(1, 0.2, (n, B)), 0).astype(np.float32)
    return WeighedInput(flux, variance, np.ones(n, np.float32))


@pytest.fixture(scope="module")
def measurer():
    density = LatentDensity.fit(np.random.default_rng(0).normal(0, 0.1, (600, 128)))
    return Measurer(Denoiser(B).eval(), density, np.ones((1, B), np.float32), COMPATIBLE_GRID)


@given(st.integers(1, 300), st.integers(2, 9))
def test_folds_share_everything_evenly(n, n_folds):
    sizes = np.bincount(folds(n, n_folds), minlength=n_folds)
    assert sizes.sum() == n
    assert sizes.max() - sizes.min() <= 1


@given(st.floats(0.3, 3), st.floats(0.3, 3))
def test_noise_is_scaled_arm_by_arm_and_scaling_back_undoes_it(blue, nir):
    spectra = make_spectra(4)
    scales = {Arm.BLUE: blue, Arm.RED: 1.0, Arm.NIR: nir}
    scaled = scale_noise(spectra, scales, COMPATIBLE_GRID)
    assert np.array_equal(scaled.is_known, spectra.is_known)
    assert np.array_equal(scaled.flux, spectra.flux)
    for arm in ARMS:
        bins = COMPATIBLE_GRID.bins_of(arm)
        known = spectra.is_known[:, bins]
        ratio = scaled.variance[:, bins][known] / spectra.variance[:, bins][known]
        assert np.allclose(ratio, scales[arm] ** 2, rtol=1e-4)
    back = scale_noise(scaled, {arm: 1 / s for arm, s in scales.items()}, COMPATIBLE_GRID)
    assert np.allclose(back.variance, spectra.variance, rtol=1e-4)


def test_everybody_is_measured_once_by_a_measurer_that_has_not_seen_him():
    n = 23
    spectra = make_spectra(n)
    spectra.flux[:, 0] = np.arange(n)
    known, fold = Known.of_classes(np.full(n, "STAR"), np.zeros(n)), folds(n, 4)

    def fit(others, _):
        seen = set(others.flux[:, 0].tolist())

        def measure(some, _, pixels):
            here = some.flux[:, 0]
            assert np.array_equal(pixels.line, here)
            assert not seen & set(here.tolist())
            assert len(seen) + len(here) == n
            return Measured({"misfit": here}, here[:, None].astype(int), here, here[:, None])

        return SimpleNamespace(measure=measure)

    pixels = replace(PixelFindings.unknown(n), line=spectra.flux[:, 0])
    twice = measure_crosswise(fit, (spectra, spectra), known, fold, pixels)
    for found in twice:
        assert np.array_equal(found.values["misfit"], np.arange(n))
        assert np.array_equal(found.filters[:, 0], np.arange(n))


def test_few_normals_have_few_modes_and_very_few_keep_theirs(measurer):
    classes = np.array(["STAR"] * 45 + ["QSO"] * 12)
    known = Known.of_classes(classes, np.full(57, np.nan))
    fitted = fit_few_modes(measurer, make_spectra(57), known)
    assert fitted.modes["STAR"].modes.shape == (B, 4)
    assert "QSO" not in fitted.modes


def test_what_is_expected_and_how_far_it_is_off_make_the_spectrum(measurer):
    spectra = make_spectra(50)
    known = Known.of_classes(np.full(50, "STAR"), np.full(50, np.nan))
    expected, off = expect(fit_few_modes(measurer, spectra, known), spectra, known)
    seen = spectra.is_known
    assert np.isnan(expected[~seen]).all()
    assert np.isnan(off[~seen]).all()
    assert (np.sign(spectra.flux - expected) == np.sign(off))[seen & (np.abs(off) > 1e-3)].all()
