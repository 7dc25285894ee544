"""Pixels to bins, and bins to the network's input: compiled loops over one spectrum at a time."""

import numba
import numpy as np
from numpy.typing import NDArray

_INFINITY = np.uint32(0x7F800000)
# Every bit of a 32-bit float but its sign, in the byte order of the machine and in the other.
_SIZE, _SWAPPED_SIZE = np.uint32(0x7FFFFFFF), np.uint32(0xFFFFFF7F)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def bin_pixels(
    words: tuple[NDArray, NDArray, NDArray],
    is_swapped: tuple[bool, bool],
    mask_words: tuple[np.uint32, np.uint32],
    width: int,
    out: tuple[NDArray, NDArray, NDArray],
) -> None:
    """Average whole groups of pixels of one arm; the remainder of the arm is dropped.

    Pixels are taken as a file holds them, and put into the machine's byte order in a buffer of one
    row: an array of the whole arm is never made.

    Parameters
    ----------
    words : tuple
        Flux, ivar (float32) and mask of the arm, each (N, n) uint32 words of the file.
    is_swapped : tuple of bool
        Whether flux, and whether ivar, are in the other byte order.
    mask_words : tuple of uint32
        The word of the mask that means no bit, and those of its bits that differ from it where a
        survey does not have a pixel.
    width : int
        Pixels per bin.
    out : tuple
        Filled: mean flux (N, b) float32 of the pixels that exist, 0 where none does; whether at
        least half of them exist (N, b) bool; whether any has ivar > 0 and no mask bit (N, b) bool.
        Of an arm whose flux and ivar are 0 in every pixel no pixel exists.
    """
    flux, ivar, mask = words
    mean, is_covered, has_data = out
    zero, not_covered = mask_words
    row_words = np.empty(mean.shape[1] * width, np.uint32)
    values, kept = row_words.view(np.float32), np.empty(width, np.float32)
    for row in range(len(flux)):
        restore_words(flux[row], is_swapped[0], row_words)
        has_arm = _is_any(ivar[row], is_swapped[1]) or _is_any(flux[row], is_swapped[0])
        _mark_good((ivar[row], mask[row]), is_swapped[1], zero, width, has_data[row])
        is_whole = has_arm and not _has_bit(mask[row], zero, not_covered)
        for b in range(mean.shape[1]):
            group = slice(b * width, (b + 1) * width)
            n_exist, total = width if has_arm else 0, np.float32(0)
            if is_whole:
                total = _sum(values[group])
            elif has_arm:
                n_exist = _keep(values[group], mask[row, group], mask_words, kept)
                total = _sum(kept)
            is_covered[row, b] = 2 * n_exist >= width
            mean[row, b] = total / np.float32(n_exist) if n_exist else np.float32(0)


@numba.njit(nogil=True, cache=True)
def _swap(word: np.uint32) -> np.uint32:
    """Return a word with its bytes in the other order: one instruction of the processor."""
    outer = (word >> np.uint32(24)) | (word << np.uint32(24))
    low, high = (
        (word >> np.uint32(8)) & np.uint32(0xFF00),
        (word & np.uint32(0xFF00)) << np.uint32(8),
    )
    return np.uint32(outer | low | high)


@numba.njit(nogil=True, cache=True)
def restore_words(words: NDArray, is_swapped: bool, out: NDArray) -> None:
    """Copy the first words of a row, (n,), in the machine's byte order to `out`, (m,)."""
    if is_swapped:
        for i in range(len(out)):
            out[i] = _swap(words[i])
    else:
        for i in range(len(out)):
            out[i] = words[i]


@numba.njit(nogil=True, cache=True)
def _is_any(words: NDArray, is_swapped: bool) -> bool:
    """Return whether any float is not 0, whatever its sign; NaN is not 0."""
    size = _SWAPPED_SIZE if is_swapped else _SIZE
    i = 0
    while i < len(words) and words[i] & size == 0:
        i += 1
    return i < len(words)


