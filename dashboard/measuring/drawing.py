"""Frames: milliseconds and bytes of the pictures of a walk over the map."""

import zlib
from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.dashboard.picture import compose_picture
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

from .path import walk, whole
from .stock import StockMap
from .timing import middle, middle_and_tail, time_each, time_once
from .visit import Visit, random_ranges

PLANES = ("umap", "score_snr")
_N_STOCK = 6


def draw(session: Session, plane: Plane, viewport: Viewport) -> NDArray[np.uint8]:
    """Return the picture of a viewport as the server sends it, (H, W) uint8."""
    return compose_picture(session.layers(plane, viewport))


def bytes_sent(picture: NDArray[np.uint8]) -> int:
    """Return the bytes of a picture on the wire: deflated at level 1, as the server does.

    Examples
    --------
    >>> bytes_sent(np.zeros((700, 900), np.uint8)) < 3000
    True
    """
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(deflate.compress(picture.tobytes()) + deflate.flush())


def frame_figures(visit: Visit) -> dict[str, float]:
    """Measure frames without filter or under tier and arm, under ranges, and coloured."""
    figures: dict[str, float] = {}
    figures |= _simple(visit)
    figures |= _filtered(visit)
    figures |= _colored(visit)
    return figures


def _simple(visit: Visit) -> dict[str, float]:
    """Measure frames of everything and of tier and arm: the first ones apart, pyramids kept."""
    session, enough = visit.session, visit.enough
    fresh, kept, sizes, stock = [], [], [], []
    for tier, arms in (("", ()), *visit.tiers_and_arms()):
        session.state.param.update(tier=tier, arms=arms, ranges=())
        for name in PLANES:
            plane = session.plane(name)
            fresh.append(time_once(lambda plane=plane: draw(session, plane, whole(plane))))
            kept += time_each(_frames(visit, plane, sizes), enough)
            if visit.has_stock and len(stock) < 4 * _N_STOCK:
                stock += _stock_frames(session, plane, enough)
    figures = middle_and_tail("frame_ms", kept) | middle_and_tail("frame_fresh_ms", fresh)
    figures["frame_bytes_p95"] = float(round(np.percentile(sizes, 95)))
    if stock:
        figures |= _named_stock(middle_and_tail("frame_ms", stock))
        # HoloViews sends the counts themselves, four bytes a pixel, and does not deflate them.
        figures["frame_bytes_p95_stock"] = 4.0 * visit.n_pixels
    return figures


def _filtered(visit: Visit) -> dict[str, float]:
    """Measure frames under ranges of columns: a new filter, then a walk, and again."""
    session = visit.session
    fresh, every, stock = [], [], []
    for number in range(visit.n_filters):
        # What was drawn before the filter was new is there, as it is for a person.
        session.state.param.update(tier="", arms=(), ranges=random_ranges(visit.store, number))
        plane = session.plane(PLANES[number % 2])
        first = time_once(lambda plane=plane: draw(session, plane, whole(plane)))
        fresh.append(first)
        walked = _frames(visit, plane, [], seed=number)
        every += [first, *time_each(islice(walked, 10), visit.enough)]
        if visit.has_stock and number < 2:
            stock += _stock_frames(session, plane, visit.enough)
    session.state.ranges = ()
    figures = middle_and_tail("frame_filtered_ms", every)
    figures |= middle_and_tail("frame_filtered_fresh_ms", fresh)
    return figures | (_named_stock(middle_and_tail("frame_filtered_ms", stock)) if stock else {})


def _colored(visit: Visit) -> dict[str, float]:
    """Measure frames coloured by a mean, a maximum and a category."""
    session, plane = visit.session, visit.session.plane("umap")
    fresh, kept, stock = [], [], []
    for coloring in visit.colorings():
        session.state.coloring = coloring
        fresh.append(time_once(lambda: draw(session, plane, whole(plane))))
        walked = walk(plane, seed=3)
        kept += time_each((lambda v=v: draw(session, plane, v) for v in walked), visit.enough)
    session.state.coloring = None
    if visit.has_stock:
        mean = StockMap(plane, None, visit.session.store.column("snr"))
        stock = time_each((lambda v=v: mean.draw(v) for v in walk(plane, seed=3)), visit.enough)
    figures = middle_and_tail("frame_colored_ms", kept)
    figures["frame_colored_fresh_ms"] = middle(fresh)
    return figures | (_named_stock(middle_and_tail("frame_colored_ms", stock)) if stock else {})


def _frames(
    visit: Visit, plane: Plane, sizes: list[int], seed: int = 1
) -> Iterator[Callable[[], None]]:
    """Yield what draws each frame of a walk; the bytes are counted between the runs."""
    pictures: list[NDArray[np.uint8]] = []
    for viewport in walk(plane, seed):
        yield lambda viewport=viewport: pictures.append(draw(visit.session, plane, viewport))
        sizes.append(bytes_sent(pictures.pop()))


def _stock_frames(session: Session, plane: Plane, enough: float) -> list[float]:
    """Return the milliseconds of Datashader over all rows that the filters show."""
    stock = StockMap(plane, session.mask)
    viewports = islice(walk(plane, seed=1), 0, None, 3)
    return time_each((lambda v=v: stock.draw(v) for v in islice(viewports, _N_STOCK)), enough)


def _named_stock(figures: dict[str, float]) -> dict[str, float]:
    return {f"{name}_stock": value for name, value in figures.items()}
