"""Pixels to bins, and bins to the network's input: compiled loops over one spectrum at a time."""

import numba
import numpy as np
from numpy.typing import NDArray

_PARTS = 8


@numba.njit(nogil=True, cache=True, error_model="numpy")
def bin_pixels(
    pixels: tuple[NDArray, NDArray, NDArray],
    not_covered: np.uint32,
    width: int,
    out: tuple[NDArray, NDArray, NDArray],
) -> None:
    """Average whole groups of pixels of one arm; the remainder of the arm is dropped.

    Parameters
    ----------
    pixels : tuple
        Flux (N, n) float32, ivar (N, n) float32 and mask (N, n) uint32 of the arm.
    not_covered : uint32
        The mask bit of pixels a survey does not have.
    width : int
        Pixels per bin.
    out : tuple
        Filled: mean flux (N, b) float32 of the pixels that exist, 0 where none does; whether at
        least half of them exist (N, b) bool; whether any has ivar > 0 and no mask bit (N, b) bool.
        Of an arm whose flux and ivar are 0 in every pixel no pixel exists.
    """
    flux, ivar, mask = pixels
    mean, is_covered, has_data = out
    parts, kept = np.empty(_PARTS, np.float32), np.empty(width, np.float32)
    for row in range(len(flux)):
        is_missing = not (ivar[row].any() or flux[row].any())
        is_whole = not _has_bit(mask[row], not_covered)
        for b in range(mean.shape[1]):
            group = slice(b * width, (b + 1) * width)
            has_data[row, b] = _is_any_good(ivar[row, group], mask[row, group])
            n_exist = 0 if is_missing else width
            if is_whole and not is_missing:
                total = _sum(flux[row, group], parts)
            else:
                n_exist = _keep(flux[row, group], mask[row, group], not_covered, kept)
                n_exist = 0 if is_missing else n_exist
                total = _sum(kept, parts)
            is_covered[row, b] = 2 * n_exist >= width
            mean[row, b] = total / np.float32(n_exist) if n_exist else np.float32(0)


@numba.njit(nogil=True, cache=True)
def _has_bit(mask: NDArray, bit: np.uint32) -> bool:
    found = np.uint32(0)
    for i in range(len(mask)):
        found |= mask[i]
    return (found & bit) != 0


@numba.njit(nogil=True, cache=True)
def _is_any_good(ivar: NDArray, mask: NDArray) -> bool:
    i = 0
    while i < len(ivar) and not (ivar[i] > 0 and mask[i] == 0):
        i += 1
    return i < len(ivar)


@numba.njit(nogil=True, cache=True)
def _keep(flux: NDArray, mask: NDArray, not_covered: np.uint32, kept: NDArray) -> int:
    """Copy the pixels that exist and 0 for the others; return how many exist."""
    n_exist = 0
    for i in range(len(flux)):
        exists = (mask[i] & not_covered) == 0
        kept[i] = flux[i] if exists else np.float32(0)
        n_exist += exists
    return n_exist


@numba.njit(nogil=True, cache=True)
def _sum(values: NDArray, parts: NDArray) -> np.float32:
    """Add up in the order in which NumPy adds up a contiguous row.

    So bins have the bits of the published catalog's `mean`.
    """
    n_whole = len(values) - len(values) % _PARTS
    parts[:] = 0.0
    for start in range(0, n_whole, _PARTS):
        for j in range(_PARTS):
            parts[j] += values[start + j]
    total = (parts[0] + parts[1]) + (parts[2] + parts[3])
    total += (parts[4] + parts[5]) + (parts[6] + parts[7])
    for i in range(n_whole, len(values)):
        total += values[i]
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def normalize_bins(
    mean: NDArray, is_covered: NDArray, clip: np.float32, scale: NDArray[np.float32]
) -> None:
    """Divide bins by the median of |flux| over the covered ones, in place.

    Parameters
    ----------
    mean : (N, B) float32
        Becomes the network's input: clipped to ±`clip`, 0 where not finite or not covered.
    is_covered : (N, B) bool
    clip : float32
    scale : (N,) float32
        Filled: the median, or 1 where it is not positive.
    """
    values = np.empty(mean.shape[1], np.float32)
    for row in range(len(mean)):
        n = 0
        for b in range(mean.shape[1]):
            if not np.isfinite(mean[row, b]):
                mean[row, b] = 0.0
            if is_covered[row, b]:
                values[n] = abs(mean[row, b])
                n += 1
        median = _median(values[:n]) if n else np.float32(0)
        scale[row] = median if median > 0 else np.float32(1)
        for b in range(mean.shape[1]):
            share = mean[row, b] / scale[row]
            mean[row, b] = min(max(share, -clip), clip) if is_covered[row, b] else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _median(values: NDArray[np.float32]) -> np.float32:
    """Return the median, reordering the values by Hoare's selection."""
    low, high, k = 0, len(values) - 1, len(values) // 2
    while low < high:
        i, j = _part(values, low, high)
        if j < k:
            low = i
        if k < i:
            high = j
    if len(values) % 2 == 1:
        return values[k]
    return (values[:k].max() + values[k]) / np.float32(2)


@numba.njit(nogil=True, cache=True)
def _part(values: NDArray[np.float32], i: int, j: int) -> tuple[int, int]:
    """Move values below the middle one to the left and above it to the right; return the seam."""
    pivot = values[(i + j) // 2]
    while i <= j:
        while values[i] < pivot:
            i += 1
        while pivot < values[j]:
            j -= 1
        if i <= j:
            values[i], values[j] = values[j], values[i]
            i += 1
            j -= 1
    return i, j