@numba.njit(nogil=True, cache=True)
def _has_bit(mask: NDArray, zero: np.uint32, bit: np.uint32) -> bool:
    found = np.uint32(0)
    for i in range(len(mask)):
        found |= mask[i] ^ zero
    return (found & bit) != 0


@numba.njit(nogil=True, cache=True)
def _mark_good(
    pixels: tuple[NDArray, NDArray], is_swapped: bool, zero: np.uint32, width: int, out: NDArray
) -> None:
    """Say of each bin whether any pixel has a positive ivar, infinity included, and no mask bit."""
    ivar, mask = pixels
    for b in range(len(out)):
        i, stop = b * width, (b + 1) * width
        found = False
        while i < stop and not found:
            word = _swap(ivar[i]) if is_swapped else ivar[i]
            found = 0 < word <= _INFINITY and mask[i] == zero
            i += 1
        out[b] = found


@numba.njit(nogil=True, cache=True)
def _keep(
    flux: NDArray, mask: NDArray, mask_words: tuple[np.uint32, np.uint32], kept: NDArray
) -> int:
    """Copy the pixels that exist and 0 for the others; return how many exist."""
    zero, not_covered = mask_words
    n_exist = 0
    for i in range(len(flux)):
        exists = (mask[i] ^ zero) & not_covered == 0
        kept[i] = flux[i] if exists else np.float32(0)
        n_exist += exists
    return n_exist


@numba.njit(nogil=True, cache=True)
def _sum(v: NDArray) -> np.float32:
    """Add up in the order in which NumPy adds up a contiguous row.

    So bins have the bits of the published catalog's `mean`.
    """
    a = b = c = d = e = f = g = h = np.float32(0)
    n_whole = len(v) // 8 * 8
    for i in range(0, n_whole, 8):  # eight sums in registers: an array of them is four times slower
        a += v[i]
        b += v[i + 1]
        c += v[i + 2]
        d += v[i + 3]
        e += v[i + 4]
        f += v[i + 5]
        g += v[i + 6]
        h += v[i + 7]
    total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for i in range(n_whole, len(v)):
        total += v[i]
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
    sizes = np.empty(mean.shape[1], np.float32)
    for row in range(len(mean)):
        n = 0
        for b in range(mean.shape[1]):
            if not np.isfinite(mean[row, b]):
                mean[row, b] = 0.0
            if is_covered[row, b]:
                sizes[n] = abs(mean[row, b])
                n += 1
        median = _median(sizes[:n]) if n else np.float32(0)
        scale[row] = median if median > 0 else np.float32(1)
        for b in range(mean.shape[1]):
            share = mean[row, b] / scale[row]
            mean[row, b] = min(max(share, -clip), clip) if is_covered[row, b] else 0.0


@numba.njit(nogil=True, cache=True)
def _median(sizes: NDArray[np.float32]) -> np.float32:
    """Return the median of finite numbers ≥ 0.

    Their words sort as they do: the middle one is found bit by bit, by counting the words below,
    eight in one instruction and without a branch to guess.
    """
    words, half = sizes.view(np.uint32), len(sizes) // 2
    found = np.zeros(1, np.uint32)
    for bit in range(30, -1, -1):
        candidate = found[0] | np.uint32(1 << bit)
        if _n_below(words, candidate) <= half:
            found[0] = candidate
    upper = found.view(np.float32)[0]
    if len(sizes) % 2 == 1:
        return upper
    lower = upper
    if _n_below(words, found[0]) == half:
        lower = np.float32(0)
        for size in sizes:
            lower = max(lower, size) if size < upper else lower
    return (lower + upper) / np.float32(2)


@numba.njit(nogil=True, cache=True)
def _n_below(words: NDArray[np.uint32], limit: np.uint32) -> int:
    n = 0
    for i in range(len(words)):  # an iteration over values would not be made vectors
        n += words[i] < limit
    return n
