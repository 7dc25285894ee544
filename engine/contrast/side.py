"""One column on one side of a contrast: what was counted, and the figures made from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tally import Ruler, Tally

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Counted:
    """What was counted of one side.

    Parameters
    ----------
    tally : Tally
        In G groups; more than one where rows were left out.
    n_rows : (G,) int64
        Rows counted, with null or without.
    share : float
        Share of the rows of the side that were counted.
    """

    tally: Tally
    n_rows: NDArray[np.int64]
    share: float = 1.0

    def error(self, parts: NDArray[np.float64]) -> float:
        """Return the standard error of an estimate that was also made in each group, (G,)."""
        parts = parts[np.isfinite(parts)]
        if len(parts) < 2:
            return 0.0
        return float(parts.std(ddof=1) * ((1 - self.share) / len(parts)) ** 0.5)


@dataclass(frozen=True)
class Side:
    """One column on one side; all None but the counts where there are no numbers.

    Parameters
    ----------
    n_known, n_null : int
        Rows counted with a finite number or value, and without.
    mean, mean_error : float or None
        With the standard error for what was not counted, 0 where all was.
    deviation : float or None
        Standard deviation, of the population.
    quartiles : (float, float, float) or None
        25, 50 and 75 %.
    """

    n_known: int
    n_null: int
    mean: float | None = None
    mean_error: float | None = None
    deviation: float | None = None
    quartiles: tuple[float, float, float] | None = None


def describe_side(ruler: Ruler, side: Counted) -> Side:
    """Return the figures of one column on one side."""
    tally, n_null = side.tally.joined(), int(side.tally.n_null.sum())
    n_known = int(side.n_rows.sum()) - n_null
    if ruler.kind != "numbers" or n_known == 0:
        return Side(n_known, n_null)
    known = side.n_rows - side.tally.n_null
    offsets = np.full(len(known), np.nan)
    np.divide(side.tally.sums[:, 0], known, out=offsets, where=known > 0)
    offset, square = (tally.sums[0] / n_known).tolist()
    return Side(
        n_known,
        n_null,
        mean=ruler.center + offset,
        mean_error=side.error(offsets),
        deviation=max(0.0, square - offset**2) ** 0.5,
        quartiles=tuple(_quantile(ruler, tally, level) for level in QUARTILES),
    )


def _quantile(ruler: Ruler, tally: Tally, level: float) -> float:
    """Return a quantile as if the numbers of a step were spread evenly over it."""
    behind = np.cumsum(tally.counts[0])
    target = level * behind[-1]
    step = int(np.searchsorted(behind, target))
    smallest, largest = tally.limits[0].tolist()
    low = max(float(ruler.edges[step]), smallest) if step else smallest
    high = float(ruler.edges[step + 1]) if step + 1 < ruler.n_steps else largest
    high = min(high, largest)
    if ruler.edges.dtype.kind == "i" and high - low <= 1:
        return low
    inside = 1 - (behind[step] - target) / tally.counts[0][step]
    return float(low + inside * (high - low))
