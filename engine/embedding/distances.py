"""Distances in latent space from stored float16: fast ones in float32, checked in float64.

A block is scanned in float32, with a margin for its rounding; only what is within it is measured
again in float64. Compiled functions here call none of another file: numba's disk cache would keep
what that file said before it changed.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

# Rows measured together: a stretch of 8 kB per latent, and their sums stay in the first cache.
CHUNK = 4096
# A row measured alone reads a cache line per latent where a scan reads 2 bytes: chunks with less
# than this share of their rows in the mask are not scanned.
SPARSE = 32
# A sum of 128 rounded squares of rounded differences is within 131 roundings of 2^-24 of the true
# one, and what underflows adds less than 128 times the smallest normal number.
MARGIN = 1 + 256 * 2.0**-24
UNDERFLOW = 1e-30
# A library may have told the processor to take numbers as small as a subnormal float16 in its
# float32 bits for 0: then each latent is wrong by up to 2^-14, and a distance by sqrt(128) times.
FLUSHED = 128**0.5 * 2.0**-14

HalfBits = NDArray[np.uint16]
Words = NDArray[np.uint64]
Place = NDArray[np.float32]
Nearest = tuple[NDArray[np.float64], NDArray[np.int64]]


@numba.njit(nogil=True, cache=True)
def count_rows(words: Words, start: int, stop: int) -> int:
    """Return how many of the rows from `start` to before `stop` are in a mask."""
    n_set = 0
    for row in range(start, stop):
        n_set += np.int64(words[row >> 6] >> np.uint64(row & 63) & np.uint64(1))
    return n_set


@numba.njit(nogil=True, cache=True)
def improve_nearest(
    bits: HalfBits, words: Words, first: int, place: Place, nearest: Nearest
) -> None:
    """Improve the nearest so far, in place, by the masked rows of one block.

    Parameters
    ----------
    bits : (128, M) uint16
        Bits of the float16 latents of the M rows of the block.
    words : (ceil(N / 64),) uint64
        Words of the mask of all N rows.
    first : int
        First row of the block.
    place : (128,) float32
        Where distances are measured from: finite, and no square beyond float32.
    nearest : ((k,) float64, (k,) int64)
        Squared distances and rows, sorted by both; infinite where there is none yet.
    """
    sums = np.empty(CHUNK, np.float32)
    for start in range(0, bits.shape[1], CHUNK):
        stop = min(start + CHUNK, bits.shape[1])
        n_wanted = count_rows(words, first + start, first + stop)
        if n_wanted == 0:
            continue
        sums[:] = 0
        if n_wanted * SPARSE > stop - start:
            _add_squares(bits, start, place, sums)
        bound = _bound(nearest[0][-1])
        for i in range(stop - start):
            row = first + start + i
            if sums[i] <= bound and words[row >> 6] >> np.uint64(row & 63) & np.uint64(1):
                _offer(nearest, _measure(bits, start + i, place), row)
                bound = _bound(nearest[0][-1])


@numba.njit(nogil=True, cache=True, fastmath={"contract"})
def _add_squares(bits: HalfBits, start: int, place: Place, sums: Place) -> None:
    """Add the squared differences of all latents, four at a time, to the sums of some rows.

    The bits of a float16 in the place of those of a float32 are the number divided by 2^112; of
    NaN and infinity they make a number, and `_measure` sorts it out.
    """
    scale, stop = np.float32(2.0**112), min(start + len(sums), bits.shape[1])
    for j in range(0, len(place), 4):
        p, q, r, s = place[j], place[j + 1], place[j + 2], place[j + 3]
        b0, b1 = bits[j, start:stop], bits[j + 1, start:stop]
        b2, b3 = bits[j + 2, start:stop], bits[j + 3, start:stop]
        for i in range(stop - start):
            a = _shifted(b0[i]) * scale - p
            b = _shifted(b1[i]) * scale - q
            c = _shifted(b2[i]) * scale - r
            d = _shifted(b3[i]) * scale - s
            sums[i] += (a * a + b * b) + (c * c + d * d)


@numba.njit(nogil=True, cache=True)
def _shifted(half: np.uint16) -> np.float32:
    """Return the float32 that has the sign, exponent and mantissa of a float16."""
    wide = np.uint32(half)
    sign = (wide & np.uint32(0x8000)) << np.uint32(16)
    return np.uint32((wide & np.uint32(0x7FFF)) << np.uint32(13) | sign).view(np.float32)


@numba.njit(nogil=True, cache=True)
def _bound(square: float) -> np.float32:
    """Return the largest float32 sum that a row no further than this may have."""
    return np.float32((math.sqrt(square) + FLUSHED) ** 2 * MARGIN + UNDERFLOW)


@numba.njit(nogil=True, cache=True)
def _measure(bits: HalfBits, column: int, place: Place) -> float:
    """Return the squared distance of one row in float64; infinite where it has no latents."""
    square = 0.0
    for j in range(len(place)):
        exponent = np.int64(bits[j, column] >> np.uint16(10)) & 31
        mantissa = np.int64(bits[j, column]) & 1023
        if exponent == 31:
            return np.inf
        if exponent == 0:
            value = mantissa * 2.0**-24
        else:
            value = math.ldexp(float(mantissa + 1024), exponent - 25)
        if bits[j, column] & np.uint16(0x8000):
            value = -value
        square += (value - np.float64(place[j])) ** 2
    return square


@numba.njit(nogil=True, cache=True)
def _offer(nearest: Nearest, square: float, row: int) -> None:
    """Put a row among the nearest so far, unless it is no nearer than the last of them."""
    squares, rows = nearest
    place = len(squares)
    if not square < np.inf:
        return
    while place > 0 and (
        square < squares[place - 1] or (square == squares[place - 1] and row < rows[place - 1])
    ):
        place -= 1
    if place == len(squares):
        return
    squares[place + 1 :] = squares[place:-1].copy()
    rows[place + 1 :] = rows[place:-1].copy()
    squares[place], rows[place] = square, row
