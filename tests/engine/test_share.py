"""Counts of a part, copied where it is the whole, are what Datashader counts."""

import datashader as ds
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane import pyramid, share
from anomaly_explorer.engine.plane.grid import Span, Window
from anomaly_explorer.engine.plane.lasso import mask_box
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.pyramid import Pyramids
from anomaly_explorer.engine.plane.raster import Drawing, draw_raster
from anomaly_explorer.engine.plane.viewport import Viewport

sides = st.sampled_from([1, 2, 3, 16, 24, 48, 64, 256])
edges = st.floats(-13, 13)
boxes = st.tuples(edges, edges, edges, edges).map(
    lambda b: (min(b[:2]), max(b[:2]), min(b[2:]), max(b[2:]))
)


def base_of(plane, width, height):
    return Window(plane.cells.square, Span(width, 0, width), Span(height, 0, height))


@given(st.tuples(sides, sides), st.sampled_from([0.0, 0.3, 1.0]), boxes, st.booleans())
def test_any_part_counts_as_if_it_was_drawn(clumpy_plane, size, share_shown, box, is_outer):
    base = base_of(clumpy_plane, *size)
    whole = Mask.of_bools(np.random.default_rng(1).random(3000) < share_shown)
    inside = mask_box(clumpy_plane, *box)
    part = whole - inside if is_outer else whole & inside
    words = [clumpy_plane.words(mask) for mask in (part, whole)]
    (counts,) = draw_raster(Drawing(clumpy_plane, words[1]), base)
    (found,) = share.draw_part(Drawing(clumpy_plane, words[0]), base, words[1], counts)
    (expected,) = draw_raster(Drawing(clumpy_plane, words[0]), base)
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, expected)


def test_whole_cells_are_copied_and_not_drawn(clumpy_plane, monkeypatch):
    base = base_of(clumpy_plane, 64, 64)
    words = clumpy_plane.words(Mask.all(3000))
    (counts,) = draw_raster(Drawing(clumpy_plane, words), base)
    drawn = []
    draw = share.draw_ranges
    monkeypatch.setattr(
        share, "draw_ranges", lambda d, b, ranges: drawn.append(ranges) or draw(d, b, ranges)
    )
    (found,) = share.draw_part(Drawing(clumpy_plane, words), base, words, counts)
    np.testing.assert_array_equal(found, counts)
    assert [len(ranges) for ranges in drawn] == [0]


@pytest.mark.parametrize("side", ["umap", "score_snr"])
def test_a_selection_is_drawn_alike_with_and_without_the_whole(random_store, side, monkeypatch):
    monkeypatch.setattr(pyramid, "FEW_ROWS", -1)
    plane = random_store.plane(side)
    shown = Mask.of_bools(random_store.column("population") == 1)
    umap = random_store.plane("umap")
    x, y = (np.median(np.asarray(values)) for values in (umap.x, umap.y))
    selected = shown & mask_box(umap, -np.inf, float(x), float(y), np.inf)
    window = pyramid.snap(plane.cells.square, Viewport(*plane.extent, 300, 200))
    apart, shared = Pyramids(), Pyramids()
    shared.counts(plane, window, shown)
    found = shared.counts(plane, window, selected, whole=shown)
    np.testing.assert_array_equal(found, apart.counts(plane, window, selected))
    expected = window.canvas().points(frame_of(plane, selected), "x", "y", ds.count())
    np.testing.assert_array_equal(found, expected.to_numpy())
    assert found.any()


def frame_of(plane, mask):
    rows = np.arange(len(plane)) if plane.rows is None else np.asarray(plane.rows)
    kept = mask.has(rows)
    return pd.DataFrame({"x": np.asarray(plane.x)[kept], "y": np.asarray(plane.y)[kept]})
