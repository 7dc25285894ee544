"""How a measurer is learnt, by the command `train` as by the benchmark.

The network sees normals by class and, now and then, a sky fiber: what no object looks like. Its
weights are rounded to what a file keeps before anything is fitted to what it says, so that a
measurer read from a file is the one that was fitted.
"""

from collections.abc import Callable

import numpy as np
import torch

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.train_denoiser import (
    DenoiserPlan,
    DenoiserResult,
    train_denoiser,
)
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .density import LatentDensity
from .error_modes import N_MODES
from .known import Known
from .measurer import Measurer
from .sampling import training_shares
from .sky_templates import sky_templates

# Fewer sky fibers show noise, and fewer normals of a class than ten for each mode no modes.
MIN_SKY, MIN_MODE_NORMALS = 100, 10 * N_MODES
Progress = Callable[[int, float], None]


def learn(
    spectra: WeighedInput,
    known: Known,
    sky: WeighedInput,
    plan: DenoiserPlan,
    progress: Progress | None = None,
) -> tuple[Measurer, DenoiserResult]:
    """Train a network and make a measurer of it, without modes yet: see `with_enough_modes`.

    Parameters
    ----------
    spectra : WeighedInput
        N normals, a few unlabelled anomalies among them.
    known : Known
        Of the same spectra.
    sky : WeighedInput
        Sky fibers; of fewer than `MIN_SKY` no templates are made.
    plan : DenoiserPlan
    progress : callable, optional
        Called with (epoch, validation loss) after each epoch.

    Returns
    -------
    Measurer, DenoiserResult
        Rows of the result at N and beyond are sky fibers. Raises ValueError when there is nothing
        to learn from.
    """
    shares = training_shares(known, len(sky))
    together = spectra.joined(sky) if len(sky) else spectra
    result = train_denoiser(together, shares, plan, progress, best_device())
    network = rounded(result.network)
    with torch.inference_mode():
        latents = network.encode(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
    templates = (
        sky_templates(sky)
        if len(sky) >= MIN_SKY
        else np.zeros((1, COMPATIBLE_GRID.n_bins), np.float32)
    )
    density = LatentDensity.fit(latents.numpy())
    return Measurer(network, density, templates, COMPATIBLE_GRID), result


def best_device() -> torch.device:
    """Return cuda where it is, else the CPU: other devices are no faster for small products."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rounded(network: Denoiser) -> Denoiser:
    """Return a network with weights that float16 can hold, in float32 and eval mode."""
    made = Denoiser(network.n_bins)
    made.load_state_dict(
        {name: value.half().float() for name, value in network.state_dict().items()}
    )
    return made.eval()


def with_enough_modes(
    measurer: Measurer, normals: WeighedInput, known: Known
) -> tuple[Measurer, dict[str, int]]:
    """Return a measurer with the modes of every class that has normals enough.

    Parameters
    ----------
    measurer : Measurer
    normals : WeighedInput
        N spectra that its network was not trained on.
    known : Known
        Of the same spectra.

    Returns
    -------
    Measurer, dict of str to int
        How many normals each class has here; those under `MIN_MODE_NORMALS` are left out.
    """
    names, counts = np.unique(known.classes[known.classes != ""], return_counts=True)
    has_enough = np.isin(known.classes, names[counts >= MIN_MODE_NORMALS])
    rows = np.flatnonzero(has_enough)
    made = measurer.with_modes(normals.take(rows), known.take(rows))
    return made, dict(zip(names.tolist(), counts.tolist(), strict=True))
