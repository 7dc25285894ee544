"""Where a score comes from: shares of arms, of the lines of the night sky, of telluric bands."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.statistics import Difference
from anomaly_explorer.engine.spectra.air import air_bins
from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid

# As the statistic `misfit` holds a bin, so that one spike cannot rule.
_CAP = 5.0


@dataclass(frozen=True)
class Shares:
    """Shares of a score, 0 to 1.

    Parameters
    ----------
    arms : mapping of Arm to float
        Their sum is 1.
    sky_lines, telluric, elsewhere : float
        Of bins with a bright line of the night sky; of the other bins of telluric bands; of the
        rest. Their sum is 1.
    bins_on_air : float
        Which share of the bins that count has such a line or is in such a band: what a score that
        is spread evenly would have on them.
    """

    arms: Mapping[Arm, float]
    sky_lines: float
    telluric: float
    elsewhere: float
    bins_on_air: float

    @property
    def on_air(self) -> float:
        """Return the share on sky lines and telluric bands together."""
        return self.sky_lines + self.telluric


def share_out(contributions: NDArray[np.floating], grid: BinGrid) -> Shares | None:
    """Return the shares of a score that is a sum over bins.

    Parameters
    ----------
    contributions : (B,) array
        Never negative; NaN where a bin does not count.
    grid : BinGrid

    Returns
    -------
    Shares or None
        None where nothing was contributed.

    Examples
    --------
    >>> import numpy as np
    >>> from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID as grid
    >>> shares = share_out(np.where(grid.centers < 5000, 2.0, 0.0), grid)
    >>> shares.arms[Arm.BLUE], shares.elsewhere
    (1.0, 1.0)
    """
    counts = np.isfinite(contributions)
    parts = np.where(counts, contributions, 0).astype(np.float64)
    total = float(parts.sum())
    if not total > 0:
        return None
    air = air_bins(grid)
    lines, bands = air.has_line, air.has_band & ~air.has_line
    return Shares(
        {arm: float(parts[grid.bins_of(arm)].sum()) / total for arm in ARMS},
        float(parts[lines].sum()) / total,
        float(parts[bands].sum()) / total,
        float(parts[~(lines | bands)].sum()) / total,
        float((lines | bands)[counts].mean()),
    )


def shares_of_residual(residual: NDArray[np.floating], grid: BinGrid) -> Shares | None:
    """Return the shares of ``score_mse`` of a residual (B,), NaN where not covered."""
    return share_out(np.square(residual, dtype=np.float64), grid)


def shares_of_difference(difference: Difference, row: int, grid: BinGrid) -> Shares | None:
    """Return the shares of the misfit of one of N spectra, values and weights (N, B).

    A bin counts with the square of its deviations, each held to 5 as in the statistic.
    """
    weight = difference.weight[row].astype(np.float64)
    squares = np.minimum(difference.values[row].astype(np.float64) ** 2 * weight, _CAP**2)
    return share_out(np.where(weight > 0, squares, np.nan), grid)
