"""The picture of the visible rows is the picture of all rows, bit for bit."""

import datashader as ds
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane.lasso import rows_in_box
from anomaly_explorer.engine.plane.raster import count_raster, max_raster, warm_up
from anomaly_explorer.engine.plane.viewport import Viewport

centres = st.floats(-12, 12)
spans = st.floats(-9, 6).map(lambda e: 2.0**e)
sizes = st.integers(1, 60)
viewports = st.builds(
    lambda x, y, w, h, width, height: Viewport(x - w, x + w, y - h, y + h, width, height),
    centres, centres, spans, spans, sizes, sizes,
)  # fmt: skip
masks = st.none() | st.integers(0, 2**32).map(
    lambda seed: np.random.default_rng(seed).random(3000) < 0.3
)


def all_rows(points, viewport, mask, values, reduction):
    """Draw every positioned row in store order: what the index must not change."""
    x, y = points
    kept = np.isfinite(x) & np.isfinite(y)
    if mask is not None:
        kept &= mask
    frame = pd.DataFrame({"x": x[kept], "y": y[kept], "value": values[kept]})
    canvas = ds.Canvas(
        viewport.width, viewport.height, (viewport.x0, viewport.x1), (viewport.y0, viewport.y1)
    )
    return canvas.points(frame, "x", "y", reduction).to_numpy()


VALUES = np.random.default_rng(5).lognormal(size=3000).astype(np.float32)
VALUES[::50] = np.nan


@given(viewports, masks)
def test_counts_equal_datashader_over_all_rows(clumpy_plane, clumpy_points, viewport, mask):
    expected = all_rows(clumpy_points, viewport, mask, VALUES, ds.count())
    found = count_raster(clumpy_plane, viewport, mask)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)


@given(viewports, masks)
def test_maxima_equal_datashader_over_all_rows(clumpy_plane, clumpy_points, viewport, mask):
    expected = all_rows(clumpy_points, viewport, mask, VALUES, ds.max("value"))
    found = max_raster(clumpy_plane, viewport, VALUES, mask)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected.astype(np.float32))


@given(viewports, masks)
def test_counts_add_up_to_the_objects_in_the_viewport(clumpy_plane, viewport, mask):
    rows = rows_in_box(clumpy_plane, viewport.x0, viewport.x1, viewport.y0, viewport.y1)
    n = len(rows) if mask is None else int(mask[rows].sum())
    assert count_raster(clumpy_plane, viewport, mask).sum() == n


def test_store_planes_are_drawn_in_store_order(random_store):
    values = random_store.column("score_mse")
    mask = random_store.column("population") == 1
    for name in ("umap", "score_snr"):
        plane = random_store.plane(name)
        rows = np.arange(len(plane)) if plane.rows is None else plane.rows
        viewport = Viewport(*plane.extent, 30, 20)
        assert count_raster(plane, viewport, mask).sum() == mask[rows].sum() > 0
        picture = max_raster(plane, viewport, values, mask)
        assert np.nanmax(picture) == np.nanmax(values[rows][mask[rows]])


def test_row_0_of_a_picture_is_the_lowest_y(make_plane):
    plane = make_plane([0.5], [0.1])
    picture = count_raster(plane, Viewport(0, 1, 0, 1, 2, 2))
    assert picture.tolist() == [[0, 1], [0, 0]]


def test_empty_pictures_are_zero_and_nan(make_plane):
    plane = make_plane([], [])
    viewport = Viewport(0, 1, 0, 1, 3, 2)
    assert count_raster(plane, viewport).tolist() == [[0] * 3] * 2
    assert np.isnan(max_raster(plane, viewport, np.empty(0, np.float32))).all()


def test_warm_up_draws_both_kinds(clumpy_plane, make_plane):
    warm_up(clumpy_plane)
    warm_up(make_plane([], []))
