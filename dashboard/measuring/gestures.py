"""Gestures that ask for rows: lasso, mouse at rest, brush on a histogram."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from anomaly_explorer.dashboard.grid import shown_columns
from anomaly_explorer.engine.plane.lasso import mask_polygon
from anomaly_explorer.engine.plane.plane import Plane

from .drawing import PLANES, draw
from .path import walk, whole
from .stock import (
    StockHover,
    StockLasso,
    duck_histogram,
    duck_table,
    vaex_histogram,
    vaex_table,
)
from .timing import middle, middle_and_tail, time_each, time_once
from .visit import Visit, random_ranges, wave_lasso

# Shares of the plane's width that lassos reach; pixels within which an object is picked.
_REACHES = (0.03, 0.1, 0.3)
_PICK_PIXELS = 9
_N_PICKS = 60
_N_BRUSHES = 8


def lasso_figures(visit: Visit) -> dict[str, float]:
    """Measure lassos of several sizes: the mask alone, and everything that follows a release."""
    session, plane = visit.session, visit.session.plane("umap")
    lassos = _lassos(plane)
    # What was not compiled, and what the frames before drove from memory, is not the lasso's.
    first = time_once(_release(visit, plane, lassos[0]))
    masks = time_each((lambda at=at: mask_polygon(plane, *at) for at in lassos), visit.enough, 9)
    largest = lassos[-1]
    released = time_each((_release(visit, plane, at) for at in lassos), 2 * visit.enough, 9)
    figures = {
        "lasso_first_ms": first,
        "lasso_mask_ms": middle(masks),
        "lasso_mask_ms_max": max(masks),
        "lasso_rows_max": float(mask_polygon(plane, *largest).count),
    } | middle_and_tail("lasso_ms", released)
    if visit.has_stock and StockLasso.is_there():
        stock = StockLasso(plane)
        times = time_each((lambda at=at: stock.inside(*at) for at in lassos), 4 * visit.enough, 3)
        figures |= {"lasso_mask_ms_stock": middle(times), "lasso_mask_ms_max_stock": max(times)}
    session.state.clear_selection()
    return figures


def hover_figures(visit: Visit) -> dict[str, float]:
    """Measure what names the object under the mouse; stock draws which row each pixel shows."""
    session = visit.session
    rng = np.random.default_rng(5)
    picks: list[Callable[[], Any]] = []
    for name in PLANES:
        plane = session.plane(name)
        for viewport in walk(plane, seed=2):
            at = (rng.uniform(viewport.x0, viewport.x1), rng.uniform(viewport.y0, viewport.y1))
            reach = (_PICK_PIXELS * viewport.pixel_width, _PICK_PIXELS * viewport.pixel_height)
            picks.append(lambda p=plane, at=at, r=reach: _name(visit, p, at, r))
    figures = middle_and_tail("hover_ms", time_each(picks[:_N_PICKS], visit.enough, 20))
    figures["hover_ms"] = figures["hover_ms_p50"]
    if visit.has_stock:
        plane = session.plane("umap")
        stock = StockHover(plane, visit.store.column("score_mse"))
        times = time_each((lambda: stock.draw(whole(plane)) for _ in range(4)), visit.enough, 2)
        figures["hover_ms_stock"] = min(times)
    return figures


def histogram_figures(visit: Visit) -> dict[str, float]:
    """Measure the histograms under a new filter, and a brush until every view has its answer."""
    session = visit.session
    names = tuple(session.frames.histograms)
    histograms, brushes = [], []
    for number in range(_N_BRUSHES):
        session.state.ranges = random_ranges(visit.store, 100 + number)
        _ = session.mask
        histograms += time_each((lambda n=n: session.histogram(n) for n in names), visit.enough)
    for number in range(_N_BRUSHES):
        brushes += time_each([_brush(visit, names, number)], visit.enough)
    figures = {"histogram_ms": middle(histograms)} | middle_and_tail("brush_ms", brushes)
    session.state.ranges = ()
    return figures | (_stock_histograms(visit, names) if visit.has_stock else {})


def _stock_histograms(visit: Visit, names: tuple[str, ...]) -> dict[str, float]:
    """Measure 120 bins of each column under a range, by vaex and, where installed, by DuckDB."""
    limits = [random_ranges(visit.store, 100 + number)[0] for number in range(2)]
    conditions = [f"({name} >= {low!r}) & ({name} <= {high!r})" for name, low, high in limits]
    figures = {}
    asked = list(product(conditions, names))
    spans = {name: _span(visit, name) for name in names}
    with vaex_table(visit.store) as table:
        times = time_each(
            (lambda c=c, n=n: vaex_histogram(table, n, c, spans[n]) for c, n in asked), visit.enough
        )
        figures["histogram_ms_stock"] = middle(times)
    with duck_table(visit.store) as connection:
        if connection is not None:
            times = time_each(
                (lambda c=c, n=n: duck_histogram(connection, n, c.replace("&", "AND"))
                 for c, n in asked), visit.enough,
            )  # fmt: skip
            figures["histogram_ms_duckdb"] = middle(times)
    return figures


def _lassos(plane: Plane) -> list[tuple[list[float], list[float]]]:
    x0, x1, y0, y1 = plane.extent
    middles = [len(plane) // 2, len(plane) // 3, 2 * len(plane) // 3]
    return [
        wave_lasso((float(plane.x[i]), float(plane.y[i])), (r * (x1 - x0), r * (y1 - y0)))
        for r in _REACHES
        for i in middles
    ]


def _release(visit: Visit, plane: Plane, at: tuple[list[float], list[float]]) -> Any:
    """Return what follows a release: count, both pictures with the highlight, the table's page."""

    def follow() -> None:
        session = visit.session
        session.brush_polygon(plane, *at)
        _answer(visit)

    return follow


def _brush(visit: Visit, names: tuple[str, ...], number: int) -> Any:
    """Return what follows a brush on a histogram: count, pictures, histograms, the page."""

    def follow() -> None:
        visit.session.state.ranges = random_ranges(visit.store, 200 + number)
        _answer(visit)
        for name in names:
            visit.session.histogram(name)

    return follow


def _answer(visit: Visit) -> None:
    session = visit.session
    # Both maps are drawn in the pool of the page, while its loop counts and fills the table.
    planes = [session.plane(name) for name in PLANES]
    pictures = [session.frames.pool.submit(draw, session, p, whole(p)) for p in planes]
    _ = session.n_selected, session.n_shown
    session.page(shown_columns(visit.store))
    for picture in pictures:
        picture.result()


def _name(visit: Visit, plane: Plane, at: tuple[float, float], reach: tuple[float, float]) -> None:
    row = visit.session.pick(plane, at, reach)
    if row is not None:
        visit.store.records([row], ("target_id", "spectype", "redshift", "score_mse"))


def _span(visit: Visit, column: str) -> tuple[float, float]:
    """Return the least and the largest value of a column; 0 and 1 where it has none."""
    values = visit.store.column(column)
    low, high = np.fmin.reduce(values), np.fmax.reduce(values)
    return (0.0, 1.0) if np.isnan(low) else (float(low), float(high))
