"""A measurer trained on simulated spectra, kept in one file: trained once, loaded ever after.

Other surveys see less of the spectrum than DESI does. A third of the simulated spectra lose what
lies outside a random range of wavelengths, so that the network knows what a missing end looks like.
"""

import copy
from pathlib import Path

import numpy as np
import torch

from anomaly_explorer.engine.benchmark.sample import draw_sample, draw_sky
from anomaly_explorer.engine.model.card import simulated_name
from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan, bin_losses, train_denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.learn import learn
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.scoring.measurer_file import load_measurer, save_measurer
from anomaly_explorer.engine.scoring.sky_templates import sky_templates
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.threads import one_thread

SEED, N_TRAINING, N_UNLABELLED, N_SKY, EPOCHS = 900, 12_000, 5, 1_000, 22
N_MODES, N_CALIBRATION, N_SKY_OF_OTHERS = 4_000, 20_000, 300
# Rounds and batch of a network of a survey's own; steps and rate of one that is trained on.
_OWN_EPOCHS, _OWN_BATCH, _TUNING_STEPS, _TUNING_RATE = 150, 64, 250, 3e-4
# Share of the spectra with a range, and what its ends are drawn from (Å).
_CUT_SHARE, _BLUE_ENDS, _RED_ENDS = 1 / 3, (3600.0, 4100.0), (8200.0, 9824.0)


def measurer_of(path: Path) -> Measurer:
    """Return the measurer that a file holds; without the file, train one and write it."""
    if not path.exists():
        survey = SimulatedSurvey(SEED)
        training, sky = draw_sample(survey, N_TRAINING, N_UNLABELLED), draw_sky(survey, N_SKY)
        spectra = cut_ends(training.weighed, np.random.default_rng(SEED))
        plan = DenoiserPlan(epochs=EPOCHS, seed=SEED)
        measurer, _ = learn(spectra, training.known, sky, plan)
        name = simulated_name(survey.version, SEED)
        facts = {"training_survey": name, "training": vars(plan) | {"cut_ends": _CUT_SHARE}}
        save_measurer(path, measurer, np.zeros(0, np.int64), facts)
    return load_measurer(path).measurer


def measurer_around(network: Denoiser, spectra: WeighedInput, sky: WeighedInput) -> Measurer:
    """Return the measurer of a network, with the density of what it was trained on."""
    with torch.inference_mode():
        latents = network.encode(
            torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance)
        ).numpy()
    return Measurer(network, LatentDensity.fit(latents), sky_templates(sky), COMPATIBLE_GRID)


def trained_on(spectra: WeighedInput, sky: WeighedInput) -> Measurer:
    """Return a measurer of a network that has seen N spectra of one survey and no others."""
    plan = DenoiserPlan(epochs=_OWN_EPOCHS, batch_size=_OWN_BATCH)
    with one_thread():
        network = train_denoiser(spectra, np.ones(len(spectra)), plan).network
    return measurer_around(network, spectra, sky)


def tuned_to(spectra: WeighedInput, network: Denoiser, sky: WeighedInput) -> Measurer:
    """Return a measurer of a network that is trained on with N spectra of one survey.

    Noise and model error both count from the first step on, at a rate of a fifth of the usual.
    """
    torch.manual_seed(0)
    tuned = copy.deepcopy(network).train()
    optimizer = torch.optim.AdamW(tuned.parameters(), _TUNING_RATE, weight_decay=1e-4)
    flux, variance = torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance)
    with one_thread():
        for _ in range(_TUNING_STEPS):
            rows = torch.randint(0, len(flux), (_OWN_BATCH,))
            loss = _loss(tuned, flux[rows], variance[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tuned.parameters(), 1.0)
            optimizer.step()
    return measurer_around(tuned.eval(), spectra, sky)


def _loss(network: Denoiser, flux: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return the loss of spectra made noisier, which the network is to make as they were."""
    known = noise < UNKNOWN
    worse = noise * 2 * torch.rand(len(flux), 1)
    made = network(flux + torch.randn_like(flux) * (worse * known).sqrt(),
                   (noise + worse).clamp(max=float(UNKNOWN)))  # fmt: skip
    return bin_losses(made, flux, noise)[known].mean()


def cut_ends(spectra: WeighedInput, rng: np.random.Generator) -> WeighedInput:
    """Return N spectra of which a third know nothing outside a random range of wavelengths."""
    n, at = len(spectra), COMPATIBLE_GRID.centers
    blue, red = rng.uniform(*_BLUE_ENDS, (n, 1)), rng.uniform(*_RED_ENDS, (n, 1))
    is_out = ((at < blue) | (at > red)) & (rng.random((n, 1)) < _CUT_SHARE)
    return WeighedInput(
        np.where(is_out, np.float32(0), spectra.flux),
        np.where(is_out, UNKNOWN, spectra.variance),
        spectra.amplitude,
    )
