"""Which rows of a plane a rectangle can hold: a few contiguous ranges of map order.

Compiled code here and in `lasso` and `pick` runs without Python's lock, so that one person's
lasso does not stop another's frame.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from .cells import CellIndex

# Below this many rows a node is taken whole: testing a row costs less than one more range.
_SMALL_NODE = 1_024
# Rectangles of cells: first and last in x, first and last in y.
Window = tuple[int, int, int, int]
Node = tuple[int, int, int]


def ranges_between(cells: CellIndex, limits: tuple[float, float, float, float]) -> NDArray:
    """Return the row ranges, (R, 2) int64 sorted and apart, that cover a closed rectangle.

    Parameters
    ----------
    cells : CellIndex
        The index of the plane.
    limits : tuple of float
        x0, x1, y0, y1 in plane units.

    Returns
    -------
    (R, 2) int64
        Starts and stops. Every row inside the rectangle is in one range; some rows of the ranges
        are outside.
    """
    # A window cuts at most 4 * 2^d nodes of depth d, each of which hands on four children.
    ranges = np.empty((16 * 2**cells.level + 16, 2), np.int64)
    n_ranges = _descend(cells.offsets, cells.level, cells.cells_between(*limits), ranges)
    return ranges[:n_ranges]


@numba.njit(nogil=True, cache=True)
def _overlap(window: Window, node: Node) -> int:
    """Return 0 where a node and a window are apart, 2 where the node is inside, else 1."""
    x, y, below = node
    low_x, high_x = x << below, ((x + 1) << below) - 1
    low_y, high_y = y << below, ((y + 1) << below) - 1
    if low_x > window[1] or high_x < window[0] or low_y > window[3] or high_y < window[2]:
        return 0
    is_inside_x = low_x >= window[0] and high_x <= window[1]
    return 2 if is_inside_x and low_y >= window[2] and high_y <= window[3] else 1


@numba.njit(nogil=True, cache=True)
def _append(ranges: NDArray, n_ranges: int, start: int, stop: int) -> int:
    if n_ranges and ranges[n_ranges - 1, 1] == start:
        ranges[n_ranges - 1, 1] = stop
        return n_ranges
    ranges[n_ranges, 0] = start
    ranges[n_ranges, 1] = stop
    return n_ranges + 1


@numba.njit(nogil=True, cache=True)
def _descend(offsets: NDArray, level: int, window: Window, ranges: NDArray) -> int:
    """Walk the quadtree in Morton order and fill `ranges`; return how many there are."""
    stack = np.zeros((4 * level + 4, 4), np.int64)  # code, x, y and levels below, of each node
    stack[0, 3] = level
    n_stack, n_ranges = 1, 0
    while n_stack:
        n_stack -= 1
        code, x, y, below = stack[n_stack]
        start, stop = offsets[code << (2 * below)], offsets[(code + 1) << (2 * below)]
        overlap = 0 if start == stop else _overlap(window, (x, y, below))
        if overlap == 2 or (overlap == 1 and (below == 0 or stop - start <= _SMALL_NODE)):
            n_ranges = _append(ranges, n_ranges, start, stop)
        elif overlap == 1:
            for child in range(3, -1, -1):
                stack[n_stack, 0] = 4 * code + child
                stack[n_stack, 1] = 2 * x + (child & 1)
                stack[n_stack, 2] = 2 * y + (child >> 1)
                stack[n_stack, 3] = below - 1
                n_stack += 1
    return n_ranges
