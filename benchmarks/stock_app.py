"""A HoloViews app over the rows of a store: `python -m benchmarks.stock_app STORE KIND LOD W H`."""

import sys
from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
from holoviews.operation import histogram
from holoviews.operation.datashader import rasterize

from anomaly_explorer.engine.catalog.store import Store

RASTERIZE, LINKED = "rasterize", "link_selections"
AS_INSTALLED = 500


def table_of(store: Store) -> pd.DataFrame:
    """Return position and score of all objects, as a person would load them."""
    plane = store.plane("umap")
    rows = slice(0, len(plane)) if plane.rows is None else plane.rows
    score = np.log10(np.maximum(store.column("score_mse")[rows], 1e-6))
    return pd.DataFrame({"x": np.array(plane.x), "y": np.array(plane.y), "score": score})


def make_page(table: pd.DataFrame, kind: str, lod_timeout: int, size: tuple[int, int]) -> Any:
    """Return the app of one session."""

    def hold(plot: Any, _: Any) -> None:
        plot.state.lod_timeout = lod_timeout

    data = hv.Dataset(table)
    points = hv.Points(data, ["x", "y"])
    look = hv.opts.Image(
        frame_width=size[0], frame_height=size[1], tools=["lasso_select", "box_select"],
        active_tools=["wheel_zoom", "pan"], cnorm="log", hooks=[hold],
    )  # fmt: skip
    picture = rasterize(points).opts(look)
    if kind == RASTERIZE:
        return pn.panel(picture)
    bars = histogram(data, dimension="score", num_bins=120)
    return pn.panel(hv.link_selections.instance()(picture + bars))


def main() -> None:
    """Serve until the process is ended."""
    store, kind, lod_timeout, width, height = sys.argv[1:]
    hv.extension("bokeh")
    table = table_of(Store.open(Path(store)))
    size = int(width), int(height)
    server = pn.serve(
        lambda: make_page(table, kind, int(lod_timeout), size), port=0, show=False, start=False,
        websocket_origin="*", verbose=False,
    )  # fmt: skip
    server.start()
    print(f"http://localhost:{server.port}", flush=True)
    server.io_loop.start()


if __name__ == "__main__":
    main()
