"""Lines that were put in are found with their area and width."""

import numpy as np
import pytest

from anomaly_explorer.engine.benchmark.profiles import fit_line

LIGHT_KMS = 299792.458


def make_line(area, sigma_kms, noise, seed=0):
    at = 6000 + 0.8 * np.arange(400)
    sigma = 6160 * sigma_kms / LIGHT_KMS
    line = area / sigma / np.sqrt(2 * np.pi) * np.exp(-0.5 * ((at - 6160) / sigma) ** 2)
    flux = 3 + 0.002 * (at - 6160) + line
    flux += np.random.default_rng(seed).normal(0, noise, len(at))
    return at, flux, np.full(len(at), noise)


@pytest.mark.parametrize(("area", "sigma_kms"), [(40.0, 60.0), (-40.0, 120.0), (300.0, 300.0)])
def test_area_and_width_come_back(area, sigma_kms):
    found = fit_line(make_line(area, sigma_kms, 0.05), 6161.0, (25, 400), 1400)
    assert found.area == pytest.approx(area, rel=0.05)
    assert found.sigma_kms == pytest.approx(sigma_kms, rel=0.05)
    assert found.shift_kms == pytest.approx(-1 / 6161 * LIGHT_KMS, abs=5)
    assert found.significance > 20


def test_noise_alone_does_not_stand_out():
    fits = [fit_line(make_line(0, 100, 1.0, seed), 6160.0, (25, 400), 1400) for seed in range(20)]
    assert sum(fit is not None and fit.significance > 5 for fit in fits) <= 1


def test_outside_the_spectrum_there_is_no_line():
    spectrum = make_line(40, 60, 0.1)
    assert fit_line(spectrum, 5000.0, (25, 400), 1400) is None
    unusable = (spectrum[0], spectrum[1], np.zeros(400))
    assert fit_line(unusable, 6160.0, (25, 400), 1400) is None
