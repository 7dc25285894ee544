"""The table of the selection: one page at a time, sorted on the server, ids as text."""

import math
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.session import PAGE_ROWS, Session
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.catalog.store import Store

LABELS = {
    "score_rank": "Rank",
    "target_id": "TARGETID",
    "score_mse": "Score",
    "score_percentile": "Percentile",
    "worst_arm": "Band",
    "arm_residual_b": "rB",
    "arm_residual_r": "rR",
    "arm_residual_z": "rZ",
    "snr": "S/N",
    "redshift": "z",
    "spectype": "Class",
    "population": "Population",
    "survey": "Survey",
    "injected_type": "Injected (simulated)",
    "peak_wavelength": "Peak Å",
    "ra_deg": "RA °",
    "dec_deg": "Dec °",
}
TEXT = frozenset({"target_id", "worst_arm", "spectype", "population", "survey", "injected_type"})
TABLE_CSS = """
:host{display:block;height:100%;} .table{height:100%;display:flex;flex-direction:column;}
.scroll{overflow:auto;flex:1 1 auto;min-height:0;}
table{border-collapse:collapse;width:100%;font-size:12px;}
th{position:sticky;top:0;background:var(--panel);border-bottom:1px solid var(--grid);padding:0;
z-index:1;} th button{all:unset;display:block;box-sizing:border-box;width:100%;cursor:pointer;
padding:5px 9px;color:var(--muted);font-weight:500;white-space:nowrap;text-align:inherit;}
th button:hover,th button.sorted{color:var(--text);} th button:focus-visible{outline:1px solid
var(--accent);} td{padding:3px 9px;white-space:nowrap;border-bottom:1px solid var(--grid);}
.right{text-align:right;} .left{text-align:left;} td[data-column=target_id]{font-family:
var(--mono);} tbody tr{cursor:pointer;} tbody tr:hover td{background:var(--raised);}
tbody tr.focus td{background:var(--raised);box-shadow:inset 0 1px var(--accent),inset 0 -1px
var(--accent);} tr:focus-visible{outline:1px solid var(--accent);outline-offset:-1px;}
.pager{display:flex;align-items:center;gap:6px;padding:4px 8px;color:var(--muted);
font-size:12px;flex:none;} .pager button{all:unset;cursor:pointer;padding:0 9px;line-height:22px;
border:1px solid var(--grid);border-radius:5px;color:var(--text);}
.pager button:disabled{opacity:.35;cursor:default;} .caption{margin-left:6px;}
"""


def format_cell(name: str, value: Any) -> str:
    """Return the text of a cell: ids in full, numbers to four digits, nothing for null and NaN.

    >>> format_cell("target_id", 4611686018427387905), format_cell("redshift", 0.5)
    ('4611686018427387905', '0.5000')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if name in ("redshift", "arm_residual_b", "arm_residual_r", "arm_residual_z"):
        return f"{value:.4f}"
    if name in ("ra_deg", "dec_deg"):
        return f"{value:.5f}"
    if name == "peak_wavelength":
        return f"{value:.1f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def describe_columns(store: Store, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Return name, label, meaning with unit, and alignment of each column."""
    described = []
    for name in names:
        column = store.describe(name)
        meaning, unit = column.meaning, f" [{column.unit}]" if column.unit else ""
        align = "left" if name in TEXT else "right"
        described.append({"name": name, "label": LABELS[name], "meaning": meaning + unit,
                          "align": align})  # fmt: skip
    return described


class TableGrid(JSComponent):
    """One page of text cells in the browser; tells the server what was clicked."""

    columns = param.List(doc="Name, label, meaning and alignment of each column.")
    records = param.List(doc="Row number and cells of each line of the page.")
    sort_by = param.String(doc="Column the page is sorted by.")
    is_descending = param.Boolean(doc="Whether the largest comes first.")
    page = param.Integer(doc="Page, from 0.")
    n_pages = param.Integer(doc="Number of pages.")
    caption = param.String(doc="What the table counts.")
    focus = param.Integer(default=None, allow_None=True, doc="Store row in focus.")
    version = param.Integer(doc="Counts the pages sent, so that each is drawn once.")

    _esm = Path(__file__).parent / "table.js"

    def __init__(self, on_message: Any, **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        self._on_message(message)


class TableView(pn.viewable.Viewer):
    """The table bound to a session.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self.columns = describe_columns(session.store, self._columns_of(session))
        self.grid = TableGrid(
            self._on_message, columns=self.columns, sizing_mode="stretch_both",
            min_height=160, css_classes=["object-table"], stylesheets=[BASE_CSS, TABLE_CSS],
        )  # fmt: skip
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Send the page the state asks for."""
        state = self.session.state
        records, n_rows = self.session.page()
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

    @staticmethod
    def _columns_of(session: Session) -> tuple[str, ...]:
        known = set(session.store.column_names)
        hidden = set() if session.store.manifest.simulated else {"injected_type"}
        return tuple(name for name in LABELS if name in known - hidden)
