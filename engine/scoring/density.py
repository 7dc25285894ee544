"""How lonely latents are: minus the log density of a mixture of Gaussians fitted to normals.

An autoencoder can reconstruct what it has never seen (Bouman & Heskes 2025, arXiv:2501.13864): the
residual is small then, and the latents lie where nothing else does.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_AXES, N_COMPONENTS = 24, 24
_LEAST_VARIANCE = 1e-3


@dataclass(frozen=True, eq=False)
class LatentDensity:
    """A mixture of Gaussians over the main axes of the latents.

    Parameters
    ----------
    mean : (L,) float64
        Of the latents.
    axes : (L, A) float64
        Main axes over the spread along them.
    log_weight : (C,) float64
        Logarithm of the share of each component.
    center : (C, A) float64
    precision : (C, A, A) float64
        Upper triangular; its square is the inverse of the covariance.
    """

    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    log_weight: NDArray[np.float64]
    center: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def fit(cls, latents: NDArray[np.floating], seed: int = 0) -> "LatentDensity":
        """Fit to the latents (N, L) of normals; the same seed gives the same mixture."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits

        latents = np.asarray(latents, np.float64)
        mean = latents.mean(axis=0)
        _, spread, rows = np.linalg.svd(latents - mean, full_matrices=False)
        n_axes = min(N_AXES, len(spread))
        axes = rows[:n_axes].T / np.maximum(spread[:n_axes] / np.sqrt(len(latents)), 1e-12)
        mixture = GaussianMixture(
            min(N_COMPONENTS, len(latents) // (4 * n_axes) or 1), reg_covar=_LEAST_VARIANCE,
            init_params="k-means++", max_iter=60, tol=1e-2, random_state=seed,
        )  # fmt: skip
        # The products are small: on a busy machine threads would wait for each other for minutes.
        with warnings.catch_warnings(), threadpool_limits(1):
            # A mixture that still moves a little is good enough.
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit((latents - mean) @ axes)
        return cls(mean, axes, np.log(mixture.weights_), mixture.means_,
                   mixture.precisions_cholesky_)  # fmt: skip

    def surprise(self, latents: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return minus the natural log of the density at latents (N, L), (N,)."""
        places = (np.asarray(latents, np.float64) - self.mean) @ self.axes
        n_axes = places.shape[1]
        logs = np.empty((len(places), len(self.log_weight)))
        for number, (center, precision) in enumerate(zip(self.center, self.precision, strict=True)):
            squares = (((places - center) @ precision) ** 2).sum(axis=1)
            logs[:, number] = np.log(np.diag(precision)).sum() - 0.5 * squares
        logs += self.log_weight - 0.5 * n_axes * np.log(2 * np.pi)
        top = logs.max(axis=1)
        return -(top + np.log(np.exp(logs - top[:, None]).sum(axis=1)))
