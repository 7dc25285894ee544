"""How the model errs in many bins at once: a few shapes for each class, fitted and taken out.

A network's variance of a bin says how far off it may be there, not that it is off in the next bin
too. Continua and calibrations are off together, so most of that variance is the same few shapes.
They are found by factor analysis of differences of normal spectra, with noise known for each bin
(expectation maximization, Dempster, Laird & Rubin 1977; weighted as in Bailey 2012, PASP 124,
1015): difference = modes × strengths + rest, where strengths are normal with variance 1 and the
rest has the variance of the noise and a share of the network's.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

N_MODES = 16
_N_ROUNDS = 12
# A bin further off than so many deviations counts as little as an outlier should.
_FAR = 4.0
_SHARE_LIMITS = (0.02, 4.0)
_FIRST_SIZE = 0.7


@dataclass(frozen=True)
class Differences:
    """Flux minus model of N spectra before anything is taken for granted.

    Parameters
    ----------
    values : (N, B) float32
        0 where nothing is known.
    noise, model : (N, B) float32
        Variance of the noise and of the model, as the network has it.
    is_known : (N, B) bool
    """

    values: NDArray[np.float32]
    noise: NDArray[np.float32]
    model: NDArray[np.float32]
    is_known: NDArray[np.bool_]

    def take(self, rows: NDArray[np.integer]) -> "Differences":
        """Return the differences of some spectra, given by their (K,) places."""
        return Differences(
            self.values[rows], self.noise[rows], self.model[rows], self.is_known[rows]
        )

    def weight(self, share: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """Return 1 / variance, (N, B), with all or a share (B,) of the network's; 0 = not known."""
        model = self.model if share is None else share * self.model
        return np.where(self.is_known, 1 / (self.noise + model), np.float32(0))


@dataclass(frozen=True)
class ErrorModes:
    """The shapes in which the model errs, of one class.

    Parameters
    ----------
    modes : (B, K) float32
        In units of the input.
    share : (B,) float32
        Share of the network's variance that is left without them.
    """

    modes: NDArray[np.float32]
    share: NDArray[np.float32]

    @classmethod
    def fit(cls, normals: Differences, n_modes: int = N_MODES) -> "ErrorModes":
        """Fit to normals of one class that the network was not trained on; always the same.

        Raises
        ------
        ValueError
            There are fewer normals than ten for each mode.
        """
        if len(normals.values) < 10 * n_modes:
            raise ValueError(
                f"{n_modes} modes need {10 * n_modes} normals, got {len(normals.values)}"
            )
        normals = _without_outliers(normals)
        found = cls(_first_modes(normals, n_modes), np.ones(normals.values.shape[1], np.float32))
        for _ in range(_N_ROUNDS):
            found = found._improved(normals)
        return found

    def remove(
        self, differences: Differences
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Return what is left, 1 / its variance, each (N, B), and how strong the modes were, (N,).

        The last is the sum of squares of the strengths.
        """
        weight = differences.weight(self.share)
        strengths = np.linalg.solve(self._precision(weight), self._pull(differences, weight))[
            ..., 0
        ]
        left = np.where(weight > 0, differences.values - strengths @ self.modes.T, 0)
        return left.astype(np.float32), weight, (strengths**2).sum(axis=1)

    def _precision(self, weight: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the inverse covariance of the strengths, (N, K, K)."""
        n_modes = self.modes.shape[1]
        # In the order of the product to come: in the other it takes three times as long.
        modes = np.ascontiguousarray(self.modes)
        pairs = (modes[:, :, None] * modes[:, None, :]).reshape(-1, n_modes**2)
        gram = (weight @ pairs).reshape(-1, n_modes, n_modes)
        return gram + np.eye(n_modes, dtype=np.float32)

    def _pull(self, differences: Differences, weight: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((differences.values * weight) @ self.modes)[:, :, None]

    def _improved(self, normals: Differences) -> "ErrorModes":
        """Return the modes after another round of expectation and maximization."""
        weight = normals.weight(self.share)
        covariance = np.linalg.inv(self._precision(weight))
        strengths = (covariance @ self._pull(normals, weight))[..., 0]
        rest = normals.values - strengths @ self.modes.T
        steady = weight / (1 + rest**2 * weight / _FAR**2)
        second = covariance + strengths[:, :, None] * strengths[:, None, :]
        n_modes = self.modes.shape[1]
        gram = (steady.T @ second.reshape(len(second), -1)).reshape(-1, n_modes, n_modes)
        pull = (steady * normals.values).T @ strengths
        # Of a bin that nobody knows nothing is learnt.
        modes = np.linalg.solve(gram + 1e-6 * np.eye(n_modes), pull[..., None])[..., 0]
        # Strengths found larger than 1 say that the modes are too small: to say so at once, and not
        # by a little in each round, makes 12 rounds do (parameter expansion, Liu, Rubin & Wu 1998).
        modes = (modes @ np.linalg.cholesky(second.mean(axis=0))).astype(np.float32)
        return ErrorModes(modes, self._share(normals, rest, weight))

    def _share(
        self, normals: Differences, rest: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the share of the network's variance in what is left, half way from the last."""
        with np.errstate(divide="ignore"):
            squares = np.minimum(rest**2, _FAR**2 / weight)
        slope = normals.model * weight**2  # each bin by how well it tells
        power = (slope * normals.model).sum(axis=0)
        excess = (np.where(normals.is_known, squares - normals.noise, 0) * slope).sum(axis=0)
        share = np.divide(excess, power, out=self.share.copy(), where=power > 0)
        return np.clip((self.share + share) / 2, *_SHARE_LIMITS).astype(np.float32)


def _without_outliers(normals: Differences) -> Differences:
    """Hold every bin to as far as noise and model may be off: what is odd makes no mode."""
    far = _FAR * np.sqrt(normals.noise + normals.model)
    return replace(normals, values=np.clip(normals.values, -far, far))


def _first_modes(normals: Differences, n_modes: int) -> NDArray[np.float32]:
    weight = normals.weight()
    pulls = normals.values * np.sqrt(weight)
    _, vectors = np.linalg.eigh(pulls.T @ pulls)
    known = weight.sum(axis=0)
    typical = np.sqrt(np.divide(normals.is_known.sum(axis=0), known,
                                out=np.zeros_like(known), where=known > 0))  # fmt: skip
    return (_FIRST_SIZE * vectors[:, : -n_modes - 1 : -1] * typical[:, None]).astype(np.float32)
