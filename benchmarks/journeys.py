"""End to end in Chromium: wheel, pan, lasso, histogram brush and click, ours and stock."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from anomaly_explorer.dashboard.measuring.memory import private_mib
from anomaly_explorer.dashboard.measuring.timing import middle_and_tail
from anomaly_explorer.dashboard.session import opening_population, population_counts
from anomaly_explorer.engine.catalog.filters import OneOf
from anomaly_explorer.engine.catalog.store import Store

from .chromium import Answer, Tab, chromium, tab
from .served import Served, explorer, stock
from .stock_app import AS_INSTALLED, LINKED, RASTERIZE

MAP, HISTOGRAM = "map-umap", "histogram-score_mse"
SHORT_LOD = 60
# Shares of the frame's smaller side that a lasso reaches.
SMALL, LARGE = 0.05, 0.35
_N_VERTICES = 40


def browser_figures(store: Path, spectra: Path | None, n_gestures: int = 20) -> dict[str, float]:
    """Measure the explorer and the stock apps over one store.

    Parameters
    ----------
    store, spectra : Path
        See `anomaly-explorer serve`.
    n_gestures : int
        Gestures of each kind with ours; half as many of the slow stock ones.

    Returns
    -------
    dict of str to float
        ``<gesture>_ms_p50`` and so on, with ``_stock`` (as installed) and ``_stock_lod60`` twins.
    """
    figures: dict[str, float] = {}
    with chromium() as browser:
        with explorer(store, spectra) as served, tab(browser) as opened:
            figures |= _ours(opened, served, n_gestures)
            figures |= _clicks(opened, Store.open(store), n_gestures)
            at = opened.place(MAP)
            size = int(at["width"]), int(at["height"])
            before = private_mib(served.pid)
            with tab(browser) as second:
                second.open(served.address)
                figures["second_page_ms"] = second.first_picture_ms
                figures["second_page_mib"] = private_mib(served.pid) - before
        for lod_timeout, name in ((AS_INSTALLED, "_stock"), (SHORT_LOD, "_stock_lod60")):
            with stock(store, RASTERIZE, lod_timeout, size) as served, tab(browser) as opened:
                opened.open(served.address)
                figures |= _named(_moves(opened, "", n_gestures // 2), name)
        with stock(store, LINKED, AS_INSTALLED, size) as served, tab(browser) as opened:
            opened.open(served.address)
            found = _lassos(opened, "", max(1, n_gestures // 10), ("image",))
            figures |= _named(found, "_stock")
    return figures


def _ours(opened: Tab, served: Served, n_gestures: int) -> dict[str, float]:
    opened.open(served.address)
    figures = {
        "cold_start_ms": served.start_ms + opened.first_picture_ms,
        "listening_ms": served.start_ms,
        "server_private_mib": private_mib(served.pid),
    }
    opened.page.locator(".planes").get_by_text("Map", exact=True).click()
    opened.settle(1)
    at = opened.place(MAP)
    figures |= {"frame_width": at["width"], "frame_height": at["height"]}
    figures |= _moves(opened, MAP, n_gestures)
    figures |= _lassos(opened, MAP, n_gestures // 2, (f"image {MAP}", "counts", "table"))
    figures |= _brushes(opened, n_gestures)
    return figures | _filtered_wheels(opened, n_gestures)


def _moves(opened: Tab, name: str, n_gestures: int) -> dict[str, float]:
    """Measure wheel ticks towards the middle and back, and pans."""
    mouse, (x, y), pans = opened.page.mouse, _middle(opened, name), []
    answers = list(_wheels(opened, name, n_gestures + 2))[2:]  # the first draw what is kept after
    wheels = [answer.first("image") for answer in answers]
    opened.use("PanTool", name)
    for number in range(n_gestures // 2):
        way = 60 if number % 2 else -60
        answer = opened.do(lambda way=way: _drag(mouse, (x, y), (x + way, y + way / 2)), ("image",))
        pans.append(answer.last_ms)
    return _percentiles("wheel_ms", wheels) | _percentiles("pan_ms", pans) | _bytes(answers)


def _wheels(opened: Tab, name: str, n_ticks: int) -> Iterator[Answer]:
    """Turn the wheel, five ticks in and five out again."""
    opened.page.mouse.move(*_middle(opened, name))
    for number in range(n_ticks):
        step = -240 if number % 10 < 5 else 240
        yield opened.do(lambda step=step: opened.page.mouse.wheel(0, step), ("image",))


def _middle(opened: Tab, name: str) -> tuple[float, float]:
    at = opened.place(name)
    return at["left"] + 0.45 * at["width"], at["top"] + 0.55 * at["height"]


def _lassos(opened: Tab, name: str, n_gestures: int, kinds: tuple[str, ...]) -> dict[str, float]:
    """Measure from the release of a lasso until the last of some kinds was painted."""
    if not opened.use("LassoSelectTool", name):
        return {}
    figures: dict[str, float] = {}
    at = opened.place(name)
    for what, share in (("small", SMALL), ("large", LARGE)):
        found = []
        for number in range(n_gestures + bool(name)):
            path = list(_ring(at, share, number))
            answer = opened.do(lambda path=path: _draw(opened.page.mouse, path), kinds, most=60)
            if number or not name:  # ours compiles with the first one
                found.append(answer.until(*kinds) if name else answer.last_ms or None)
        figures |= _percentiles(f"lasso_{what}_ms", found)
    return figures


def _brushes(opened: Tab, n_gestures: int) -> dict[str, float]:
    """Measure from the release of a brush on the score's histogram until every view has changed."""
    at, found = opened.place(HISTOGRAM), []
    y = at["top"] + at["height"] / 2
    kinds = (f"image {MAP}", "bars", "counts", "table")
    for number in range(n_gestures):
        x = at["left"] + at["width"] * (0.1 + 0.3 * number / n_gestures)
        to = x + 0.4 * at["width"]
        answer = opened.do(lambda x=x, to=to: _drag(opened.page.mouse, (x, y), (to, y)), kinds)
        found.append(answer.until(*kinds))
    opened.page.mouse.dblclick(at["left"] + at["width"] / 2, y)
    opened.settle(1)
    return _percentiles("brush_ms", found)


