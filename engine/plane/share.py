"""Counts of a part of what was counted before: where the part is all of it, they are copied.

The objects of a lasso are mostly whole cells of what is shown, and cells are whole pixels of every
base grid. Only the cells that are cut are drawn, so a lasso around half the map costs its edge.
Compiled functions here call none of another file.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from .cells import CellIndex
from .grid import Window
from .mask import Words
from .raster import Drawing, draw_ranges

# Cells compared are those of a grid of at most 2^7 x 2^7.
_DEEPEST = 7
_NOTHING, _CUT, _ALL = np.uint8(0), np.uint8(1), np.uint8(2)


def draw_part(
    part: Drawing, base: Window, whole: Words, counts: NDArray[np.integer]
) -> tuple[NDArray[np.uint32]]:
    """Count the objects of a part in each pixel of a base grid.

    Parameters
    ----------
    part : Drawing
        Counts of a mask.
    base : Window
        H by W pixels, the whole square.
    whole : (ceil(N / 64),) uint64
        A mask in plane order that holds all objects of the part.
    counts : (H, W) unsigned integers
        What was counted of that mask on the same grid.

    Returns
    -------
    tuple of one (H, W) uint32
        Equal to `draw_raster`.
    """
    cells = part.plane.cells
    level = _level_of(cells, base)
    starts = cells.offsets[:: 4 ** (cells.level - level)]
    kinds = np.zeros(4**level, np.uint8)
    _compare((part.words, whole), starts, kinds)
    cut = np.flatnonzero(kinds == _CUT)
    (drawn,) = draw_ranges(part, base, _joined(starts[cut], starts[cut + 1]))
    _copy_cells(kinds, counts, (base.y.n >> level, base.x.n >> level), drawn)
    return (drawn,)


def _level_of(cells: CellIndex, base: Window) -> int:
    """Return the finest level whose cells are whole pixels of a grid."""
    level = min(cells.level, _DEEPEST)
    while (base.x.n | base.y.n) & (2**level - 1):
        level -= 1
    return level


def _joined(starts: NDArray[np.int64], stops: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ranges, (R, 2), of which those that touch are made one."""
    is_first = np.append(True, starts[1:] != stops[:-1])[: len(starts)]
    is_last = np.append(is_first[1:], True)[: len(starts)]
    return np.stack([starts[is_first], stops[is_last]], axis=1)


@numba.njit(nogil=True, cache=True)
def _compare(
    words: tuple[Words, Words], starts: NDArray[np.int64], kinds: NDArray[np.uint8]
) -> None:
    """Tell of each cell whether the part has nothing, some or all of what the whole has there."""
    part, whole = words
    ones = ~np.uint64(0)
    for cell in range(len(kinds)):
        start, stop = starts[cell], starts[cell + 1]
        is_nothing, is_all = True, True
        for w in range(start >> 6, (stop + 63) >> 6):
            kept = ones
            if start > 64 * w:
                kept &= ones << np.uint64(start - 64 * w)
            if stop < 64 * w + 64:
                kept &= ~(ones << np.uint64(stop - 64 * w))
            inside = part[w] & kept
            is_nothing &= inside == 0
            is_all &= inside == (whole[w] & kept)
        kinds[cell] = _NOTHING if is_nothing else (_ALL if is_all else _CUT)


@numba.njit(nogil=True, cache=True)
def _copy_cells(
    kinds: NDArray[np.uint8],
    counts: NDArray,
    sides: tuple[int, int],
    drawn: NDArray[np.uint32],
) -> None:
    """Copy the pixels, (high, wide) each, of the cells that the part has all of."""
    high, wide = sides
    for cell in range(len(kinds)):
        if kinds[cell] != _ALL:
            continue
        x, y, code = 0, 0, cell
        for bit in range(_DEEPEST):
            x |= (code & 1) << bit
            y |= ((code >> 1) & 1) << bit
            code >>= 2
        for j in range(y * high, (y + 1) * high):
            for i in range(x * wide, (x + 1) * wide):
                drawn[j, i] = counts[j, i]
