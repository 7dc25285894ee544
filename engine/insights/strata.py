"""Objects sorted by survey, class and S/N: what a fair draw beside a tier has to share with it.

The limits are quantiles of the whole population, so they know nothing of the tier, and a
permutation of who is in the tier within each stratum is an exact test. They are narrow at both
ends, because the highest scores crowd at the lowest S/N.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = np.array(
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5,
     0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999]
)  # fmt: skip
# Fewer objects than this between two limits are no bin of their own.
_SMALLEST_BIN = 20
_FOR_LIMITS = 1_000_000


@dataclass(frozen=True)
class Strata:
    """M objects in strata.

    Parameters
    ----------
    codes : (M,) int32
        Stratum of each object, 0 to `n_strata` - 1.
    n_strata : int
    """

    codes: NDArray[np.int32]
    n_strata: int

    @classmethod
    def of(cls, kinds: NDArray[np.integer], snr: NDArray[np.floating]) -> "Strata":
        """Sort objects by kind, (M,) codes from 0, and S/N, (M,); unknown S/N is a bin too."""
        codes = np.zeros(len(kinds), np.int32)
        n_strata = 0
        for code in np.unique(kinds):
            rows = np.flatnonzero(kinds == code)
            values = snr[rows]
            limits = _limits(values)
            codes[rows] = n_strata + np.digitize(values, limits)
            codes[rows[~np.isfinite(values)]] = n_strata + len(limits) + 1
            n_strata += len(limits) + 2
        return cls(codes, n_strata)

    def counts(self, chosen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Return how many objects, of all or of those chosen, (M,), each stratum has, (S,)."""
        codes = self.codes if chosen is None else self.codes[chosen]
        return np.bincount(codes, minlength=self.n_strata)


def _limits(values: NDArray[np.floating]) -> NDArray[np.floating]:
    known = values[np.isfinite(values)]
    if len(known) < 2 * _SMALLEST_BIN:
        return np.empty(0, np.float64)
    step = -(-len(known) // _FOR_LIMITS)
    edge = _SMALLEST_BIN / len(known)
    levels = LEVELS[(edge <= LEVELS) & (1 - edge >= LEVELS)]
    return np.unique(np.quantile(known[::step], levels))
