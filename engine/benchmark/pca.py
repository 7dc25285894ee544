"""Principal components of spectra with noise: a baseline, by weighted alternating least squares.

After Bailey 2012 (PASP 124, 1015): every bin counts by its inverse variance, what is missing not at
all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.weighing import WeighedInput

N_COMPONENTS = 20
_N_ROUNDS = 15
# Relative error that is believed of no bin: bright spectra would rule otherwise.
_FLOOR = 0.02
_RIDGE = 1e-3
_BLOCK = 4096


@dataclass(frozen=True)
class WeightedPca:
    """Components of spectra on B bins.

    Parameters
    ----------
    mean : (B,) float64
    components : (K, B) float64
    """

    mean: NDArray[np.float64]
    components: NDArray[np.float64]

    @classmethod
    def fit(cls, spectra: WeighedInput, seed: int = 0) -> "WeightedPca":
        """Fit to N spectra; the same seed gives the same components."""
        weight = _weight(spectra)
        mean = (weight * spectra.flux).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-12)
        rng = np.random.default_rng(seed)
        start = np.linalg.qr(rng.normal(size=(len(mean), N_COMPONENTS)))[0].T
        found = cls(mean, start)
        for _ in range(_N_ROUNDS):
            found = found._improved(spectra, weight)
        return found

    def coefficients(self, spectra: WeighedInput) -> NDArray[np.float64]:
        """Return the best coefficients of N spectra, (N, K)."""
        weight = _weight(spectra)
        return np.concatenate([
            self._solve(spectra.flux[rows], weight[rows])
            for rows in np.array_split(np.arange(len(spectra)), -(-len(spectra) // _BLOCK) or 1)
        ])  # fmt: skip

    def chi_square(self, spectra: WeighedInput) -> NDArray[np.float64]:
        """Return chi² for each known bin of what the components leave, (N,)."""
        left = spectra.flux - self.mean - self.coefficients(spectra) @ self.components
        n_known = np.maximum(spectra.is_known.sum(axis=1), 1)
        return (_weight(spectra) * left**2).sum(axis=1) / n_known

    def _solve(self, flux: NDArray[np.float32], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        n = len(self.components)
        pairs = (self.components[:, None] * self.components[None]).reshape(n * n, -1)
        gram = (weight @ pairs.T).reshape(-1, n, n) + _RIDGE * np.eye(n)
        pull = (weight * (flux - self.mean)) @ self.components.T
        return np.linalg.solve(gram, pull[..., None])[..., 0]

    def _improved(self, spectra: WeighedInput, weight: NDArray[np.float64]) -> "WeightedPca":
        found = self.coefficients(spectra)
        n = found.shape[1]
        pairs = (found[:, :, None] * found[:, None]).reshape(-1, n * n)
        gram = (weight.T @ pairs).reshape(-1, n, n) + _RIDGE * np.eye(n)
        pull = (weight * (spectra.flux - self.mean)).T @ found
        components = np.linalg.solve(gram, pull[..., None])[..., 0].T
        return WeightedPca(self.mean, np.linalg.qr(components.T)[0].T)


def _weight(spectra: WeighedInput) -> NDArray[np.float64]:
    return np.where(spectra.is_known, 1 / (spectra.variance.astype(np.float64) + _FLOOR**2), 0)
