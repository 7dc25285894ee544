"""Narrow lines at the pipeline's redshift are no surprise: they are fitted and taken out.

The strengths of emission lines vary from galaxy to galaxy more than any network learns. Where the
pipeline trusts its redshift, they are fitted to the difference of flux and model, by least
squares with a little ridge, and subtracted. With a wrong redshift the true lines stay: it shows.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid
from anomaly_explorer.engine.spectra.lines import LINES

_LIGHT_KMS = speed_of_light / 1e3
# Bluer ones are broad lines of quasars.
NARROW_LINES = tuple(
    line.wavelength for line in LINES if line.kind != "absorption" and line.wavelength > 3300
)
WIDTH_KMS = 220.0  # full width at half maximum
WIDTH_ANGSTROM = 0.8  # standard deviation added for the instrument
RIDGE = 0.01
MIN_REDSHIFT = 0.002
_FWHM = 2 * math.sqrt(2 * math.log(2))
_REACH = 5.0  # standard deviations


def remove_known_lines(
    difference: NDArray[np.float32],
    weight: NDArray[np.float32],
    redshift: NDArray[np.floating],
    grid: BinGrid,
) -> NDArray[np.float32]:
    """Return the difference without what narrow lines at the redshift explain, (N, B).

    Parameters
    ----------
    difference, weight : (N, B) float32
        Flux minus model, and the inverse of its variance (0 = unknown).
    redshift : (N,) array
        As the pipeline has it; NaN, or below `MIN_REDSHIFT`, leaves a spectrum as it is: give that
        where the pipeline warns, and for stars.
    grid : BinGrid
    """
    edges = np.array([_edges(grid, arm) for arm in ARMS])
    widest = _REACH * _sigma(Arm.NIR.wavelength[-1])
    most_bins = 2 * (int(2 * widest / grid.bin_width) + 2)  # a line may stand in two arms
    out = np.array(difference, np.float32)
    places = (edges, grid.bin_width, most_bins)
    redshift = np.asarray(redshift, np.float64)
    _remove(out, np.asarray(weight), redshift, places, np.array(NARROW_LINES))
    return out


def _edges(grid: BinGrid, arm: Arm) -> tuple[float, float, float]:
    """Return blue edge (Å), first bin and number of bins of an arm."""
    bins = grid.bins_of(arm)
    return grid.centers[bins.start] - grid.bin_width / 2, bins.start, bins.stop - bins.start


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _sigma(at: float) -> float:
    """Return the standard deviation of a narrow line at a wavelength, both in Å."""
    sigma = at * WIDTH_KMS / _LIGHT_KMS / _FWHM
    return math.sqrt(sigma * sigma + WIDTH_ANGSTROM * WIDTH_ANGSTROM)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _remove(
    difference: NDArray, weight: NDArray, redshift: NDArray, places: tuple, lines: NDArray
) -> None:
    bins = np.empty((len(lines), places[2]), np.int64)
    shape = np.empty((len(lines), places[2]), np.float64)
    count = np.empty(len(lines), np.int64)
    for row in range(len(difference)):
        if not redshift[row] >= MIN_REDSHIFT:
            continue
        for line in range(len(lines)):
            at = lines[line] * (1 + redshift[row])
            count[line] = _place(at, places, bins[line], shape[line])
        strength = _fit(difference[row], weight[row], (bins, shape, count))
        for line in range(len(lines)):
            for i in range(count[line]):
                difference[row, bins[line, i]] -= strength[line] * shape[line, i]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _fit(difference: NDArray, weight: NDArray, lines: tuple[NDArray, NDArray, NDArray]) -> NDArray:
    """Return the strength of each line, by least squares with a little ridge."""
    bins, shape, count = lines
    gram, right = RIDGE * np.eye(len(count)), np.zeros(len(count))
    weighted = np.zeros(len(weight))
    for line in range(len(count)):
        for i in range(count[line]):
            b = bins[line, i]
            weighted[b] = shape[line, i] * weight[b]
            right[line] += weighted[b] * difference[b]
        for other in range(len(count)):
            for i in range(count[other]):
                gram[line, other] += weighted[bins[other, i]] * shape[other, i]
        weighted[bins[line, : count[line]]] = 0.0
    return np.linalg.solve(gram, right)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _place(at: float, places: tuple, bins: NDArray, shape: NDArray) -> int:
    """Fill in the bins a line at a wavelength (Å) meets and its mean there; return how many."""
    edges, width, _ = places
    sigma = _sigma(at)
    n = 0
    for arm in range(len(edges)):
        blue, first, n_bins = edges[arm]
        low = math.floor((at - _REACH * sigma - blue) / width)
        high = math.floor((at + _REACH * sigma - blue) / width)
        for b in range(max(low, 0), min(high, int(n_bins) - 1) + 1):
            left, right = blue + b * width - at, blue + (b + 1) * width - at
            bins[n] = int(first) + b
            shape[n] = 0.5 * (math.erf(right / sigma / math.sqrt(2.0))
                              - math.erf(left / sigma / math.sqrt(2.0)))  # fmt: skip
            n += 1
    return n
