"""A measurer of flat spectra and its calibration, and spectra with a bump where we want one."""

import numpy as np

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import normalize_weighed
from anomaly_explorer.engine.scoring.calibrated import ScoreCalibration
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

N_BINS = COMPATIBLE_GRID.n_bins


def make_flat(seed, n, bump=None):
    """Return flat spectra of S/N 10 a bin, galaxies without redshift, and what is known of them.

    A bump is (bin, standard deviation in bins, strength in deviations); negative is a dip.
    """
    rng = np.random.default_rng(seed)
    weight = np.full((n, N_BINS), 100.0)
    flux = 1 + rng.normal(size=weight.shape) / 10
    if bump is not None:
        center, sigma, strength = bump
        shape = np.exp(-0.5 * ((np.arange(N_BINS) - center) / max(sigma, 0.1)) ** 2)
        flux += strength / 10 * shape / np.sqrt((shape**2).sum())
    known = Known.of_classes(np.full(n, "GALAXY"), np.full(n, np.nan))
    return normalize_weighed(weight * flux, weight), known


def make_measurer():
    """Return a measurer whose network, untrained, believes in flat spectra."""
    network = Denoiser(N_BINS).eval()
    network.mean.weight.data[:] = 0
    network.mean.bias.data[:] = 1
    network.log_variance.weight.data[:] = 0
    network.log_variance.bias.data[:] = -8
    density = LatentDensity.fit(np.random.default_rng(0).normal(0, 0.1, (600, 128)))
    sky = np.zeros((1, N_BINS), np.float32)
    sky[0, 330:490:9] = 1
    return Measurer(network, density, sky, COMPATIBLE_GRID)


def make_calibration(measurer):
    """Return the calibration of that measurer by 2,000 normals."""
    spectra, known = make_flat(1, 2000)
    return ScoreCalibration.fit(measurer.measure(spectra, known), known.classes)
