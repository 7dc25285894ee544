"""Known lines at the pipeline's redshift are no surprise: they are fitted and taken out.

The strengths of lines vary from object to object more than any network learns. They are fitted to
the difference of flux and model, by least squares with a little ridge, and subtracted: narrow
emission and stellar absorption of galaxies, narrow and broad emission of quasars, absorption of
stars. With a wrong redshift the true lines stay, and there is nothing to fit where the pipeline
says they are: it shows.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid
from anomaly_explorer.engine.spectra.lines import LINES, SpectralLine

from .known import Known

_LIGHT_KMS = speed_of_light / 1e3
_NARROW = [line for line in LINES if line.kind != "absorption" and line.wavelength > 3300]
_BROAD = [line for line in LINES if line.kind != "absorption" and not line.name.startswith("[")]
_STELLAR = [line for line in LINES if line.kind == "absorption" and line.wavelength > 2300]
_MAGNESIUM = [line for line in LINES if line.name.startswith("Mg II")]
_BALMER = [line for line in LINES if line.kind == "both" and line.wavelength > 3800]
# Full widths at half maximum in km/s. Two are fitted where widths vary: a sum of them comes near
# any width between.
_NARROW_KMS, _BROAD_KMS = (120.0, 420.0), (2500.0, 7000.0)
_GALAXY_KMS, _STAR_KMS, _BALMER_KMS = (450.0,), (100.0, 500.0), (2000.0,)


def _table(*parts: tuple[list[SpectralLine], tuple[float, ...]]) -> NDArray[np.float64]:
    return np.array(sorted((line.wavelength, width) for lines, widths in parts
                           for line in lines for width in widths))  # fmt: skip


# Rest wavelength (Å), ascending, and width (km/s) of what is fitted in each class, (L, 2).
KNOWN_LINES = {
    "GALAXY": _table(
        (_NARROW, _NARROW_KMS),
        (_STELLAR, _GALAXY_KMS),
        (_MAGNESIUM, _GALAXY_KMS),
        (_BALMER, _BALMER_KMS),
    ),
    "QSO": _table((_NARROW, _NARROW_KMS), (_BROAD, _BROAD_KMS)),
    "STAR": _table((_STELLAR, _STAR_KMS)),
}
WIDTH_ANGSTROM = 0.8  # standard deviation added for the instrument
RIDGE = 0.01
_FWHM = 2 * math.sqrt(2 * math.log(2))
_REACH = 5.0  # standard deviations


def remove_known_lines(
    difference: NDArray[np.float32],
    weight: NDArray[np.float32],
    known: Known,
    grid: BinGrid,
) -> NDArray[np.float32]:
    """Return the difference without what known lines at the redshift explain, (N, B).

    Parameters
    ----------
    difference, weight : (N, B) float32
        Flux minus model, and the inverse of its variance (0 = unknown).
    known : Known
        A spectrum without class or redshift is left as it is. A redshift that the pipeline warns
        of may be used: lines that are not there take nothing away.
    grid : BinGrid
    """
    edges = np.array([_edges(grid, arm) for arm in ARMS])
    out, weight = np.array(difference, np.float32), np.asarray(weight)
    for name, lines in KNOWN_LINES.items():
        widest = _REACH * _sigma(Arm.NIR.wavelength[-1], lines[:, 1].max())
        most_bins = 2 * (int(2 * widest / grid.bin_width) + 2)  # a line may stand in two arms
        rows = np.flatnonzero((known.classes == name) & np.isfinite(known.redshift))
        _remove(out, weight, (rows, known.redshift), (edges, grid.bin_width, most_bins), lines)
    return out


def _edges(grid: BinGrid, arm: Arm) -> tuple[float, float, float]:
    """Return blue edge (Å), first bin and number of bins of an arm."""
    bins = grid.bins_of(arm)
    return grid.centers[bins.start] - grid.bin_width / 2, bins.start, bins.stop - bins.start


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _sigma(at: float, width_kms: float) -> float:
    """Return the standard deviation of a line at a wavelength, both in Å."""
    sigma = at * width_kms / _LIGHT_KMS / _FWHM
    return math.sqrt(sigma * sigma + WIDTH_ANGSTROM * WIDTH_ANGSTROM)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _remove(
    difference: NDArray, weight: NDArray, objects: tuple, places: tuple, lines: NDArray
) -> None:
    rows, redshift = objects
    bins = np.empty((len(lines), places[2]), np.int64)
    shape = np.empty((len(lines), places[2]), np.float64)
    count = np.empty(len(lines), np.int64)
    for row in rows:
        n = 0  # lines that fall onto the arms
        for line in range(len(lines)):
            at = lines[line, 0] * (1 + redshift[row])
            sigma = _sigma(at, lines[line, 1])
            count[n] = _place((at, sigma), places, bins[n], shape[n])
            n += count[n] > 0
        strength = _fit(difference[row], weight[row], (bins[:n], shape[:n], count[:n]))
        for line in range(n):
            for i in range(count[line]):
                difference[row, bins[line, i]] -= strength[line] * shape[line, i]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _fit(difference: NDArray, weight: NDArray, lines: tuple[NDArray, NDArray, NDArray]) -> NDArray:
    """Return the strength of each line, by least squares with a little ridge."""
    bins, shape, count = lines
    gram, right = RIDGE * np.eye(len(count)), np.zeros(len(count))
    first = np.arange(len(count))  # the first line that each line overlaps with
    weighted = np.zeros(len(weight))
    for line in range(len(count)):
        for i in range(count[line]):
            b = bins[line, i]
            weighted[b] = shape[line, i] * weight[b]
            right[line] += weighted[b] * difference[b]
        low, high = bins[line, 0], bins[line, count[line] - 1]
        for other in range(line + 1):
            if bins[other, 0] <= high and bins[other, count[other] - 1] >= low:
                first[line] = min(first[line], other)
                for i in range(count[other]):
                    gram[line, other] += weighted[bins[other, i]] * shape[other, i]
        weighted[bins[line, : count[line]]] = 0.0
    return _solve(gram, first, right)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _solve(gram: NDArray, first: NDArray, right: NDArray) -> NDArray:
    """Solve for a lower triangle whose rows begin at `first`; it and the right side are used up.

    Cholesky's method within the envelope (George & Liu 1981): lines overlap with few others.
    """
    n = len(right)
    for i in range(n):
        for j in range(first[i], i + 1):
            total = gram[i, j]
            for k in range(max(first[i], first[j]), j):
                total -= gram[i, k] * gram[j, k]
            gram[i, j] = math.sqrt(total) if i == j else total / gram[j, j]
        for k in range(first[i], i):
            right[i] -= gram[i, k] * right[k]
        right[i] /= gram[i, i]
    for i in range(n - 1, -1, -1):
        right[i] /= gram[i, i]
        for k in range(first[i], i):
            right[k] -= gram[i, k] * right[i]
    return right


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _place(line: tuple[float, float], places: tuple, bins: NDArray, shape: NDArray) -> int:
    """Fill in the bins a line, (wavelength, sigma) in Å, meets and its mean; return how many."""
    edges, width, _ = places
    at, sigma = line
    n = 0
    for arm in range(len(edges)):
        blue, first, n_bins = edges[arm]
        low = math.floor((at - _REACH * sigma - blue) / width)
        high = math.floor((at + _REACH * sigma - blue) / width)
        low, high = max(low, 0), min(high, int(n_bins) - 1)
        below = math.erf((blue + low * width - at) / sigma / math.sqrt(2.0))
        for b in range(low, high + 1):
            up_to = math.erf((blue + (b + 1) * width - at) / sigma / math.sqrt(2.0))
            bins[n] = int(first) + b
            shape[n] = 0.5 * (up_to - below)
            below = up_to
            n += 1
    return n
