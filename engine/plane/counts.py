"""Counts: how many objects of a mask lie in each pixel of a window, in one pass over their places.

Equal to what Datashader counts, several times as fast: positions and bits of the mask are read
where they lie, 64 rows at a time, and nothing is copied. No object lies so near to the edge of a
pixel that rounding could tell (`grid`), so any arithmetic finds the same pixel. Threads draw into
one array: each has rows of cells of its own, and a cell is whole pixels.
Compiled functions here call none of another file.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from .cells import CellIndex
from .grid import Window
from .mask import Words
from .plane import Plane
from .threads import threads

Points = tuple[NDArray[np.float32], NDArray[np.float32]]
# Lower corner of the square, pixels a unit in x and y, first pixels of the window, width, height.
Frame = tuple[float, float, float, float, int, int, int, int]
# Shares of the rows are cut at cells of a grid of at most 2^7 x 2^7.
_DEEPEST = 7
# Fewer rows than this are counted at once: threads would cost more than they bring.
_FEW = 250_000
# So many shares for all threads: a share of half the rows would be waited for.
_N_SHARES = 16


def count_rows(
    plane: Plane,
    words: Words,
    window: Window,
    ranges: NDArray[np.int64],
    is_urgent: bool = True,
) -> NDArray[np.uint32]:
    """Count the objects of a mask in each pixel of a window.

    Parameters
    ----------
    plane : Plane
        N' positioned objects.
    words : (ceil(N / 64),) uint64
        The mask in plane order, see `Plane.words`.
    window : Window
        H by W pixels of a level grid.
    ranges : (R, 2) int64
        Row ranges in plane order, sorted and apart; rows of none of them are not counted.
    is_urgent : bool
        False: on the calling thread alone, so that the drawings people wait for go first.

    Returns
    -------
    (H, W) uint32
        Row 0 is the lowest y.
    """
    height, width = window.shape
    counted = np.zeros(height * width + 1, np.uint32)  # the last one is every place outside
    square = window.square
    x0, _, y0, _ = Window(square, window.x.of(1), window.y.of(1)).limits
    scale = window.x.n / square.size, window.y.n / square.size
    frame = (x0, y0, *scale, window.x.first, window.y.first, width, height)
    points = (plane.x, plane.y)

    def count(share: NDArray[np.int64]) -> None:
        _count(points, words, share, frame, counted)

    n_rows = int((ranges[:, 1] - ranges[:, 0]).sum())
    if n_rows <= _FEW or not is_urgent:
        count(ranges)
    else:
        list(threads().map(count, _shares(ranges, _cell_starts(plane.cells, window))))
    return counted[:-1].reshape(height, width)


def _cell_starts(cells: CellIndex, window: Window) -> NDArray[np.int64]:
    """Return the first rows of the finest cells that are whole pixels, and the number of rows."""
    level = min(cells.level, _DEEPEST)
    while (window.x.n | window.y.n) & (2**level - 1):
        level -= 1
    return cells.offsets[:: 4 ** (cells.level - level)]


def _shares(ranges: NDArray[np.int64], starts: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut row ranges, (R, 2), at the starts of cells into lists of about as many rows each."""
    ends = np.cumsum(ranges[:, 1] - ranges[:, 0])
    wanted = ends[-1] * np.arange(1, _N_SHARES) // _N_SHARES
    inside = np.searchsorted(ends, wanted, side="right")
    rows = ranges[inside, 1] - (ends[inside] - wanted)
    cuts = np.unique(starts[np.searchsorted(starts, rows)])
    shares = []
    for low, high in zip([0, *cuts], [*cuts, starts[-1]], strict=True):
        first = np.searchsorted(ranges[:, 1], low, side="right")
        last = np.searchsorted(ranges[:, 0], high)
        if first < last:
            shares.append(np.clip(ranges[first:last], low, high))
    return shares


@numba.njit(nogil=True, cache=True)
def _count(
    points: Points, words: Words, ranges: NDArray[np.int64], frame: Frame, counted: NDArray
) -> None:
    """Add the rows of a mask in some ranges to the pixels they lie in."""
    ones, pixels, n_rows = ~np.uint64(0), np.empty(64, np.int32), len(points[0])
    for r in range(len(ranges)):
        row, stop = ranges[r, 0], ranges[r, 1]
        while row < stop:
            base = row & ~63
            word = words[row >> 6] & (ones << np.uint64(row & 63))
            if stop < base + 64:
                word &= ~(ones << np.uint64(stop - base))
            row = base + 64
            if word == 0:
                continue
            if word & (word - np.uint64(1)) and row <= n_rows:
                _find_pixels(points, base, frame, pixels)
                for i in range(64):
                    counted[pixels[i]] += np.uint32(word & np.uint64(1))
                    word >>= np.uint64(1)
            else:
                _add_bits(points, base, word, frame, counted)


@numba.njit(nogil=True, cache=True)
def _find_pixels(points: Points, base: int, frame: Frame, pixels: NDArray[np.int32]) -> None:
    """Find the pixels of 64 rows, side by side; those outside have one for all."""
    x, y = points[0][base : base + 64], points[1][base : base + 64]
    x0, y0, per_x, per_y = frame[:4]
    first_x, first_y, width, height = (
        np.int32(frame[4]), np.int32(frame[5]), np.int32(frame[6]), np.int32(frame[7])
    )  # fmt: skip
    for i in range(64):
        px = np.int32((np.float64(x[i]) - x0) * per_x) - first_x
        py = np.int32((np.float64(y[i]) - y0) * per_y) - first_y
        is_inside = (px >= 0) & (px < width) & (py >= 0) & (py < height)
        pixels[i] = py * width + px if is_inside else width * height


@numba.njit(nogil=True, cache=True)
def _add_bits(points: Points, base: int, word: np.uint64, frame: Frame, counted: NDArray) -> None:
    """Add the rows of a word one by one, and read no other: there may be none."""
    x, y = points
    x0, y0, per_x, per_y, first_x, first_y, width, height = frame
    i = base
    while word:
        if word & np.uint64(1):
            px = np.int64((np.float64(x[i]) - x0) * per_x) - first_x
            py = np.int64((np.float64(y[i]) - y0) * per_y) - first_y
            if 0 <= px < width and 0 <= py < height:
                counted[py * width + px] += np.uint32(1)
        i += 1
        word >>= np.uint64(1)
