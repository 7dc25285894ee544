"""Redshift recoverability of the noise-aware network: what its latents keep of the redshift."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.insights.accuracy import measure_accuracy
from anomaly_explorer.engine.insights.neuron import against_rotations
from anomaly_explorer.engine.insights.readout import Readout
from anomaly_explorer.engine.insights.regression import MIN_SNR
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .sample import Sample

_STAR = "STAR"
# Nothing of the Milky Way recedes at 900 km/s: a star that the pipeline calls a galaxy is left out.
_NEAREST = 0.003
_FEWEST = 200
# Spectra that a neuron is looked for in: each is sorted once for each rotation.
_MOST = 10_000
# S/N of a bin that is MIN_SNR per √Å.
_MIN_BIN_SNR = MIN_SNR * np.sqrt(COMPATIBLE_GRID.bin_width)

Encoded = tuple[Sample, NDArray[np.floating]]


def recover_redshifts(
    learned: Sequence[Encoded], judged: Encoded, seed: int = 0
) -> dict[str, Any] | None:
    """Predict the redshifts of normal galaxies and quasars from latents.

    Those whose redshift the pipeline is sure of and with S/N > 2 per √Å, the median over the
    spectrum, count. What is predicted is ln(1 + z), as errors grow with 1 + z. Learned is what the
    pipeline says, a few of whose sure redshifts are wrong; judged by is what is true, where known.

    Parameters
    ----------
    learned : sequence of Sample, (N, 128) array
        Spectra with their latents to learn from. Give none that the network was trained on: it
        knows them better than those it is asked for later.
    judged : Sample, (M, 128) array
        Others to judge by.
    seed : int

    Returns
    -------
    dict or None
        Figures of `Accuracy` by name, ``n_learned``, and under ``neuron`` whether one latent knows
        the redshift better than directions drawn by lot; None where there are too few.
    """
    latents, target = (
        np.concatenate(each)
        for each in zip(*(_far(*each, each[0].known.redshift) for each in learned), strict=True)
    )
    sample = judged[0]
    is_told = np.isfinite(sample.redshift)
    others, true = _far(*judged, np.where(is_told, sample.redshift, sample.known.redshift))
    if min(len(target), len(true)) < _FEWEST:
        return None
    predicted = Readout(seed).fit(latents, target).predict(others)
    predicted = np.clip(predicted, target.min(), target.max())
    accuracy = measure_accuracy(np.expm1(true), np.expm1(predicted))
    neuron = _neuron(others[:_MOST], true[:_MOST], seed)
    return {"n_learned": len(target), **accuracy.to_dict(), "neuron": neuron}


def _neuron(
    latents: NDArray[np.floating], target: NDArray[np.floating], seed: int
) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    information, found, drawn, chance = against_rotations(latents, target, rng)
    return {
        "information": float(information.max()),
        "ratio_to_second": found[0], "ratio_to_median": found[1],
        "rotated_ratio_to_second": float(np.median(drawn[:, 0])),
        "p_to_second": chance[0], "p_to_median": chance[1],
    }  # fmt: skip


def _far(
    sample: Sample, latents: NDArray[np.floating], redshift: NDArray[np.float64]
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return latents, (n, 128), and ln(1 + z), (n,), of those that count."""
    labels, known = sample.labels, sample.known
    is_far = (known.classes != _STAR) & (redshift > _NEAREST) & sample.is_sure
    rows = np.flatnonzero(labels.is_normal & is_far & (labels.snr > _MIN_BIN_SNR))
    return latents[rows], np.log1p(redshift[rows])
