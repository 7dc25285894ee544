"""Which objects a person drew a line around: exact, and at the cost of the line, not of the area.

Cells the line does not touch are taken or left whole; only the objects of the touched cells are
tested one by one. Compiled functions here call none of another file: numba's disk cache would keep
what that file said before it changed.

The rule is even-odd: an object is inside when a ray to the right of it crosses the closed line an
odd number of times, so a figure that crosses itself has holes, and a stretch drawn twice cancels
itself. Of a line that runs exactly through an object, left and lower sides are inside, right and
upper sides are not: polygons that share a side share no object. An object without a position is in
no polygon and no box.
"""

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.errors import InputError

from .cells import CellIndex
from .mask import Mask, Words
from .plane import Plane

_INSIDE, _EDGE = 1, 2
# Beyond it the products of the crossing test would leave float64.
_MAX_COORDINATE = 1e100
# Rounding of the crossing test, relative to the largest coordinate, with room to spare.
_ROUNDING = 1e-12
_MAX_SLOPE = 1_000.0
_MIN_HEIGHT = 1e-300  # its inverse times the number of strips is still finite
# Of each strip of y the sides that reach it: starts, members, lowest y, strips per unit.
Buckets = tuple[NDArray, NDArray, float, float]


def mask_polygon(plane: Plane, xs: ArrayLike, ys: ArrayLike) -> Mask:
    """Return which of the store's N objects are inside a polygon; those without position never.

    Parameters
    ----------
    plane : Plane
        The plane the polygon was drawn in.
    xs, ys : (V,) float
        Vertices in plane units, closed or not; fewer than three enclose nothing. Objects are
        compared in float64.

    Raises
    ------
    InputError
        When both do not have the same length, or a vertex is not finite.
    """
    vertices = _checked(xs, ys)
    words = _no_words(plane)
    if len(vertices) < 3 or len(plane) == 0:
        return plane.store_mask(words)
    sides = np.hstack([vertices, np.roll(vertices, 1, axis=0)])
    buckets = _bucket(sides, min(max(4 * len(sides), 64), 4096))
    cells = (plane.cells.offsets, _kinds_of_cells(plane.cells, sides, buckets))
    _mark_polygon((plane.x, plane.y), cells, sides, buckets, words)
    return plane.store_mask(words)


def mask_box(plane: Plane, x0: float, x1: float, y0: float, y1: float) -> Mask:
    """Return which of the store's N objects are inside a box, all four sides included.

    Raises
    ------
    InputError
        When a limit is NaN. A box whose limits are in the wrong order is empty.
    """
    if np.isnan([x0, x1, y0, y1]).any():
        raise InputError(f"The box {(x0, x1, y0, y1)} has a limit that is not a number; redraw it.")
    words = _no_words(plane)
    if x0 <= x1 and y0 <= y1:
        limits = (float(x0), float(x1), float(y0), float(y1))
        kinds = np.zeros(4**plane.cells.level, np.uint8)
        _fill_box(plane.cells.cells_between(*limits), kinds)
        _mark_box((plane.x, plane.y), (plane.cells.offsets, kinds), limits, words)
    return plane.store_mask(words)


def _checked(xs: ArrayLike, ys: ArrayLike) -> NDArray[np.float64]:
    x, y = np.asarray(xs, np.float64).ravel(), np.asarray(ys, np.float64).ravel()
    if len(x) != len(y):
        raise InputError(
            f"A polygon came with {len(x)} x and {len(y)} y values; it needs as many of each."
        )
    vertices = np.column_stack([x, y])
    if not (np.abs(vertices) < _MAX_COORDINATE).all():  # false for NaN as well
        raise InputError(
            "A vertex of the polygon is not finite or beyond 1e100; draw the lasso again."
        )
    return vertices


