"""One wired page: state, views, and what a change of the one does to the others."""

from concurrent.futures import Future
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError

from .browser import Browser
from .keys import bind_keys
from .live import Latest, LiveInspector
from .material import material_theme
from .session import Session
from .state import ExplorerState
from .theme import DARK, LIGHT, Palette
from .tick import Tick
from .views.brush import BrushView
from .views.facts import FactsView
from .views.filters import FiltersView
from .views.header import HeaderView
from .views.map import MapView
from .views.spectrum import SpectrumView
from .views.stack import StackView
from .views.table import TableView, format_cell

TITLE = "DESI Anomaly Explorer"
SIDEBAR_WIDTH = 222
HEADER_HEIGHT = 49
# The page is one screen: the columns scroll, the page does not.
PAGE_CSS = f"""
:host {{ height: calc(100vh - {HEADER_HEIGHT}px); padding: 8px; box-sizing: border-box;
gap: 10px; overflow: hidden; flex-wrap: nowrap; }}
"""
COLUMN_CSS = ":host { min-width: 0; min-height: 0; height: 100%; gap: 6px; flex-wrap: nowrap; }"
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
        self._tick = Tick()
        self._objects, self._stacks = Latest(live.pool), Latest(live.pool)
        self.header = HeaderView(self.session)
        self.brush = BrushView(self.session)
        self.filters = FiltersView(self.session)
        self.maps = [
            MapView(self.session, name, self.describe, palette) for name in ("umap", "score_snr")
        ]
        self.table = TableView(self.session)
        self.spectrum = SpectrumView(palette=palette)
        self.facts = FactsView()
        self.stack = StackView(palette=palette)
        self.browser = Browser(bind_keys(self))
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
        self.browser.paint(palette)
        for view in self.maps:
            view.repaint(palette)
        for view in (self.spectrum, self.stack):
            view.palette = palette

    def step_focus(self, step: int) -> None:
        """Focus the next object of the table (step 1) or the one before (step -1)."""
        rows = [line["row"] for line in self.table.grid.records]
        if self.state.focus in rows:
            at = rows.index(self.state.focus) + step
            if 0 <= at < len(rows):
                self.state.focus = rows[at]
        elif rows:
            self.state.focus = rows[0]

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
        self._map_row = pn.Row(
            *self.maps, sizing_mode="stretch_both", stylesheets=[COLUMN_CSS], min_height=220
        )
        scrolling = pn.Column(self.stack, sizing_mode="stretch_both", scroll="y-auto")
        drawer = pmui.Tabs(
            ("Table", self.table), ("Stack of the selection", scrolling), height=300,
            sizing_mode="stretch_width", dynamic=False,
        )  # fmt: skip
        left = pn.Column(
            self.brush, self._map_row, drawer, sizing_mode="stretch_both", stylesheets=[COLUMN_CSS],
            styles={"flex": "1 1 56%"},
        )  # fmt: skip
        right = pn.Column(
            self.spectrum, self.facts, sizing_mode="stretch_both", scroll="y-auto",
            stylesheets=[COLUMN_CSS], styles={"flex": "1 1 44%"},
        )  # fmt: skip
        return pmui.Page(
            title=TITLE, header=[self.header, self.browser], sidebar=[self.filters],
            main=[pn.Row(left, right, sizing_mode="stretch_both", stylesheets=[PAGE_CSS])],
            sidebar_width=SIDEBAR_WIDTH, dark_theme=is_dark, theme_toggle=True,
            theme_config=material_theme(), busy_indicator="linear",
        )  # fmt: skip

    def _connect(self) -> None:
        state = self.state
        soon = self._tick.soon
        state.param.watch(lambda *_: soon("rows", self._draw_rows), [*state.FILTERS, "selection"])
        state.param.watch(self.table.refresh, ["sort_by", "is_descending", "page"])
        state.param.watch(self._on_focus, "focus")
        state.param.watch(self._on_plane, "plane")
        state.param.watch(self._on_selection, "selection")
        self.header.search.param.watch(lambda event: self.find(event.new), "value")
        self.page.param.watch(
            lambda event: soon("paint", lambda: self.repaint(DARK if event.new else LIGHT)),
            "dark_theme",
        )

    def _draw_rows(self) -> None:
        for view in self.maps:
            view.redraw()
        self.table.refresh()
        self.brush.refresh()

    def _on_focus(self, *_: Any) -> None:
        row = self.state.focus
        self._tick.soon("focus", lambda: [view.mark_focus(row) for view in self.maps])
        self.table.mark_focus(row)
        if row is None:
            return
        facts = self.store.records([row])[0]
        self.facts.show(facts, self.store.manifest.ranked.get(facts["population"]))
        self._objects.ask(lambda: self.live.inspector().inspect(row), self._show_object)

    def _show_object(self, future: "Future[Any]") -> None:
        error = future.exception()
        if isinstance(error, ExplorerError):
            self.spectrum.show(None, str(error))
        else:
            self.spectrum.show(future.result())
        self._show_device()

    def _on_plane(self, *_: Any) -> None:
        for view in self.maps:
            view.is_visible = self.state.plane in ("", view.plane_name)

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
        self._show_device()
        loaded = Latest(self.live.pool)
        pn.state.onload(
            lambda: loaded.ask(lambda: self.live.load().exception(), lambda _: self._show_device())
        )

    def _show_device(self) -> None:
        self.header.show_device(self.live.device)
        self.spectrum.device = self.live.device
