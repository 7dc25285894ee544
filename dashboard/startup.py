"""What a server does while the browser loads its first page, and what it leaves for later.

It listens as soon as it can make a page; Datashader, which the page does not need, is imported and
compiled while the browser reads its scripts, and the model after the first picture. Imports make a
million objects and hardly any garbage: a start that looks for it takes a third longer, so that
nothing is looked for until all is loaded.
"""

import gc
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.raster import warm_up
from anomaly_explorer.engine.plane.viewport import Viewport

from .frames import frames_of
from .live import LiveInspector
from .session import Session
from .state import ExplorerState

# This long after a first picture can be drawn, whoever waited for the server has seen one.
_LATER_SECONDS = 5.0
# Python's own is 5 ms, which a thread would wait for the loop a dozen times a frame.
_TURN_SECONDS = 5e-4
# Of a map on a screen of middle size, in pixels.
SIZE = (760, 560)


def begin(store: Store) -> None:
    """Find in a thread what a page opens with, while what it is made of is imported.

    Not before a fork: a thread would be missing after it.
    """
    session = Session(store, ExplorerState())
    frames_of(store).pool.submit(session.prepare, ("target_id",))


def prepare(live: LiveInspector, loop: Any) -> None:
    """Compile what draws marks, in a thread, and load the rest and the model after it.

    The first picture need not wait for it: it is drawn again when marks can be.

    Parameters
    ----------
    live : LiveInspector
    loop : tornado.ioloop.IOLoop
        About to start.
    """
    frames = frames_of(live.store)
    plane, pool = live.store.plane("umap"), frames.pool
    take_short_turns()

    def load_rest() -> None:
        try:
            draw_ahead(live.store)
            warm_up(plane, "sum")
            look_once(live)
            for name in ("anomaly_explorer.dashboard.stack_figure", "scipy.ndimage"):
                import_module(name)
        finally:
            settle()

    def wait(_: Any) -> None:
        loop.add_callback(loop.call_later, _LATER_SECONDS, lambda: pool.submit(load_rest))

    pool.submit(warm_up, plane, "count")
    frames.compiling = pool.submit(warm_up, plane, "max")
    frames.compiling.add_done_callback(wait)


def take_short_turns() -> None:
    """Let threads that have drawn wait less for the others than Python lets them."""
    sys.setswitchinterval(_TURN_SECONDS)


def draw_ahead(store: Store) -> None:
    """Draw, behind all else, what zooming into the map as it opens will need."""
    frames, plane = frames_of(store), store.plane("umap")
    viewport, mask = Viewport(*plane.extent, *SIZE), Session(store, ExplorerState()).mask
    frames.idle.submit(frames.draw_ahead, plane, viewport, mask, lambda: True)


def look_once(live: LiveInspector) -> None:
    """Load the models, inspect one object and explain it: the first click waits for its own alone.

    What takes long is imported by it, as nothing of it is needed before.
    """
    with suppress(ExplorerError):  # no model, or spectra that are not there: who clicks is told
        inspection = live.inspector().inspect(0)
        from anomaly_explorer.engine.explain.explanation import explain
        from anomaly_explorer.engine.explain.note import write_note

        write_note(explain(inspection, 1, live.measurer()))


def settle() -> None:
    """Look for garbage from now on, but not in what the start has made."""
    gc.collect()
    gc.freeze()
    gc.enable()
