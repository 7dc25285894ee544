"""The object under the pointer."""

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .mask import Mask, Words
from .plane import Plane
from .ranges import ranges_between

# Stand-ins of the right type for what is not given: compiled code knows no None here.
_NO_WORDS = np.zeros(0, np.uint64)
_NO_ROWS = np.zeros(0, np.uint32)


def nearest_row(
    plane: Plane, x: float, y: float, *radius: float, mask: Mask | None = None
) -> int | None:
    """Return the store row nearest to a point, or None when none is within reach.

    Parameters
    ----------
    plane : Plane
        The plane the pointer is in.
    x, y : float
        The point, in plane units.
    *radius : float
        Reach in x and reach in y, or one for both, in plane units and positive: the distance is
        elliptical, so that it is round on a screen whose axes have different scales. The rim is
        included.
    mask : Mask, optional
        Which objects may be picked.

    Returns
    -------
    int or None
        Of several at the same distance the lowest store row.

    Raises
    ------
    InputError
        When a number is not finite, or there are not one or two positive radii.
    """
    numbers = np.array([x, y, *radius], np.float64)
    if len(radius) not in (1, 2) or not np.isfinite(numbers).all() or min(radius) <= 0:
        raise InputError(
            f"An object was sought at {(x, y)} within {radius}; expected finite numbers and one "
            "or two positive radii."
        )
    reach_x, reach_y = float(radius[0]), float(radius[-1])
    ranges = ranges_between(plane.cells, (x - reach_x, x + reach_x, y - reach_y, y + reach_y))
    row = _nearest(
        (plane.x, plane.y, _NO_ROWS if plane.rows is None else plane.rows),
        ranges,
        (float(x), float(y), reach_x, reach_y),
        _NO_WORDS if mask is None else mask.words,
    )
    return None if row < 0 else int(row)


@numba.njit(nogil=True, cache=True)
def _nearest(
    points: tuple[NDArray, NDArray, NDArray],
    ranges: NDArray,
    target: tuple[float, float, float, float],
    words: Words,
) -> int:
    xs, ys, rows = points
    x, y, reach_x, reach_y = target
    best, best_distance = np.int64(-1), 1.0
    for i in range(len(ranges)):
        for position in range(ranges[i, 0], ranges[i, 1]):
            distance = ((xs[position] - x) / reach_x) ** 2 + ((ys[position] - y) / reach_y) ** 2
            if distance > best_distance:
                continue
            row = np.int64(rows[position]) if len(rows) else position
            is_nearer = distance < best_distance or best < 0 or row < best
            if not is_nearer:
                continue
            bit = np.uint64(1) << np.uint64(row & 63)
            if len(words) == 0 or words[row >> 6] & bit:
                best, best_distance = row, distance
    return best
