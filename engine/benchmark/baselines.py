"""What others do, on the same spectra: five scores to be better than."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .pca import WeightedPca
from .sample import Sample

Score = Callable[[Sample], NDArray[np.float64]]
_N_TREES, _N_NEIGHBORS = 200, 30


def fit_baselines(training: Sample, compatible: BigAE, seed: int = 0) -> dict[str, Score]:
    """Return the baselines by name, each a function from N spectra to (N,) scores, all positive.

    Parameters
    ----------
    training : Sample
        What every baseline but the compatible score is fitted to.
    compatible : BigAE
        The published network, trained.
    seed : int
        Of the components and the trees.
    """
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import LocalOutlierFactor

    pca = WeightedPca.fit(training.weighed, seed)
    coefficients = pca.coefficients(training.weighed)
    trees = IsolationForest(n_estimators=_N_TREES, random_state=seed).fit(coefficients)
    near = LocalOutlierFactor(_N_NEIGHBORS, novelty=True).fit(coefficients)
    latents = LocalOutlierFactor(_N_NEIGHBORS, novelty=True).fit(_encode(compatible, training)[1])
    return {
        "weighted PCA, chi²": lambda sample: pca.chi_square(sample.weighed),
        "weighted PCA, isolation forest": lambda sample: (
            -trees.score_samples(pca.coefficients(sample.weighed))
        ),
        "weighted PCA, local outlier factor": lambda sample: (
            -near.score_samples(pca.coefficients(sample.weighed))
        ),
        "compatible latents, local outlier factor": lambda sample: (
            -latents.score_samples(_encode(compatible, sample)[1])
        ),
        "compatible score": lambda sample: _encode(compatible, sample)[0],
    }


def _encode(network: BigAE, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return score_mse, (N,), and the latents of the compatible network."""
    flux = sample.compatible
    made, latents = forward_blocks(network, flux, torch.device("cpu"))
    scores = score_residuals(flux, made, sample.is_covered, COMPATIBLE_GRID)
    return scores.score_mse.astype(np.float64), latents
