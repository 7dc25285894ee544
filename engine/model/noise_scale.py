"""Is the noise what the pipeline says? The scatter of neighbouring bins tells, arm by arm."""

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid

from .weighing import UNKNOWN, WeighedInput

# Median of χ² with one degree of freedom.
_MEDIAN_CHI2 = 0.4549364231195724
# Of fewer pairs of neighbours a median is mostly luck.
MIN_PAIRS = 20


def noise_scales(spectra: WeighedInput, grid: BinGrid) -> NDArray[np.float32]:
    """Return the variance of neighbouring bins over what ivar says, (N, 3), arm by arm.

    Median over the pairs of known neighbours of (x₁ - x₀)² / (v₀ + v₁), over the median of χ² with
    one degree of freedom: 1 where the noise is as said and the spectrum smooth, larger where ivar
    promises too much, and where the bins of a bright spectrum differ by more than noise. NaN of
    fewer than 20 pairs.

    Parameters
    ----------
    spectra : WeighedInput
        N spectra on the bins of the grid.
    grid : BinGrid
    """
    found = np.full((len(spectra), len(ARMS)), np.nan, np.float32)
    for place, arm in enumerate(ARMS):
        bins = grid.bins_of(arm)
        _medians(spectra.flux[:, bins], spectra.variance[:, bins], UNKNOWN, found[:, place])
    return found


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _medians(flux: NDArray, variance: NDArray, unknown: np.float32, out: NDArray) -> None:
    ratios = np.empty(flux.shape[1], np.float64)
    for row in range(len(flux)):
        n = 0
        for b in range(flux.shape[1] - 1):
            if variance[row, b] < unknown and variance[row, b + 1] < unknown:
                step = np.float64(flux[row, b + 1]) - np.float64(flux[row, b])
                total = np.float64(variance[row, b]) + np.float64(variance[row, b + 1])
                ratios[n] = step * step / total
                n += 1
        if n >= MIN_PAIRS:
            out[row] = np.median(ratios[:n]) / _MEDIAN_CHI2
