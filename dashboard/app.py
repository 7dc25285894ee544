"""One wired page: state, views, and what a change of the one does to the others."""

from concurrent.futures import Future
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError

from .live import Latest, LiveInspector
from .session import Session
from .state import ExplorerState
from .theme import DARK, LIGHT, Palette
from .views.facts import FactsView
from .views.filters import FiltersView
from .views.header import HeaderView
from .views.map import MapView
from .views.spectrum import SpectrumView
from .views.stack import StackView
from .views.table import TableView, format_cell

TITLE = "DESI Anomaly Explorer"
SIDEBAR_WIDTH = 236
PAGE_CSS = """
.explorer{display:grid!important;grid-template-columns:minmax(0,1fr) minmax(430px,44%);gap:8px;
height:calc(100vh - 68px);padding:8px;box-sizing:border-box;overflow:hidden;}
.left{display:flex;flex-direction:column;min-height:0;min-width:0;gap:8px;}
"""
EMPTY_HINT = "Click an object on the map or in the table to read and reconstruct its spectrum."
STACK_HINT = "Lasso objects on the map to stack their spectra."


class Explorer:
    """One person's page over a store.

    Parameters
    ----------
    store : Store
        Shared, read-only.
    live : LiveInspector
        Shared by all sessions.
    is_dark : bool
        Theme to open with.
    """

    def __init__(self, store: Store, live: LiveInspector, is_dark: bool = True) -> None:
        palette = DARK if is_dark else LIGHT
        self.store, self.live = store, live
        self.state = ExplorerState()
        self.session = Session(store, self.state)
        self._objects, self._stacks = Latest(live.pool), Latest(live.pool)
        self.header = HeaderView(self.session)
        self.filters = FiltersView(self.session, palette)
        self.maps = [
            MapView(self.session, name, self.describe, palette) for name in ("umap", "score_snr")
        ]
        self.table = TableView(self.session, palette)
        self.spectrum = SpectrumView(palette=palette)
        self.facts = FactsView(palette=palette)
        self.stack = StackView(palette=palette)
        self.page = self._lay_out(is_dark)
        self._connect()
        self.repaint(palette)
        self.spectrum.show(None, EMPTY_HINT)
        self.stack.show(None, STACK_HINT)
        self._await_device()

    def describe(self, row: int) -> str:
        """Return the text shown when the mouse rests on an object."""
        names = ("target_id", "spectype", "redshift", "score_mse", "worst_arm", "injected_type")
        facts = self.store.records([row], names)[0]
        kind = facts["spectype"] or "unclassified"
        lines = [
            str(facts["target_id"]),
            f"{kind} z {format_cell('redshift', facts['redshift']) or '–'}",
            f"score {format_cell('score_mse', facts['score_mse'])} · band {facts['worst_arm']}",
        ]
        if facts["injected_type"]:
            lines.append(f"simulated {facts['injected_type']}")
        return "\n".join(lines)

    def repaint(self, palette: Palette) -> None:
        """Change the colours of every view."""
        for view in (*self.maps, self.table, self.filters):
            view.repaint(palette)
        for view in (self.spectrum, self.facts, self.stack):
            view.palette = palette
        self.header.repaint(palette.css())

    def find(self, text: str) -> None:
        """Focus the object with a TARGETID, or say that there is none."""
        cleaned = text.strip()
        if not cleaned:
            return
        is_id = cleaned.lstrip("-").isdigit() and abs(int(cleaned)) < 2**63
        rows = self.store.rows_of_target(int(cleaned)) if is_id else ()
        if len(rows):
            self.state.focus = int(rows[0])
            return
        reason = "is in no object of this store" if is_id else "is no TARGETID (a whole number)"
        self.spectrum.show(None, f"{cleaned[:40]} {reason}.")
        self.facts.show(None)

    def _lay_out(self, is_dark: bool) -> pmui.Page:
        maps = pn.FlexBox(
            *self.maps, flex_wrap="nowrap", sizing_mode="stretch_both", css_classes=["maps"],
            gap="8px",
        )  # fmt: skip
        drawer = pmui.Tabs(
            ("Table", self.table), ("Stack of the selection", self.stack),
            sizing_mode="stretch_both", min_height=250, dynamic=False,
        )  # fmt: skip
        left = pn.Column(maps, drawer, sizing_mode="stretch_both", css_classes=["left"])
        right = pn.Column(
            self.spectrum, self.facts, sizing_mode="stretch_both", scroll="y-auto",
            css_classes=["right"],
        )  # fmt: skip
        return pmui.Page(
            title=TITLE, header=[self.header], sidebar=[self.filters],
            main=[pn.Row(left, right, sizing_mode="stretch_both", css_classes=["explorer"])],
            sidebar_width=SIDEBAR_WIDTH, dark_theme=is_dark, theme_toggle=True,
            busy_indicator="linear",
        )  # fmt: skip

    def _connect(self) -> None:
        state = self.state
        state.param.watch(self._on_rows, [*state.FILTERS, "selection"])
        state.param.watch(self.table.refresh, ["sort_by", "is_descending", "page"])
        state.param.watch(self._on_focus, "focus")
        state.param.watch(self._on_selection, "selection")
        self.header.search.param.watch(lambda event: self.find(event.new), "value")
        self.page.param.watch(
            lambda event: self.repaint(DARK if event.new else LIGHT), "dark_theme"
        )

    def _on_rows(self, *_: Any) -> None:
        for view in self.maps:
            view.redraw()
        self.table.refresh()
        self.header.refresh()

    def _on_focus(self, *_: Any) -> None:
        row = self.state.focus
        for view in self.maps:
            view.mark_focus(row)
        self.table.mark_focus(row)
        if row is None:
            return
        self.facts.show(self.store.records([row])[0])
        self._objects.ask(lambda: self.live.inspector().inspect(row), self._show_object)

    def _show_object(self, future: "Future[Any]") -> None:
        error = future.exception()
        if isinstance(error, ExplorerError):
            self.spectrum.show(None, str(error))
        else:
            self.spectrum.show(future.result())
        self.header.show_device(self.live.device)

    def _on_selection(self, *_: Any) -> None:
        rows = self.session.selected_rows
        if len(rows) == 0:
            self.stack.show(None, STACK_HINT)
            return
        self.stack.show(None, f"Reading {len(rows):,} spectra…")
        number = self._stacks.number + 1

        def job() -> Any:
            from anomaly_explorer.engine.model.stack import stack_rows

            def goes_on(done: int, total: int) -> bool:
                return number == self._stacks.number

            return stack_rows(self.live.inspector(), rows, goes_on)

        self._stacks.ask(job, self._show_stack)

    def _show_stack(self, future: "Future[Any]") -> None:
        error = future.exception()
        if isinstance(error, ExplorerError):
            self.stack.show(None, str(error))
        else:
            self.stack.show(future.result())

    def _await_device(self) -> None:
        """Load the model once the first picture is out; then write its device in the header."""
        self.header.show_device(self.live.device)
        loaded = Latest(self.live.pool)
        pn.state.onload(
            lambda: loaded.ask(
                lambda: self.live.load().exception(),
                lambda _: self.header.show_device(self.live.device),
            )
        )
