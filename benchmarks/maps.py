"""Server-side steps of the map: frame, lasso, pick, mask, picture."""

from pathlib import Path
from typing import Any

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
import shapely

from anomaly_explorer.dashboard.picture import compose_picture
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Tier
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.grid import Window, snap
from anomaly_explorer.engine.plane.lasso import mask_polygon
from anomaly_explorer.engine.plane.pick import nearest_row
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.pyramid import Pyramids
from anomaly_explorer.engine.plane.viewport import Viewport

from .report import Comparison
from .timing import measure

SIZE = (760, 560)
SHARES = {"full view": 1.0, "10 % of the width": 0.1, "2 % of the width": 0.02}
N_VERTICES = 200


def time_frames(store: Store) -> list[Comparison]:
    """Compare a frame of our pyramid with Datashader over all rows; both are equal."""
    plane, pyramids = store.plane("umap"), Pyramids()
    frame = pd.DataFrame({"x": np.array(plane.x), "y": np.array(plane.y)})
    lines = []
    for name, share in SHARES.items():
        window = snap(plane.cells.square, viewport_of(plane, share))
        canvas = window.canvas()

        def all_rows(canvas: ds.Canvas = canvas) -> np.ndarray:
            return canvas.points(frame, "x", "y", ds.count()).to_numpy()

        def ours(window: Window = window) -> np.ndarray:
            return pyramids.counts(plane, window)

        if not np.array_equal(ours(), all_rows()):
            raise AssertionError(f"the rasters of the {name} differ")
        note = f"{int(ours().sum()):,} objects on screen, rasters equal"
        lines.append(Comparison(f"count raster, {name}", measure(ours), measure(all_rows), note))
    return lines


def time_lasso(store: Store) -> Comparison:
    """Compare our lasso with shapely's vectorised test of all points."""
    plane = store.plane("umap")
    x, y = plane.x.astype(float), plane.y.astype(float)
    center, reach = (float(np.median(x)), float(np.median(y))), 0.18 * width_of(plane)
    angles = np.linspace(0, 2 * np.pi, N_VERTICES, endpoint=False)
    radius = reach * (1 + 0.15 * np.sin(7 * angles))
    xs, ys = center[0] + radius * np.cos(angles), center[1] + radius * np.sin(angles)
    polygon = shapely.Polygon(np.column_stack([xs, ys]))
    shapely.prepare(polygon)
    n_ours = mask_polygon(plane, xs, ys).count
    if n_ours != np.count_nonzero(shapely.contains_xy(polygon, x, y)):
        raise AssertionError("the lassos differ")
    return Comparison(
        f"lasso of {N_VERTICES} vertices",
        measure(lambda: mask_polygon(plane, xs, ys)),
        measure(lambda: shapely.contains_xy(polygon, x, y)),
        f"{n_ours:,} objects inside, counts equal",
    )


def time_pick(store: Store) -> Comparison:
    """Compare our pick with the nearest of all points by NumPy."""
    plane, viewport = store.plane("umap"), viewport_of(store.plane("umap"), 1.0)
    at = np.random.default_rng(2).integers(len(plane))
    x, y = float(plane.x[at]), float(plane.y[at])
    reach = (9 * viewport.pixel_width, 9 * viewport.pixel_height)

    def all_points() -> int:
        distance = ((plane.x - x) / reach[0]) ** 2 + ((plane.y - y) / reach[1]) ** 2
        return int(np.argmin(distance))

    return Comparison(
        "pick within 9 pixels, full view",
        measure(lambda: nearest_row(plane, x, y, *reach)),
        measure(all_points),
    )


def time_mask(store: Store) -> Comparison:
    """Compare the mask of a tier and arm filter with a count of the same expression by vaex."""
    import vaex

    chosen = AllOf((Tier("top_10"), OneOf("worst_arm", ("B",))))
    bit = 1 << store.manifest.tiers.index("top_10")
    code = store.legend("worst_arm").index("B")
    table = vaex.open(str(store.path / "columns.arrow"))
    expression = f"((tier_bits & {bit}) > 0) & (worst_arm == {code})"
    n = int(table.count(selection=expression))
    if n != chosen.mask(store).count:
        raise AssertionError("the masks differ")
    ours, stock = measure(lambda: chosen.mask(store)), measure(
        lambda: table.count(selection=expression)
    )  # fmt: skip
    table.close()
    return Comparison("mask of a tier and an arm", ours, stock, f"{n:,} objects, counts equal")


def time_picture(store: Store) -> tuple[list[Comparison], str]:
    """Compare one picture of four layers with the same layers shaded and stacked as RGBA."""
    session = Session(store, ExplorerState())
    plane = store.plane("umap")
    viewport = viewport_of(plane, 1.0)
    layers = session.layers(plane, viewport)
    counted = [_raster(counts) for counts in (layers.context, layers.visible, layers.selected)]
    marked = _raster(layers.anomalies)

    def shaded() -> Any:
        return tf.stack(*(tf.shade(raster, how="log") for raster in [*counted, marked]))

    picture = compose_picture(layers)
    lines = [
        Comparison(
            "picture of four layers", measure(lambda: compose_picture(layers)), measure(shaded)
        ),
        Comparison(
            "whole frame: four rasters and the picture",
            measure(lambda: compose_picture(session.layers(plane, viewport))),
        ),
    ]
    size = f"One frame of {SIZE[0]} × {SIZE[1]} pixels: {picture.nbytes:,} bytes with 8 bits, "
    return lines, size + f"{shaded().data.nbytes:,} bytes as RGBA, both before compression."


def _raster(values: np.ndarray) -> Any:
    import xarray as xr

    return xr.DataArray(values, dims=("y", "x"))


def viewport_of(plane: Plane, share: float) -> Viewport:
    """Return a viewport of a share of the plane's extent, around the object in the middle row."""
    x0, x1, y0, y1 = plane.extent
    if share == 1.0:
        return Viewport(x0, x1, y0, y1, *SIZE)
    at = (float(plane.x[len(plane) // 2]), float(plane.y[len(plane) // 2]))
    half = (share * (x1 - x0) / 2, share * (y1 - y0) / 2)
    return Viewport(at[0] - half[0], at[0] + half[0], at[1] - half[1], at[1] + half[1], *SIZE)


def width_of(plane: Plane) -> float:
    """Return the width of the first picture in plane units."""
    return plane.extent[1] - plane.extent[0]


def size_of(path: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
