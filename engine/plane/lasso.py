"""Which objects a person drew a line around: exact, and at the cost of the line, not of the area.

Cells the line does not touch are taken or left whole; only the objects of the touched cells are
tested one by one. Compiled functions here call none of another file: numba's disk cache would keep
what that file said before it changed.

The rule is even-odd: an object is inside when a ray to the right of it crosses the closed line an
odd number of times, so a figure that crosses itself has holes. Of a line that runs exactly through
an object, left and lower sides are inside, right and upper sides are not: polygons that share a
side share no object.
"""

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.errors import InputError

from .cells import CellIndex
from .plane import Plane
from .ranges import ranges_between

_INSIDE, _EDGE = 1, 2
# Beyond it the products of the crossing test would leave float64.
_MAX_COORDINATE = 1e100
# Rounding of the crossing test, relative to the largest coordinate, with room to spare.
_ROUNDING = 1e-12
_MAX_SLOPE = 1_000.0
_MIN_HEIGHT = 1e-300  # its inverse times the number of strips is still finite
# Of each strip of y the sides that reach it: starts, members, lowest y, strips per unit.
Buckets = tuple[NDArray, NDArray, float, float]


def rows_in_polygon(plane: Plane, xs: ArrayLike, ys: ArrayLike) -> NDArray[np.int64]:
    """Return the store rows inside a polygon, (M,) sorted; objects without position never.

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
    if len(vertices) < 3 or len(plane) == 0:
        return np.empty(0, np.int64)
    sides = np.hstack([vertices, np.roll(vertices, 1, axis=0)])
    buckets = _bucket(sides, min(max(4 * len(sides), 64), 4096))
    kinds = _kinds_of_cells(plane.cells, sides, buckets)
    found = np.empty(_n_rows_at_most(plane.cells.offsets, kinds), np.int64)
    cells = (plane.cells.offsets, kinds)
    n_found = _collect((plane.x, plane.y), cells, sides, buckets, found)
    return _store_rows(plane, found[:n_found])


def rows_in_box(plane: Plane, x0: float, x1: float, y0: float, y1: float) -> NDArray[np.int64]:
    """Return the store rows inside a box, (M,) sorted, all four sides included.

    Raises
    ------
    InputError
        When a limit is NaN. A box whose limits are in the wrong order is empty.
    """
    if np.isnan([x0, x1, y0, y1]).any():
        raise InputError(f"The box {(x0, x1, y0, y1)} has a limit that is not a number; redraw it.")
    if x0 > x1 or y0 > y1:
        return np.empty(0, np.int64)
    limits = (float(x0), float(x1), float(y0), float(y1))
    ranges = ranges_between(plane.cells, limits)
    found = np.empty(int((ranges[:, 1] - ranges[:, 0]).sum()), np.int64)
    n_found = _collect_box((plane.x, plane.y), ranges, limits, found)
    return _store_rows(plane, found[:n_found])


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


def _store_rows(plane: Plane, found: NDArray[np.int64]) -> NDArray[np.int64]:
    if plane.rows is None:
        return found.copy()  # a view would keep the larger array alive
    return np.sort(plane.rows[found]).astype(np.int64)


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
def _n_rows_at_most(offsets: NDArray, kinds: NDArray) -> int:
    n_rows = 0
    for cell in range(len(kinds)):
        if kinds[cell]:
            n_rows += offsets[cell + 1] - offsets[cell]
    return n_rows


@numba.njit(nogil=True, cache=True)
def _collect(
    points: tuple[NDArray, NDArray],
    cells: tuple[NDArray, NDArray],
    sides: NDArray,
    buckets: Buckets,
    found: NDArray,
) -> int:
    x, y = points
    offsets, kinds = cells
    n_found = 0
    for cell in range(len(kinds)):
        if kinds[cell] == 0:
            continue
        is_whole = kinds[cell] == _INSIDE
        for row in range(offsets[cell], offsets[cell + 1]):
            if is_whole or _is_inside(sides, buckets, np.float64(x[row]), np.float64(y[row])):
                found[n_found] = row
                n_found += 1
    return n_found


@numba.njit(nogil=True, cache=True)
def _collect_box(
    points: tuple[NDArray, NDArray],
    ranges: NDArray,
    limits: tuple[float, float, float, float],
    found: NDArray,
) -> int:
    x, y = points
    n_found = 0
    for i in range(len(ranges)):
        for row in range(ranges[i, 0], ranges[i, 1]):
            is_between_x = limits[0] <= np.float64(x[row]) <= limits[1]
            if is_between_x and limits[2] <= np.float64(y[row]) <= limits[3]:
                found[n_found] = row
                n_found += 1
    return n_found
