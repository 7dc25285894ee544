"""The raster of the visible rows of a mask is the one Datashader draws from all of them."""

import datashader as ds
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.plane import counts, pyramid, raster
from anomaly_explorer.engine.plane.grid import Span, Window, snap
from anomaly_explorer.engine.plane.lasso import mask_box
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.pyramid import Pyramids
from anomaly_explorer.engine.plane.raster import Values, warm_up
from anomaly_explorer.engine.plane.viewport import Viewport

centres = st.floats(-12, 12)
spans = st.floats(-9, 6).map(lambda e: 2.0**e)
sizes = st.integers(1, 900)
viewports = st.builds(
    lambda x, y, w, h, width, height: Viewport(x - w, x + w, y - h, y + h, width, height),
    centres, centres, spans, spans, sizes, sizes,
)  # fmt: skip
shares = st.sampled_from([0.0, 0.002, 0.3, 0.9, 1.0])
masks = st.none() | st.builds(
    lambda seed, share: Mask.of_bools(np.random.default_rng(seed).random(3000) < share),
    st.integers(0, 2**32), shares,
)  # fmt: skip
VALUES = np.random.default_rng(5).lognormal(size=3000).astype(np.float32)
VALUES[::50] = np.nan


def all_rows(points, window, mask, values, reduction):
    """Draw every positioned row of a mask in store order."""
    x, y = points
    kept = np.isfinite(x) & np.isfinite(y)
    if mask is not None:
        kept = kept & mask.bools()
    frame = pd.DataFrame({"x": x[kept], "y": y[kept], "value": values[kept]})
    return window.canvas().points(frame, "x", "y", reduction).to_numpy()


WAYS = ("from rows", "from rows in chunks", "from a pyramid", "from blocks")


@pytest.fixture(scope="module", params=WAYS)
def pyramids(request):
    """The ways a window is drawn, with limits low enough for the few objects of a test."""
    coarse, fine = {"from a pyramid": (2**5, 2**10), "from blocks": (1, 1)}.get(
        request.param, (None, None)
    )
    with pytest.MonkeyPatch.context() as patch:
        if request.param != "from rows":
            patch.setattr(raster, "_FEW", 0)
            patch.setattr(counts, "_FEW", 0)
            patch.setattr(raster, "_CHUNK", 700)
        if coarse is not None:
            patch.setattr(pyramid, "FEW_ROWS", -1)
            patch.setattr(pyramid, "FEW_READ", -1)
            patch.setattr(pyramid, "MOST_READ", -1)
            patch.setattr(pyramid, "_COARSE_BASE", coarse)
            patch.setattr(pyramid, "_FINE_BASE", fine)
            patch.setattr(pyramid, "_BLOCK", 2**8)
        yield Pyramids()


@st.composite
def pixels(draw):
    """Neighboring pixels, at most 200, of any level of either kind: 2^k or 3 * 2^(k - 1)."""
    exponent = draw(st.integers(0, 12))
    n = 3 * 2**exponent // 2 if exponent and draw(st.booleans()) else 2**exponent
    first = draw(st.integers(0, n - 1))
    return Span(n, first, draw(st.integers(first + 1, min(n, first + 200))))


