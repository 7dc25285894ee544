"""A measurer that was never trained, and spectra to measure."""

import numpy as np
import torch

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.learn import rounded, with_enough_modes
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.scoring.measurer_file import save_measurer
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID


def some_spectra(n, seed=0):
    """Return smooth spectra with noise, a few bins of each unknown, and what is known of them."""
    rng = np.random.default_rng(seed)
    places = np.linspace(0, 1, COMPATIBLE_GRID.n_bins)
    variance = rng.uniform(0.01, 0.3, (n, 1)) * rng.uniform(0.5, 2, (n, len(places)))
    flux = 1 + rng.normal(0, 0.3, (n, 1)) * places + rng.normal(size=variance.shape) * variance**0.5
    unknown = rng.random(flux.shape) < 0.02
    flux[unknown], variance[unknown] = 0, UNKNOWN
    weighed = WeighedInput(flux.astype("f4"), variance.astype("f4"), np.ones(n, "f4"))
    facts = {
        "target_id": np.arange(n),
        "spectype": np.where(np.arange(n) % 10 < 8, "GALAXY", "STAR"),
        "redshift": rng.uniform(0, 1, n),
    }
    return weighed, Known.of_columns(facts)


def make_measurer(seed=0, n_normals=240):
    """Return a measurer with modes of galaxies only: of stars there are too few."""
    torch.manual_seed(seed)
    network = rounded(Denoiser(COMPATIBLE_GRID.n_bins))
    spectra, known = some_spectra(n_normals, seed + 1)
    with torch.inference_mode():
        latents = network.encode(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
    rng = np.random.default_rng(seed)
    sky = rng.normal(size=(2, COMPATIBLE_GRID.n_bins)).astype(np.float32)
    density = LatentDensity.fit(latents.numpy())
    return with_enough_modes(Measurer(network, density, sky, COMPATIBLE_GRID), spectra, known)[0]


def save_random_measurer(path, seed=0, training_ids=(), survey="DESI"):
    """Write such a measurer, with a card that says what it is given."""
    save_measurer(path, make_measurer(seed), np.asarray(training_ids, np.int64),
                  {"training_survey": survey, "training": {}})  # fmt: skip
    return path
