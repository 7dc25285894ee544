"""The table of the selection: one page at a time, sorted on the server, ids as text."""

import math
from typing import Any

import panel as pn

from anomaly_explorer.dashboard.grid import (
    GRID_CSS,
    TableGrid,
    describe_columns,
    format_cell,
    shown_columns,
)
from anomaly_explorer.dashboard.session import PAGE_ROWS, Session
from anomaly_explorer.dashboard.theme import BASE_CSS


class TableView(pn.viewable.Viewer):
    """The table bound to a session.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self.names = shown_columns(session.store)
        self.columns = describe_columns(session.store, self.names)
        self.grid = TableGrid(
            self._on_message, columns=self.columns, sizing_mode="stretch_both",
            min_height=160, css_classes=["object-table"], stylesheets=[BASE_CSS, GRID_CSS],
        )  # fmt: skip
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Send the page the state asks for."""
        state = self.session.state
        records, n_rows = self.session.page(self.names)
        lines = [
            {"row": r["row"],
             "cells": [format_cell(c["name"], r.get(c["name"])) for c in self.columns]}
            for r in records
        ]  # fmt: skip
        self.grid.param.update(
            records=lines, sort_by=state.sort_by, is_descending=state.is_descending,
            page=state.page, n_pages=max(1, math.ceil(n_rows / PAGE_ROWS)),
            caption=self._caption(n_rows), focus=state.focus, version=self.grid.version + 1,
        )  # fmt: skip

    def mark_focus(self, row: int | None) -> None:
        """Mark the line of the object in focus, if it is on the page."""
        self.grid.focus = row

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the grid."""
        return self.grid

    def _caption(self, n_rows: int) -> str:
        session = self.session
        first = session.state.page * PAGE_ROWS
        last = min(first + PAGE_ROWS, n_rows)
        what = "selected" if session.state.selection.count else "shown"
        if n_rows == 0:
            return f"no {session.population_label} {what}: widen the filters or clear the selection"
        return f"{first + 1:,}–{last:,} of {n_rows:,} {what} · {session.population_label}"

    def _on_message(self, message: Any) -> None:
        state = self.session.state
        kind = message.get("type")
        if kind == "sort" and message.get("column") in {c["name"] for c in self.columns}:
            state.sort(message["column"])
        elif kind == "focus" and isinstance(message.get("row"), int):
            if 0 <= message["row"] < self.session.store.n_objects:
                state.focus = message["row"]
        elif kind == "page" and message.get("by") in (-1, 1):
            state.page = min(max(0, state.page + message["by"]), self.grid.n_pages - 1)