def _kinds_of_cells(
    cells: CellIndex, sides: NDArray[np.float64], buckets: Buckets
) -> NDArray[np.uint8]:
    """Return for each cell, in Morton order, whether it is outside (0), inside or on the edge."""
    square = cells.square
    n = 2**cells.level
    scale = n / square.size
    drawn = (sides - np.array([square.x0, square.y0] * 2)) * scale
    # What lies between two vertices is known to the rounding of the largest of all numbers used.
    largest = max(np.abs(sides).max(), abs(square.x0), abs(square.y0), square.size)
    pad = _ROUNDING * largest * scale + 1e-9
    kinds = np.zeros(n * n, np.uint8)
    for side in drawn:
        _mark_side(side, pad, n, kinds)
    _fill_inside(sides, buckets, (square.x0, square.y0, 1 / scale, n), kinds)
    return kinds


def _no_words(plane: Plane) -> Words:
    return Mask.none(plane.n_store_rows).words


@numba.njit(nogil=True, cache=True)
def _clipped(value: float, n: int) -> int:
    """Return the floor of a value, kept within 0 and n - 1."""
    return int(min(max(value, 0.0), n - 1.0))


@numba.njit(nogil=True, cache=True)
def spread_bits(value: int) -> int:
    """Put a zero before each bit of a cell coordinate below 2^16."""
    bits = value & 0xFFFF
    bits = (bits | (bits << 8)) & 0x00FF00FF
    bits = (bits | (bits << 4)) & 0x0F0F0F0F
    bits = (bits | (bits << 2)) & 0x33333333
    return (bits | (bits << 1)) & 0x55555555


@numba.njit(nogil=True, cache=True)
def _bucket(sides: NDArray, n: int) -> Buckets:
    """List the sides that reach each of n strips of y.

    Returns the strips' starts, (n + 1,), the members, (K,), and lowest y and strips per unit. The
    strip of a height is a non-decreasing function of it, so no rounding can lose a side.
    """
    low, high = sides[:, 1].min(), sides[:, 1].max()
    per_unit = n / (high - low) if high - low > _MIN_HEIGHT else 0.0
    first, last = np.empty(len(sides), np.int64), np.empty(len(sides), np.int64)
    starts = np.zeros(n + 1, np.int64)
    for i in range(len(sides)):
        first[i] = _clipped((min(sides[i, 1], sides[i, 3]) - low) * per_unit, n)
        last[i] = _clipped((max(sides[i, 1], sides[i, 3]) - low) * per_unit, n)
        starts[first[i] + 1 : last[i] + 2] += 1
    starts = np.cumsum(starts)
    members = np.empty(starts[-1], np.int64)
    ends = starts[:-1].copy()
    for i in range(len(sides)):
        for j in range(first[i], last[i] + 1):
            members[ends[j]] = i
            ends[j] += 1
    return starts, members, low, per_unit


@numba.njit(nogil=True, cache=True)
def _is_inside(sides: NDArray, buckets: Buckets, x: float, y: float) -> bool:
    starts, members, low, per_unit = buckets
    strip = _clipped((y - low) * per_unit, len(starts) - 1)
    is_odd = False
    for k in range(starts[strip], starts[strip + 1]):
        i = members[k]
        at_x, at_y, before_x, before_y = sides[i, 0], sides[i, 1], sides[i, 2], sides[i, 3]
        if (at_y > y) != (before_y > y):
            crossing = (before_x - at_x) * (y - at_y) / (before_y - at_y) + at_x
            if x < crossing:
                is_odd = not is_odd
    return is_odd


@numba.njit(nogil=True, cache=True)
def _mark_side(side: NDArray, pad: float, n: int, kinds: NDArray) -> None:
    """Mark the cells that a side, in cell coordinates, or its rounding may touch."""
    low_y, high_y = min(side[1], side[3]), max(side[1], side[3])
    left, right = min(side[0], side[2]), max(side[0], side[2])
    # A flatter side would magnify the rounding of y beyond `pad`: it is taken as a bar.
    is_bar = (high_y - low_y) * _MAX_SLOPE <= right - left or high_y - low_y <= 2 * pad
    slope = 0.0 if is_bar else (side[2] - side[0]) / (side[3] - side[1])
    for j in range(_clipped(low_y - pad, n), _clipped(high_y + pad, n) + 1):
        if not is_bar:
            # Where the side enters and leaves this row of cells, clipped to its own ends.
            at_bottom = side[0] + slope * (min(max(j - pad, low_y), high_y) - side[1])
            at_top = side[0] + slope * (min(max(j + 1 + pad, low_y), high_y) - side[1])
            left, right = min(at_bottom, at_top), max(at_bottom, at_top)
        for i in range(_clipped(left - pad, n), _clipped(right + pad, n) + 1):
            kinds[spread_bits(i) | (spread_bits(j) << 1)] = _EDGE


