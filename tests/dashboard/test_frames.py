"""Pictures by category are those Datashader draws of the same objects."""

import datashader as ds
import numpy as np
import pandas as pd
import pytest

from anomaly_explorer.dashboard.frames import COMMONEST, Frames
from anomaly_explorer.engine.catalog.filters import Range
from anomaly_explorer.engine.plane.grid import snap
from anomaly_explorer.engine.plane.viewport import Viewport


@pytest.mark.parametrize("name", ["umap", "score_snr"])
@pytest.mark.parametrize("seed", range(5))
def test_categories_are_counted_as_datashader_counts_them(random_store, name, seed):
    rng = np.random.default_rng(seed)
    plane, frames = random_store.plane(name), Frames(random_store)
    clause, some = Range("snr", rng.uniform(0, 3), None), (rng.uniform(0, 0.3), rng.uniform(0.7, 1))
    limits = [float(v) for values in (plane.x, plane.y) for v in np.quantile(values, some)]
    size = rng.integers(2, 60, size=2).tolist()
    window = snap(plane.cells.square, Viewport(*limits, *size))
    found = frames.category_counts(plane, window, (clause,), "spectype")
    rows = np.arange(len(plane)) if plane.rows is None else plane.rows
    legend = random_store.legend("spectype")
    codes = pd.Categorical.from_codes(random_store.column("spectype")[rows], list(legend))
    frame = pd.DataFrame({"x": np.array(plane.x), "y": np.array(plane.y), "class": codes})
    frame = frame[clause.mask(random_store).has(rows) & frame["class"].notna()]
    drawn = window.canvas().points(frame, "x", "y", ds.by("class", ds.count())).to_numpy()
    np.testing.assert_array_equal(found, np.moveaxis(drawn, -1, 0))
    commonest = frames.colors(plane, window, (clause,), (COMMONEST, "spectype"))
    assert found.any()
    np.testing.assert_array_equal(np.isnan(commonest), ~found.any(axis=0))
    most = np.take_along_axis(found, np.nan_to_num(commonest)[None].astype(int), axis=0)[0]
    np.testing.assert_array_equal(most, found.max(axis=0))
