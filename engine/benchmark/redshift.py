"""Redshift recoverability of the noise-aware network: what its latents keep of the redshift."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.insights.accuracy import measure_accuracy
from anomaly_explorer.engine.insights.readout import Readout
from anomaly_explorer.engine.insights.regression import MIN_SNR, boosted_trees
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .sample import Sample

_STAR = "STAR"
# Of those that are learned from, the share by which one of two ways is chosen.
_CHOOSING_SHARE = 0.1
_FEWEST = 200
# S/N of a bin that is MIN_SNR per √Å.
_MIN_BIN_SNR = MIN_SNR * np.sqrt(COMPATIBLE_GRID.bin_width)

Encoded = tuple[Sample, NDArray[np.floating]]


def recover_redshifts(
    learned: Sequence[Encoded], judged: Encoded, seed: int = 0
) -> dict[str, Any] | None:
    """Predict the redshifts of normal galaxies and quasars from latents.

    Those with a sure redshift count, and of these S/N > 2 per √Å is judged, as in the insight of
    that name; fainter ones teach too. What is predicted is ln(1 + z), as errors grow with 1 + z.

    Parameters
    ----------
    learned : sequence of Sample, (N, 128) array
        Spectra with their latents to learn from.
    judged : Sample, (M, 128) array
        Others to judge by.
    seed : int
        Of both ways, trees and a network.

    Returns
    -------
    dict or None
        Figures of `Accuracy` by name, ``way`` and ``n_learned``; None where there are too few.
    """
    parts = [_far(*each, 0) for each in learned]
    latents, target = (np.concatenate(each) for each in zip(*parts, strict=True))
    others, true = _far(*judged, _MIN_BIN_SNR)
    if min(len(target), len(true)) < _FEWEST:
        return None
    order = np.random.default_rng(seed).permutation(len(target))
    choosing, learning = np.split(order, [int(_CHOOSING_SHARE * len(order))])
    ways = {"boosted trees": boosted_trees(seed), "network": Readout(seed)}
    ends = target[learning].min(), target[learning].max()

    def judge(name: str, inputs: NDArray[np.floating], wanted: NDArray[np.floating]) -> Any:
        predicted = np.clip(ways[name].predict(inputs), *ends)
        return measure_accuracy(np.expm1(wanted), np.expm1(predicted))

    spreads = {}
    for name, way in ways.items():
        way.fit(latents[learning], target[learning])
        spreads[name] = judge(name, latents[choosing], target[choosing]).sigma_nmad
    chosen = min(spreads, key=spreads.__getitem__)
    accuracy = judge(chosen, others, true)
    return {"way": chosen, "n_learned": len(learning), **accuracy.to_dict()}


def _far(
    sample: Sample, latents: NDArray[np.floating], min_bin_snr: float
) -> tuple[NDArray[np.floating], NDArray[np.float64]]:
    """Return latents, (n, 128), and ln(1 + z), (n,), of those that count."""
    labels, known = sample.labels, sample.known
    is_far = (known.classes != _STAR) & (known.redshift > 0) & sample.is_sure
    rows = np.flatnonzero(labels.is_normal & is_far & (labels.snr > min_bin_snr))
    return latents[rows], np.log1p(known.redshift[rows])