@numba.njit(nogil=True, cache=True)
def _fill_inside(
    sides: NDArray, buckets: Buckets, grid: tuple[float, float, float, int], kinds: NDArray
) -> None:
    """Set the kind of every cell that no side touches; `grid` is corner, cell size and count."""
    x0, y0, size, n = grid
    first_x = _clipped((sides[:, 0].min() - x0) / size - 1, n)
    last_x = _clipped((sides[:, 0].max() - x0) / size + 1, n)
    first_y = _clipped((sides[:, 1].min() - y0) / size - 1, n)
    last_y = _clipped((sides[:, 1].max() - y0) / size + 1, n)
    for j in range(first_y, last_y + 1):
        kind = _EDGE
        for i in range(first_x, last_x + 1):
            cell = spread_bits(i) | (spread_bits(j) << 1)
            if kinds[cell] == _EDGE:
                kind = _EDGE
                continue
            if kind == _EDGE:
                # Neighbours with no side between them are on the same side of the line.
                x, y = x0 + (i + 0.5) * size, y0 + (j + 0.5) * size
                kind = _INSIDE if _is_inside(sides, buckets, x, y) else 0
            kinds[cell] = kind


@numba.njit(nogil=True, cache=True)
def _mark_all(words: Words, start: int, stop: int) -> None:
    """Set the bits `start` to `stop` - 1."""
    ones = ~np.uint64(0)
    first, last = start >> 6, stop >> 6
    head, tail = ones << np.uint64(start & 63), ~(ones << np.uint64(stop & 63))
    if first == last:
        words[first] |= head & tail
        return
    words[first] |= head
    for word in range(first + 1, last):
        words[word] = ones
    if stop & 63:
        words[last] |= tail


@numba.njit(nogil=True, cache=True)
def _mark_polygon(
    points: tuple[NDArray, NDArray],
    cells: tuple[NDArray, NDArray],
    sides: NDArray,
    buckets: Buckets,
    words: Words,
) -> None:
    x, y = points
    offsets, kinds = cells
    for cell in range(len(kinds)):
        if kinds[cell] == 0 or offsets[cell] == offsets[cell + 1]:
            continue
        if kinds[cell] == _INSIDE:
            _mark_all(words, offsets[cell], offsets[cell + 1])
            continue
        for row in range(offsets[cell], offsets[cell + 1]):
            if _is_inside(sides, buckets, np.float64(x[row]), np.float64(y[row])):
                words[row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@numba.njit(nogil=True, cache=True)
def _fill_box(window: tuple[int, int, int, int], kinds: NDArray) -> None:
    """Set the kind of the cells from first to last in x and in y; the outermost are edges."""
    for j in range(window[2], window[3] + 1):
        for i in range(window[0], window[1] + 1):
            is_inside = window[0] < i < window[1] and window[2] < j < window[3]
            kinds[spread_bits(i) | (spread_bits(j) << 1)] = _INSIDE if is_inside else _EDGE


@numba.njit(nogil=True, cache=True)
def _mark_box(
    points: tuple[NDArray, NDArray],
    cells: tuple[NDArray, NDArray],
    limits: tuple[float, float, float, float],
    words: Words,
) -> None:
    x, y = points
    offsets, kinds = cells
    for cell in range(len(kinds)):
        if kinds[cell] == 0 or offsets[cell] == offsets[cell + 1]:
            continue
        if kinds[cell] == _INSIDE:
            _mark_all(words, offsets[cell], offsets[cell + 1])
            continue
        for row in range(offsets[cell], offsets[cell + 1]):
            is_in_x = limits[0] <= np.float64(x[row]) <= limits[1]
            if is_in_x and limits[2] <= np.float64(y[row]) <= limits[3]:
                words[row >> 6] |= np.uint64(1) << np.uint64(row & 63)
