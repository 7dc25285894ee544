"""Density pictures: Datashader on the visible rows of a plane, and on no others.

The cell index only decides which rows Datashader is given; the picture is the one Datashader would
draw from all of them, bit for bit.
"""

import datashader as ds
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .plane import Plane
from .ranges import ranges_between
from .viewport import Viewport


def count_raster(
    plane: Plane, viewport: Viewport, mask: NDArray[np.bool_] | None = None
) -> NDArray[np.uint32]:
    """Count the objects of each screen pixel.

    Parameters
    ----------
    plane : Plane
        N' positioned objects.
    viewport : Viewport
        What is on screen, closed on all sides.
    mask : (N,) bool, optional
        Which objects count, in store order.

    Returns
    -------
    (height, width) uint32
        Row 0 is the lowest y.
    """
    frame = _visible_frame(plane, viewport, mask)
    if frame.empty:
        return np.zeros((viewport.height, viewport.width), np.uint32)
    return _canvas(viewport).points(frame, "x", "y", ds.count()).to_numpy()


def max_raster(
    plane: Plane,
    viewport: Viewport,
    values: NDArray[np.number],
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Return the largest value of each screen pixel: it shows the one anomaly in a crowd.

    Parameters
    ----------
    plane, viewport, mask
        As in `count_raster`.
    values : (N,) numeric
        One value per object, in store order; NaN is never the largest.

    Returns
    -------
    (height, width) float32
        NaN where no object with a value is; row 0 is the lowest y.
    """
    frame = _visible_frame(plane, viewport, mask, values)
    if frame.empty:
        return np.full((viewport.height, viewport.width), np.nan, np.float32)
    picture = _canvas(viewport).points(frame, "x", "y", ds.max("value"))
    return picture.to_numpy().astype(np.float32)


def warm_up(plane: Plane) -> None:
    """Compile what the first pictures of a plane need, so that no person waits for it.

    Datashader compiles once for arrays that may be written and once for mapped ones; one picture
    of the whole plane and one of a masked part meet both.
    """
    viewport = Viewport(*plane.extent, 2, 2)
    everything = np.ones(plane.n_store_rows, np.bool_)
    values = np.zeros(plane.n_store_rows, np.float32)
    for mask in (None, everything):
        count_raster(plane, viewport, mask)
        max_raster(plane, viewport, values, mask)


def _canvas(viewport: Viewport) -> ds.Canvas:
    return ds.Canvas(
        plot_width=viewport.width,
        plot_height=viewport.height,
        x_range=(viewport.x0, viewport.x1),
        y_range=(viewport.y0, viewport.y1),
    )


def _visible_frame(
    plane: Plane,
    viewport: Viewport,
    mask: NDArray[np.bool_] | None,
    values: NDArray[np.number] | None = None,
) -> pd.DataFrame:
    """Return x, y and value of the masked rows that may be visible; views where nothing is cut."""
    limits = (viewport.x0, viewport.x1, viewport.y0, viewport.y1)
    ranges = ranges_between(plane.cells, limits)
    columns = {"x": _cut(plane.x, ranges), "y": _cut(plane.y, ranges)}
    in_store_order = {"value": values, "mask": mask}
    rows = None if plane.rows is None else _cut(plane.rows, ranges)
    for name, array in in_store_order.items():
        if array is not None:
            columns[name] = _cut(array, ranges) if rows is None else array[rows]
    kept = columns.pop("mask", None)
    if kept is not None:
        columns = {name: array[kept] for name, array in columns.items()}
    return pd.DataFrame(columns, copy=False)


def _cut(array: NDArray, ranges: NDArray[np.int64]) -> NDArray:
    if len(ranges) == 1:
        return array[ranges[0, 0] : ranges[0, 1]]
    if len(ranges) == 0:
        return array[:0]
    return np.concatenate([array[start:stop] for start, stop in ranges])
