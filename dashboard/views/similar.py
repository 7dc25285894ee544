"""The objects most like the one in focus: nearest in latent space, exactly."""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.controls import BUTTON, CHIPS
from anomaly_explorer.dashboard.errand import Errand, Report
from anomaly_explorer.dashboard.grid import (
    GRID_CSS,
    TableGrid,
    describe_columns,
    format_cell,
    shown_columns,
)
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ALL
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.dashboard.words import POPULATION_PHRASES
from anomaly_explorer.engine.catalog.schema import N_LATENTS
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.mask import Mask

if TYPE_CHECKING:
    from anomaly_explorer.engine.embedding.neighbors import Neighbors

    # With the record of each, and the seconds it took.
    Found = tuple[Neighbors, list[dict[str, Any]], float]

N_NEAREST = 50
DISTANCE = "distance"
AMONG = {"Shown": "shown", "All": "all"}
HINT = "Focus an object, then press f to find the objects most like it."
_LOG = logging.getLogger(__name__)
_DESCRIBED = {
    "name": DISTANCE, "label": "Distance", "align": "right",
    "meaning": "Euclidean distance of the latents",
}  # fmt: skip


def describe_search(found: "Neighbors", population: str, seconds: float) -> str:
    """Return what was searched and how long it took, in words."""
    return (
        f"{len(found.rows)} nearest of {found.n_searched:,} {population} in {N_LATENTS} latents, "
        f"{seconds:.1f} s"
    )


