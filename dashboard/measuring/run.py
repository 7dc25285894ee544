"""One run over a store: every step, and what is said on the way."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from anomaly_explorer.dashboard.startup import take_short_turns
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.raster import warm_up

from .drawing import PLANES, frame_figures
from .gestures import histogram_figures, hover_figures, lasso_figures
from .memory import private_mib
from .spectra import click_figures, neighbor_figures
from .timing import time_once
from .visit import Visit

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What is to be measured.

    Parameters
    ----------
    store : Path
        The folder.
    spectra, weights : Path, optional
        Of the click and the stack; see `Settings`.
    has_stock : bool
        Whether the stock ways are measured beside ours.
    enough : float
        Seconds after which a series of gestures is long enough.
    """

    store: Path
    spectra: Path | None = None
    weights: Path | None = None
    has_stock: bool = True
    enough: float = 1.5


def measure_store(wish: Wish, tell: Tell = lambda *_: None) -> dict[str, float]:
    """Measure the steps of the server over a store.

    Parameters
    ----------
    wish : Wish
    tell : callable
        Told (title, done, total) before each step.

    Returns
    -------
    dict of str to float
        Figures by name: ``_ms`` in milliseconds, ``_bytes``, ``_mib``; ``<name>_stock`` is the
        stock way to the same answer.

    Raises
    ------
    StoreError
        The folder is no complete store.
    """
    began = time.monotonic()
    take_short_turns()  # as a server does
    opened: list[Store] = []
    opening = time_once(lambda: opened.append(Store.open(wish.store)))
    store = opened[0]
    figures = {"rows": float(store.n_objects), "cores": float(_n_cores()), "open_ms": opening}
    for name in PLANES:
        warm_up(store.plane(name))
    visit = Visit(store, wish.has_stock, wish.enough)
    steps: dict[str, Callable[[], dict[str, float]]] = {
        "frames": lambda: frame_figures(visit),
        "lasso": lambda: lasso_figures(visit),
        "hover": lambda: hover_figures(visit),
        "histograms": lambda: histogram_figures(visit),
        "neighbors": lambda: neighbor_figures(visit),
        "spectra": lambda: click_figures(visit, wish.spectra, wish.weights),
    }
    for done, (name, step) in enumerate(steps.items()):
        tell(f"measuring {name}", done, len(steps))
        figures |= step()
        if name == "frames":
            figures["private_mib_after_frames"] = private_mib()
    tell("measured", len(steps), len(steps))
    figures["seconds"] = time.monotonic() - began
    return figures


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