@settings(max_examples=60)
@given(st.tuples(pixels(), pixels()), masks)
def test_counts_equal_datashader_over_all_rows(pyramids, clumpy_plane, clumpy_points, spans, mask):
    window = Window(clumpy_plane.cells.square, *spans)
    found = pyramids.counts(clumpy_plane, window, mask)
    assert found.dtype == np.uint32
    expected = all_rows(clumpy_points, window, mask, VALUES, ds.count())
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=30)
@given(st.tuples(pixels(), pixels()), masks)
def test_values_equal_datashader_over_all_rows(pyramids, clumpy_plane, clumpy_points, spans, mask):
    window = Window(clumpy_plane.cells.square, *spans)
    values = Values("value", VALUES)
    found = pyramids.maxima(clumpy_plane, window, values, mask)
    assert found.dtype == np.float32
    expected = all_rows(clumpy_points, window, mask, VALUES, ds.max("value"))
    np.testing.assert_array_equal(found, expected.astype(np.float32))
    found = pyramids.means(clumpy_plane, window, values, mask)
    expected = all_rows(clumpy_points, window, mask, VALUES, ds.mean("value"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(viewports, masks)
def test_any_frame_equals_datashader(clumpy_plane, clumpy_points, viewport, mask):
    window = snap(clumpy_plane.cells.square, viewport)
    expected = all_rows(clumpy_points, window, mask, VALUES, ds.count())
    np.testing.assert_array_equal(Pyramids().counts(clumpy_plane, window, mask), expected)


@given(viewports, masks)
def test_counts_add_up_to_the_objects_in_the_window(clumpy_plane, viewport, mask):
    window = snap(clumpy_plane.cells.square, viewport)
    inside = mask_box(clumpy_plane, *window.limits)
    expected = (inside if mask is None else inside & mask).count
    assert Pyramids().counts(clumpy_plane, window, mask).sum() == expected


def test_objects_on_the_edges_of_pixels_are_drawn_alike_at_every_level(make_plane, pyramids):
    """Sixths of a square, and round numbers to the last bit of a float32 beside them."""
    lattice = np.arange(-12, 13, dtype=np.float32) / np.float32(6)
    around = np.concatenate([lattice, *(np.nextafter(lattice, np.float32(s)) for s in (-9, 9))])
    x, y = (v.ravel() for v in np.meshgrid(around, around))
    plane = make_plane(x, y)
    frame = pd.DataFrame({"x": np.array(plane.x), "y": np.array(plane.y)})
    for width, height in ((900, 700), (6, 48), (31, 96), (12, 7)):
        for limits in ((-2, 2, -2, 2), (0, 1, -1, 0), (-0.5, 2, 1, 1.5)):
            window = snap(plane.cells.square, Viewport(*map(float, limits), width, height))
            expected = window.canvas().points(frame, "x", "y", ds.count()).to_numpy()
            np.testing.assert_array_equal(pyramids.counts(plane, window), expected)


def test_what_was_drawn_ahead_is_what_a_zoom_needs(clumpy_plane, clumpy_points, monkeypatch):
    """Zooms after that draw nothing, and show what Datashader draws."""
    monkeypatch.setattr(pyramid, "FEW_ROWS", -1)
    monkeypatch.setattr(pyramid, "FEW_READ", -1)
    monkeypatch.setattr(pyramid, "MOST_READ", -1)
    monkeypatch.setattr(pyramid, "_COARSE_BASE", 2**6)
    monkeypatch.setattr(pyramid, "_FINE_BASE", 2**9)
    mask = Mask.of_bools(np.random.default_rng(8).random(3000) < 0.4)
    pyramids, square = Pyramids(), clumpy_plane.cells.square
    for base in pyramid.bases_near(square, around_middle(square, 1.0)):
        pyramids.prepare(clumpy_plane, base, mask)
    monkeypatch.setattr(pyramid, "draw_raster", None)
    for share in (1.0, 0.9, 0.6, 0.35, 0.3):
        window = snap(square, around_middle(square, share))
        expected = all_rows(clumpy_points, window, mask, VALUES, ds.count())
        np.testing.assert_array_equal(pyramids.counts(clumpy_plane, window, mask), expected)


def around_middle(square, share):
    x, y, half = square.x0 + square.size / 2, square.y0 + square.size / 2, share * square.size / 2
    return Viewport(x - half, x + half, y - half, y + half, 90, 70)


def test_nothing_is_drawn_ahead_of_windows_beyond_the_bases(clumpy_plane):
    square = clumpy_plane.cells.square
    assert pyramid.bases_near(square, around_middle(square, 1e-7)) == []


def test_integers_are_drawn_without_their_nulls(make_plane):
    plane = make_plane([0.1, 0.1, 0.1], [0.2, 0.2, 0.2])
    window = snap(plane.cells.square, Viewport(0.0, 1.0, 0.0, 1.0, 1, 1))
    values = Values("n", np.array([5, -128, 7], np.int8), -128)
    assert Pyramids().means(plane, window, values).max() == 6
    assert Pyramids().maxima(plane, window, values).max() == 7


def test_store_planes_are_drawn_in_store_order(random_store):
    values = Values("score_mse", random_store.column("score_mse"))
    mask = Mask.of_bools(random_store.column("population") == 1)
    for name in ("umap", "score_snr"):
        plane = random_store.plane(name)
        rows = np.arange(len(plane)) if plane.rows is None else plane.rows
        square = plane.cells.square
        window = snap(square, Viewport(square.x0, square.x0 + square.size, square.y0,
                                       square.y0 + square.size, 30, 20))  # fmt: skip
        assert Pyramids().counts(plane, window, mask).sum() == mask.has(rows).sum() > 0
        picture = Pyramids().maxima(plane, window, values, mask)
        assert np.nanmax(picture) == np.nanmax(values.array[rows][mask.has(rows)])


def test_row_0_of_a_raster_is_the_lowest_y(make_plane):
    plane = make_plane([0.5, 0.9], [0.1, 0.1])
    window = snap(plane.cells.square, Viewport(0.0, 1.0, 0.0, 1.0, 1, 2))
    counts = Pyramids().counts(plane, window)
    assert counts[0].sum() == 2
    assert counts[1:].sum() == 0


def test_rasters_of_nothing_are_zero_and_nan(make_plane):
    plane = make_plane([], [])
    warm_up(plane)
    window = snap(plane.cells.square, Viewport(0.0, 1.0, 0.0, 1.0, 3, 2))
    assert not Pyramids().counts(plane, window).any()
    values = Values("v", np.empty(0, np.float32))
    assert np.isnan(Pyramids().maxima(plane, window, values)).all()
    assert np.isnan(Pyramids().means(plane, window, values)).all()


def test_warm_up_draws_every_kind(clumpy_plane):
    warm_up(clumpy_plane)


@pytest.mark.parametrize("share", [0.0, 0.003, 0.01, 0.5, 1.0])
def test_words_of_few_rows_are_those_of_many(random_store, share):
    """Bits of few rows are set one by one, those of more looked up."""
    plane = random_store.plane("score_snr")
    bools = np.random.default_rng(6).random(random_store.n_objects) < share
    expected = np.zeros(random_store.n_objects, bool)
    expected[: len(plane)] = bools[np.asarray(plane.rows)]
    found = Mask(plane.words(Mask.of_bools(bools)), random_store.n_objects)
    np.testing.assert_array_equal(found.bools(), expected)
