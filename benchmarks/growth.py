"""A plane of ten times the objects, positions only, and what becomes of a frame."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.dashboard.measuring.path import whole
from anomaly_explorer.dashboard.measuring.timing import time_each
from anomaly_explorer.dashboard.picture import Layers, compose_picture
from anomaly_explorer.engine.plane.cells import COORDINATE_BITS, choose_level, morton_codes
from anomaly_explorer.engine.plane.grid import Window, snap
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.pyramid import Pyramids
from anomaly_explorer.engine.plane.raster import warm_up
from anomaly_explorer.engine.plane.viewport import Viewport

TIMES = 10
# Source rows multiplied at a time, whole cells of the source's index.
_CHUNK = 500_000
# Of the objects a tier × arm filter keeps; a coarse pattern, as kept filters of tiers are.
_KEPT = 0.03
# Share of the plane's width that a person has zoomed to.
_ZOOM = 0.03
_N_RUNS = 15


def growth_figures(plane: Plane, scratch: Path, times: int = TIMES) -> dict[str, float]:
    """Measure frames of a plane, and of one with `times` as many objects spread the same way.

    Parameters
    ----------
    plane : Plane
        N' objects.
    scratch : Path
        Folder to write the large plane to: 8 bytes an object.
    times : int
        How many objects stand for one.

    Returns
    -------
    dict of str to float
        ``growth_<frame>_ms``, ``growth_<frame>_ms_times10`` and their ``_ratio``.
    """
    large = multiply(plane, scratch / "multiplied", times)
    small_ms, large_ms = _frames(plane), _frames(large)
    figures = {"growth_rows": float(len(large)), "growth_rows_before": float(len(plane))}
    for name, before in small_ms.items():
        figures[f"growth_{name}_ms"] = before
        figures[f"growth_{name}_ms_times{times}"] = large_ms[name]
        figures[f"growth_{name}_ratio"] = large_ms[name] / before
    return figures


def multiply(plane: Plane, path: Path, times: int) -> Plane:
    """Write a plane in which each object is `times` objects of its own cell, in map order.

    The whole is never in memory, and never sorted as a whole: copies stay in the cell of the
    source's index, and cells follow each other as before.
    """
    path.mkdir(parents=True)
    n = times * len(plane)
    square, level = plane.cells.square, choose_level(n)
    counts = np.zeros(4**level, np.int64)
    shift = np.uint64(2 * (COORDINATE_BITS - level))
    written = [
        np.lib.format.open_memmap(path / f"{name}.npy", "w+", np.float32, (n,)) for name in "xy"
    ]
    done = 0
    for xs, ys in _jittered(plane, times):
        codes = morton_codes(*square.quantize(xs, ys))
        order = np.argsort(codes)
        for to, values in zip(written, (xs, ys), strict=True):
            to[done : done + len(order)] = values[order]
        cells, n_each = np.unique(codes >> shift, return_counts=True)
        counts[cells.astype(np.int64)] += n_each
        done += len(order)
    np.save(path / "cells.npy", np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    facts = {
        "name": "multiplied", "x_label": plane.x_label, "y_label": plane.y_label,
        "extent": plane.extent, "n_without_position": 0, "has_rows": False, "level": level,
        "square": {"x0": square.x0, "y0": square.y0, "size": square.size},
    }  # fmt: skip
    (path / "plane.json").write_text(json.dumps(facts))
    del written
    return Plane.open(path)


def _jittered(plane: Plane, times: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Yield the copies of whole cells of the source, (M,) each, within their cells."""
    rng = np.random.default_rng(1)
    square, offsets = plane.cells.square, plane.cells.offsets
    side = square.size / 2**plane.cells.level
    cuts = np.searchsorted(offsets, np.arange(_CHUNK, len(plane), _CHUNK))
    stops = np.unique([*offsets[cuts], len(plane)])
    for first, stop in zip([0, *stops[:-1]], stops, strict=True):
        copies = []
        for values, corner in ((plane.x, square.x0), (plane.y, square.y0)):
            many = np.repeat(values[first:stop].astype(np.float64), times)
            cell = np.clip(np.floor((many - corner) / side), 0, 2**plane.cells.level - 1)
            moved = many + rng.normal(0, 0.3 * side, len(many))
            low = corner + side * cell
            # Rounding to float32 must not lead into the next cell.
            inner = np.clip(moved, low + 0.01 * side, low + 0.99 * side).astype(np.float32)
            copies.append(square.settle(inner))
        yield copies[0], copies[1]


def _frames(plane: Plane) -> dict[str, float]:
    """Return milliseconds of frames, pyramids kept, and of the raster of a new filter."""
    warm_up(plane)
    pyramids, full = Pyramids(), whole(plane)
    near = _zoomed(plane, full)
    kept = _blocks(plane, 1)
    found = {}
    for name, viewport, mask in (
        ("unfiltered", full, None), ("tier", full, kept), ("zoomed", near, None),
        ("zoomed_tier", near, kept),
    ):  # fmt: skip
        window = snap(plane.cells.square, viewport)
        draw = partial(_draw, pyramids, plane, window, mask)
        draw()
        times = time_each((draw for _ in range(_N_RUNS)), 2.0, 5)
        found[name] = float(np.median(times))
    window = snap(plane.cells.square, full)
    new = [_blocks(plane, seed) for seed in (2, 3, 4)]
    fresh = time_each((partial(pyramids.counts, plane, window, mask) for mask in new), 60.0)
    found["new_filter"] = float(np.median(fresh))
    return found


def _draw(pyramids: Pyramids, plane: Plane, window: Window, mask: Mask | None) -> NDArray[np.uint8]:
    """Return the picture of a window: what is shown over what is not."""
    visible = pyramids.counts(plane, window, mask)
    context = pyramids.counts(plane, window) - visible
    nothing = np.zeros_like(visible), np.full(visible.shape, np.nan, np.float32)
    return compose_picture(Layers(context, visible, *nothing))


def _zoomed(plane: Plane, full: Viewport) -> Viewport:
    at = float(plane.x[len(plane) // 2]), float(plane.y[len(plane) // 2])
    half = _ZOOM * (full.x1 - full.x0) / 2, _ZOOM * (full.y1 - full.y0) / 2
    return Viewport(
        at[0] - half[0], at[0] + half[0], at[1] - half[1], at[1] + half[1], full.width, full.height
    )


def _blocks(plane: Plane, seed: int) -> Mask:
    """Return a mask of scattered rows, drawn a part at a time."""
    rng, n = np.random.default_rng(seed), plane.n_store_rows
    kept = _KEPT if seed == 1 else 0.5
    truths = np.empty(n, np.bool_)
    for start in range(0, n, 10_000_000):
        stop = min(start + 10_000_000, n)
        truths[start:stop] = rng.random(stop - start, np.float32) < kept
    return Mask.of_bools(truths)
