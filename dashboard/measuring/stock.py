"""The stock ways: Datashader, shapely, vaex and NumPy over all rows, as anybody would use them."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import datashader as ds
import datashader.transfer_functions as tf
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

_N_SAMPLED_LATENTS = 200_000


class StockMap:
    """Datashader over a table of the objects shown, shaded.

    Parameters
    ----------
    plane : Plane
        N' objects.
    mask : Mask, optional
        The objects shown; the table is cut to them before anything is timed.
    values : (N,) array, optional
        In store order: the mean is drawn instead of the count.
    """

    def __init__(
        self, plane: Plane, mask: Mask | None = None, values: NDArray[Any] | None = None
    ) -> None:
        columns = {"x": np.array(plane.x), "y": np.array(plane.y)}
        if values is not None:
            columns["value"] = values[_store_rows(plane)]
        table = pd.DataFrame(columns)
        if mask is not None and mask.count < mask.n_rows:
            table = table[mask.bools()[_store_rows(plane)]]
        self.table = table

    def draw(self, viewport: Viewport) -> Any:
        """Return the shaded image of a viewport."""
        how = ds.mean("value") if "value" in self.table else ds.count()
        return tf.shade(_canvas(viewport).points(self.table, "x", "y", how), how="log")


class StockHover:
    """What names objects under the mouse in HoloViews: the row of the largest score of a pixel.

    Parameters
    ----------
    plane : Plane
    scores : (N,) float32
        In store order.
    """

    def __init__(self, plane: Plane, scores: NDArray[np.float32]) -> None:
        self.table = pd.DataFrame(
            {"x": np.array(plane.x), "y": np.array(plane.y), "score": scores[_store_rows(plane)]}
        )

    def draw(self, viewport: Viewport) -> Any:
        """Return the row of each pixel."""
        how = ds.where(ds.max("score"))
        return _canvas(viewport).points(self.table, "x", "y", how)


class StockLasso:
    """The test of all points against a polygon by shapely, vectorised and prepared.

    HoloViews tests each point in Python where spatialpandas is not installed: far slower.
    """

    def __init__(self, plane: Plane) -> None:
        self.x, self.y = np.array(plane.x), np.array(plane.y)

    @staticmethod
    def is_there() -> bool:
        """Return whether shapely is installed."""
        return find_spec("shapely") is not None

    def inside(self, xs: list[float], ys: list[float]) -> NDArray[np.bool_]:
        """Return which of the N' objects are inside a polygon, (N',) bool."""
        import shapely

        polygon = shapely.Polygon(np.column_stack([xs, ys]))
        shapely.prepare(polygon)
        return shapely.contains_xy(polygon, self.x, self.y)


@contextmanager
def vaex_table(store: Store) -> Iterator[Any]:
    """Open the columns of a store in vaex."""
    import vaex

    table = vaex.open(str(store.path / "columns.arrow"))
    try:
        yield table
    finally:
        table.close()


def vaex_histogram(table: Any, column: str, selection: str, limits: tuple[float, float]) -> Any:
    """Return 120 bins, between two limits, of the rows of a selection.

    The limits are given: vaex 4.19 cannot find them where a chunk has one row of the selection.
    """
    return table.count(binby=table[column], limits=limits, shape=120, selection=selection)


@contextmanager
def duck_table(store: Store) -> Iterator[Any]:
    """Open the columns of a store in DuckDB over Arrow; yields None where it is not installed."""
    if find_spec("duckdb") is None:
        yield None
        return
    import duckdb
    import pyarrow as pa

    rows = pa.ipc.open_file(pa.memory_map(str(store.path / "columns.arrow"))).read_all()
    connection = duckdb.connect()
    connection.register("objects", rows)
    try:
        yield connection
    finally:
        connection.close()


def duck_histogram(connection: Any, column: str, condition: str) -> Any:
    """Return 120 bins of the rows of a condition; the limits are part of the question."""
    return connection.execute(
        f"WITH part AS (SELECT {column} AS v FROM objects WHERE {condition} "
        f"AND NOT isnan({column})), span AS (SELECT min(v) AS low, max(v) AS high FROM part) "
        "SELECT floor(120 * (v - low) / (high - low + 1e-30)), count(*) FROM part, span GROUP BY 1"
    ).fetchall()


class StockNeighbors:
    """NumPy over a table of float32 latents: the first rows of the store, as many as are quick.

    Parameters
    ----------
    store : Store
        N objects.
    """

    def __init__(self, store: Store) -> None:
        self.n_rows = min(_N_SAMPLED_LATENTS, store.n_objects)
        self.share = self.n_rows / store.n_objects
        self.table = store.latents(np.arange(self.n_rows))

    def nearest(self, place: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the 50 rows nearest to a place, (128,), among those of the table."""
        difference = self.table - place
        squares = np.einsum("ij,ij->i", difference, difference)
        return np.argpartition(squares, min(50, self.n_rows - 1))[:50]


def _canvas(viewport: Viewport) -> ds.Canvas:
    return ds.Canvas(
        viewport.width, viewport.height, (viewport.x0, viewport.x1), (viewport.y0, viewport.y1)
    )


def _store_rows(plane: Plane) -> Any:
    return slice(0, len(plane)) if plane.rows is None else plane.rows
