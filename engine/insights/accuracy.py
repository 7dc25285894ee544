"""How well redshifts are recovered: the figures the field quotes, with the formula it means."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .chance import bootstrap_error

_SMALLEST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Accuracy:
    """Figures of N predicted redshifts; NaN where N is 0.

    Parameters
    ----------
    n_objects : int
    sigma_nmad : float
        1.4826 × median |dz − median(dz)|, dz = (z' − z) / (1 + z) (Brammer et al. 2008).
    r2 : float
        Of z, the share of its variance that is predicted; NaN for redshifts that hardly differ,
        such as those of stars.
    outliers_15, outliers_5 : float
        Shares with |dz| > 0.15 and > 0.05.
    """

    n_objects: int
    sigma_nmad: float
    r2: float
    outliers_15: float
    outliers_5: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)


def measure_accuracy(true: NDArray[np.floating], predicted: NDArray[np.floating]) -> Accuracy:
    """Return the figures of predicted redshifts, (N,), against the pipeline's, (N,).

    Examples
    --------
    >>> measure_accuracy(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 3.8])).outliers_15
    0.3333333333333333
    """
    if len(true) == 0:
        return Accuracy(0, *[float("nan")] * 4)
    offsets = (predicted - true) / (1 + true)
    spread = float(np.var(true))
    return Accuracy(
        len(true),
        sigma_nmad(true, predicted),
        1 - float(np.mean((predicted - true) ** 2)) / spread
        if spread > _SMALLEST_VARIANCE
        else float("nan"),
        float(np.mean(np.abs(offsets) > 0.15)),
        float(np.mean(np.abs(offsets) > 0.05)),
    )


def sigma_nmad(true: NDArray[np.floating], predicted: NDArray[np.floating]) -> float:
    """Return the normalized median absolute deviation of dz, of (N,) redshifts."""
    offsets = (predicted - true) / (1 + true)
    return float(1.4826 * np.median(np.abs(offsets - np.median(offsets))))


def nmad_error(
    rng: np.random.Generator, true: NDArray[np.floating], predicted: NDArray[np.floating]
) -> float:
    """Return the standard error of `sigma_nmad`, of (N,) redshifts, by drawing them again."""
    return bootstrap_error(rng, sigma_nmad, (true, predicted))