class SimilarView(pn.viewable.Viewer):
    """The nearest objects of the one in focus, searched while they are on screen.

    Parameters
    ----------
    session : Session
    live : LiveInspector
        Closed when the server stops.

    Attributes
    ----------
    is_visible : bool
        Nothing is searched while it is False.
    """

    def __init__(self, session: Session, live: LiveInspector, **params: Any) -> None:
        super().__init__(**params)
        self.session, self.is_visible = session, False
        self._errand = Errand(live, self._tell)
        self._asked: tuple[int, Mask | None] | None = None
        self._records: list[dict[str, Any]] = []
        columns = [_DESCRIBED, *describe_columns(session.store, shown_columns(session.store))]
        self.grid = TableGrid(
            self._on_message, columns=columns, sort_by=DISTANCE, sizing_mode="stretch_both",
            min_height=120, css_classes=["similar-table"], stylesheets=[BASE_CSS, GRID_CSS],
        )  # fmt: skip
        self._make_controls()
        self.show(None, HINT)

    def _make_controls(self) -> None:
        button = {"size": "small", "variant": "outlined", "sx": BUTTON, "align": "center",
                  "margin": (0, 4)}  # fmt: skip
        self._among = pmui.RadioButtonGroup(
            options=AMONG, value="shown", size="small", sx=CHIPS, align="center", margin=(0, 8),
            css_classes=["similar-among"],
        )  # fmt: skip
        self._again = pmui.Button(label="Of the focus (f)", **button)
        self._select = pmui.Button(label="Select them", **button)
        self._cancel = pmui.Button(label="Cancel", visible=False, **button)
        self._among.param.watch(lambda _: self.search(), "value")
        self._again.on_click(lambda _: self.search())
        self._select.on_click(lambda _: self._select_them())
        self._cancel.on_click(lambda _: self._stop())

    def refresh(self, *_: Any) -> None:
        """Search again when the focus or what is searched changed, and it is on screen.

        A focus out of the list keeps the list, so that a person can go through it.
        """
        focus = self.session.state.focus
        self.grid.focus = focus
        if not self.is_visible or focus is None:
            return
        asked = self._asked
        is_same_place = asked is not None and asked[1] is self._searched
        is_listed = asked is not None and (
            focus == asked[0] or any(record["row"] == focus for record in self._records)
        )
        if not (is_same_place and is_listed):
            self.search()

    def search(self) -> None:
        """Find the nearest of the object in focus, in place of what is listed."""
        focus = self.session.state.focus
        self._errand.cancel()
        if focus is None:
            self._asked = None
            self.show(None, HINT)
            return
        store, mask = self.session.store, self._searched
        self._asked = (focus, mask)

        def job(report: Report) -> "Found":
            start = time.perf_counter()
            found = store.nearest(focus, N_NEAREST, mask, report)
            return found, store.records(found.rows), time.perf_counter() - start

        self._say(
            f"Searching the latents of {(mask or Mask.all(store.n_objects)).count:,} objects…"
        )
        self._cancel.visible = True
        self._errand.start(job, self._deliver)

    def show(
        self, found: "tuple[Neighbors, list[dict[str, Any]], float] | None", message: str = ""
    ) -> None:
        """Show what was found; None shows only the message."""
        self._cancel.visible = False
        self._records = []
        if found is not None:
            neighbors, records, seconds = found
            rows, distances = neighbors.rows.tolist(), neighbors.distances.tolist()
            self._records = [
                {"row": row, DISTANCE: distance, **record}
                for row, distance, record in zip(rows, distances, records, strict=True)
            ]
            message = describe_search(neighbors, self._population, seconds)
        self.grid.caption = message
        self._send(DISTANCE, is_descending=False)

    def close(self) -> None:
        """Want no answer any more."""
        self._errand.cancel()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the list under what is said of it."""
        head = pn.Row(
            self._among, self._again, self._select, self._cancel, margin=(4, 0, 0, 0), height=32
        )
        return pn.Column(head, self.grid, sizing_mode="stretch_both", margin=0)

    @property
    def _searched(self) -> Mask | None:
        return self.session.mask if self._among.value == "shown" else None

    @property
    def _population(self) -> str:
        is_shown = self._among.value == "shown"
        return self.session.shown_label if is_shown else POPULATION_PHRASES[ALL]

    def _send(self, column: str, is_descending: bool) -> None:
        """Send the list, sorted by a column; those without a value last."""
        records = sorted(self._records, key=lambda r: _sort_key(r[column]), reverse=is_descending)
        records.sort(key=lambda r: r[column] is None)
        names = [each["name"] for each in self.grid.columns]
        lines = [
            {"row": r["row"], "cells": [format_cell(name, r.get(name)) for name in names]}
            for r in records
        ]
        self.grid.param.update(
            records=lines, sort_by=column, is_descending=is_descending, n_pages=1,
            focus=self.session.state.focus, version=self.grid.version + 1,
        )  # fmt: skip

    def _on_message(self, message: Mapping[str, Any]) -> None:
        kind, column = message.get("type"), message.get("column")
        if kind == "sort" and column in {each["name"] for each in self.grid.columns}:
            turned = column == self.grid.sort_by and not self.grid.is_descending
            self._send(column, is_descending=turned)
        elif kind == "focus" and message.get("row") in {r["row"] for r in self._records}:
            self.session.state.focus = message["row"]

    def _select_them(self) -> None:
        if not self._records:
            return
        rows = np.array([record["row"] for record in self._records], np.int64)
        self.session.state.selection = Mask.of_rows(rows, self.session.store.n_objects)

    def _deliver(self, done: "Future[Any]") -> None:
        error = done.exception()
        if error is None:
            self.show(done.result())
        elif isinstance(error, ExplorerError):
            self.show(None, str(error))
        else:
            _LOG.error("the nearest objects could not be found", exc_info=error)
            self.show(None, "The search failed; the server's log says why.")

    def _stop(self) -> None:
        self._errand.cancel()
        self._cancel.visible = False
        self._say("Stopped.")

    def _tell(self, done: int, total: int) -> None:
        self._say(f"{done:,} of {total:,} objects searched…")

    def _say(self, message: str) -> None:
        self.grid.param.update(caption=message, version=self.grid.version + 1)


def _sort_key(value: Any) -> Any:
    return (value is not None, value if value is not None else 0)
