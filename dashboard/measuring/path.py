"""Where a person goes on a map: in by the wheel, sideways by the mouse, and back."""

from collections.abc import Iterator

import numpy as np

from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

# Pixels of the picture that the figures are of.
SIZE = (900, 700)
_WHEEL = 0.72
_N_TICKS = 14
_PAN_AFTER = (2, 5, 8, 11)


def walk(plane: Plane, seed: int = 0) -> Iterator[Viewport]:
    """Yield the viewports of one walk: the whole plane, wheel ticks into a dense place, and pans.

    Parameters
    ----------
    plane : Plane
        N' objects; one of them, drawn by the seed, is where the walk leads.
    seed : int
        Another walk for another number.
    """
    x0, x1, y0, y1 = plane.extent
    width, height = x1 - x0, y1 - y0
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    goal = int(np.random.default_rng(seed).integers(len(plane)))
    # An object far outside the first picture is nowhere a wheel would lead.
    to_x = min(max(float(plane.x[goal]), x0), x1)
    to_y = min(max(float(plane.y[goal]), y0), y1)
    for tick in range(_N_TICKS):
        yield _around(x, y, width, height)
        if tick in _PAN_AFTER:
            yield _around(x + 0.2 * width, y, width, height)
            yield _around(x + 0.2 * width, y - 0.15 * height, width, height)
        width, height = width * _WHEEL, height * _WHEEL
        # The wheel keeps what is under the mouse where it is.
        x, y = to_x + (x - to_x) * _WHEEL, to_y + (y - to_y) * _WHEEL


def whole(plane: Plane) -> Viewport:
    """Return the viewport of the first picture."""
    return Viewport(*plane.extent, *SIZE)


def _around(x: float, y: float, width: float, height: float) -> Viewport:
    return Viewport(x - width / 2, x + width / 2, y - height / 2, y + height / 2, *SIZE)
