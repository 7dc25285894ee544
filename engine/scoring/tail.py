"""How rarely a number this large turns up: measured where it can be, extrapolated beyond.

Below the 97th percentile of what was seen, the survival is counted; above it a generalized Pareto
distribution is fitted by probability-weighted moments (Hosking & Wallis 1987, Technometrics 29,
339) to the excesses, its shape held to [-0.1, 0.6].
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TAIL_SHARE = 0.03
SHAPE_LIMITS = (-0.1, 0.6)
# So many that a survival between two knots is off by two thousandths at most.
N_KNOTS = 512
# Excesses to fit to: fewer say nothing of a shape.
MIN_EXCESSES = 20
MIN_VALUES = round(MIN_EXCESSES / TAIL_SHARE)
# A survival is a probability of something that can happen: never 0.
SMALLEST = 1e-300


@dataclass(frozen=True)
class Tail:
    """The survival function of one statistic among what is normal.

    Parameters
    ----------
    knots : (N_KNOTS,) float64
        Values that the survivals 1 … `TAIL_SHARE`, evenly spaced, belong to; ascending. The last
        is where the tail begins.
    shape, scale : float
        Of the generalized Pareto distribution of the excesses over the last knot.
    n_values : int
        How many it was fitted to: the least is as likely as half of one of them is not.

    Examples
    --------
    >>> import numpy as np
    >>> tail = Tail.fit(np.arange(1000.0))
    >>> [round(float(p), 2) for p in tail.survival(np.array([-1.0, 500.0, 899.0]))]
    [1.0, 0.5, 0.1]
    """

    knots: NDArray[np.float64]
    shape: float
    scale: float
    n_values: int

    @classmethod
    def fit(cls, values: NDArray[np.floating]) -> "Tail":
        """Fit to values (N,) of normals.

        Raises
        ------
        ValueError
            A value is not finite, or there are too few for a tail.
        """
        values = np.asarray(values, np.float64)
        if not np.isfinite(values).all():
            raise ValueError("a tail is fitted to finite values only")
        survivals = np.linspace(1, TAIL_SHARE, N_KNOTS)
        knots = np.quantile(values, 1 - survivals)
        excesses = np.sort(values[values > knots[-1]]) - knots[-1]
        if len(excesses) < MIN_EXCESSES:
            raise ValueError(
                f"{len(values)} values leave {len(excesses)} above their 97th percentile, a tail "
                f"needs {MIN_EXCESSES}: take at least {MIN_VALUES} different ones"
            )
        return cls(knots, *_pareto(excesses), len(values))

    def survival(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the share of normals at least as large, (N,); NaN stays NaN."""
        values = np.asarray(values, np.float64)
        # Of knots that are equal the first counts: everything from there on is at least as large.
        distinct, first = np.unique(self.knots, return_index=True)
        counted = np.interp(values, distinct, np.linspace(1, TAIL_SHARE, N_KNOTS)[first])
        counted = np.minimum(counted, 1 - 0.5 / self.n_values)
        excess = np.maximum(values - self.knots[-1], 0) / self.scale
        far = np.maximum(TAIL_SHARE * np.exp(self._log_share(excess)), SMALLEST)
        return np.where(excess > 0, far, counted)

    def _log_share(self, excess: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log of the share of excesses, over the scale, that are larger still."""
        if abs(self.shape) < 1e-9:
            return -excess
        # A negative shape has an end. Nobody has seen it: from where less than one of the values
        # is left the tail falls as it does there, so that the oddest still have an order.
        last = np.inf
        if self.shape < 0:
            last = np.expm1(self.shape * np.log(self.n_values * TAIL_SHARE)) / self.shape
        near = np.minimum(excess, last)
        inner = 1 + self.shape * near
        return -np.log(inner) / self.shape - (excess - near) / inner


def _pareto(excesses: NDArray[np.float64]) -> tuple[float, float]:
    """Return shape and scale of ascending excesses over a threshold."""
    n = len(excesses)
    plotting = 1 - (np.arange(1, n + 1) - 0.35) / n
    mean, weighted = excesses.mean(), (plotting * excesses).mean()
    shape = float(np.clip(2 - mean / (mean - 2 * weighted), *SHAPE_LIMITS))
    return shape, float(mean * (1 - shape))