def _filtered_wheels(opened: Tab, n_gestures: int) -> dict[str, float]:
    """Measure wheel ticks under ranges of the score that nobody has asked for before."""
    at, found = opened.place(HISTOGRAM), []
    y = at["top"] + at["height"] / 2
    for number in range(2):
        x, to = (at["left"] + share * at["width"] for share in (0.21 + 0.1 * number, 0.83))
        opened.do(lambda x=x, to=to: _drag(opened.page.mouse, (x, y), (to, y)), (f"image {MAP}",))
        for answer in _wheels(opened, MAP, n_gestures // 2):
            found.append(answer.first("image"))
    opened.page.mouse.dblclick(at["left"] + at["width"] / 2, y)
    opened.settle(1)
    return _percentiles("wheel_filtered_ms", found)


def _clicks(opened: Tab, store: Store, n_gestures: int) -> dict[str, float]:
    """Measure clicks on objects until the spectrum was painted; none where nothing can be read."""
    opened.page.mouse.dblclick(*_middle(opened, MAP))  # the whole map: few are left after zooms
    opened.settle(1)
    at, found = opened.place(MAP), []
    opened.use("PanTool", MAP)
    for number, (x, y) in enumerate(_objects_on_screen(store, at, n_gestures + 1)):
        answer = opened.do(lambda x=x, y=y: opened.page.mouse.click(x, y), ("spectrum",), most=3)
        if number:  # the first one waits for the model and for what is compiled
            found.append(answer.first("spectrum"))
    return _percentiles("click_ms", found)


def _objects_on_screen(store: Store, at: dict[str, float], n: int) -> Iterator[tuple[float, float]]:
    """Yield where n of the objects that a page opens with are on screen."""
    plane, rng = store.plane("umap"), np.random.default_rng(6)
    opening = opening_population(population_counts(store))
    is_shown = OneOf("population", (opening,)).mask(store)
    while n:
        row = int(rng.integers(store.n_objects))
        position = plane.position(row) if is_shown.has(np.array([row]))[0] else None
        if position is None:
            continue
        x = (position[0] - at["x0"]) / (at["x1"] - at["x0"])
        y = (at["y1"] - position[1]) / (at["y1"] - at["y0"])
        if 0.02 < x < 0.98 and 0.02 < y < 0.98:
            n -= 1
            yield at["left"] + x * at["width"], at["top"] + y * at["height"]


def _ring(at: dict[str, float], share: float, number: int) -> Iterator[tuple[float, float]]:
    rng = np.random.default_rng(number)
    x = at["left"] + at["width"] * rng.uniform(0.4, 0.6)
    y = at["top"] + at["height"] * rng.uniform(0.4, 0.6)
    reach = share * min(at["width"], at["height"])
    for angle in np.linspace(0, 2 * np.pi, _N_VERTICES, endpoint=False):
        yield x + reach * float(np.cos(angle)), y + reach * float(np.sin(angle))


def _draw(mouse: Any, path: list[tuple[float, float]]) -> None:
    mouse.move(*path[0])
    mouse.down()
    for at in path[1:]:
        mouse.move(*at)
    mouse.up()


def _drag(mouse: Any, first: tuple[float, float], last: tuple[float, float]) -> None:
    mouse.move(*first)
    mouse.down()
    mouse.move(*last, steps=6)
    mouse.up()


def _bytes(answers: list[Answer]) -> dict[str, float]:
    raw = [answer.n_bytes for answer in answers]
    deflated = [answer.n_deflated for answer in answers]
    return {
        "wheel_bytes_p95": float(np.percentile(raw, 95)),
        "wheel_bytes_deflated_p95": float(np.percentile(deflated, 95)),
    }


def _percentiles(name: str, found: list[float | None]) -> dict[str, float]:
    """Return percentiles of what came, and how many never did."""
    known = [ms for ms in found if ms is not None]
    figures = middle_and_tail(name, known) if known else {}
    return figures | {f"{name}_n": float(len(known)), f"{name}_missed": float(
        len(found) - len(known))}  # fmt: skip


def _named(figures: dict[str, float], suffix: str) -> dict[str, float]:
    return {name + suffix: value for name, value in figures.items()}
