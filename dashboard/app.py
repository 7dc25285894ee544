"""One wired page: state, views, and what a change of the one does to the others."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.engine.catalog.store import Store

from .browser import Browser
from .connection import Connection
from .detail import Detail
from .drawer import Drawer
from .explainer import Explainer
from .idle import untie_page
from .keeper import Keeper, Kept
from .keys import MEANINGS, bind_keys
from .latest import Latest
from .live import LiveInspector
from .material import material_theme
from .painter import Painter
from .session import Session
from .sidebar import Sidebar
from .state import ExplorerState
from .theme import DARK, LIGHT, Palette
from .tick import Tick
from .views.brush import BrushView
from .views.coloring import ColoringView
from .views.export import ExportView
from .views.facts import FactsView
from .views.header import HeaderView
from .views.help import HelpView
from .views.map import Limits, MapView
from .views.spectrum import SpectrumView
from .views.stack import StackView
from .views.table import TableView, format_cell

_LOG = logging.getLogger(__name__)
TITLE = "DESI Anomaly Explorer"
SIDEBAR_WIDTH = 222
HEADER_HEIGHT = 49
# The page is one screen: the columns scroll, the page does not.
PAGE_CSS = f"""
:host {{ height: calc(100vh - {HEADER_HEIGHT}px); padding: 8px; box-sizing: border-box;
gap: 10px; overflow: hidden; flex-wrap: nowrap; }}
"""
# The page waits under a veil until all of it is laid out: it can be used from its first picture on.
VEIL_CSS = "#loader { background: none !important; pointer-events: none; }"
COLUMN_CSS = ":host { min-width: 0; min-height: 0; height: 100%; gap: 6px; flex-wrap: nowrap; }"


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
    keeper : Keeper, optional
        Keeps undo and selection where the other processes find them.
    """

    def __init__(
        self,
        store: Store,
        live: LiveInspector,
        is_dark: bool = True,
        keeper: Keeper | None = None,
    ) -> None:
        palette = DARK if is_dark else LIGHT
        self.store, self.live = store, live
        self.state = ExplorerState()
        self.session = Session(store, self.state)
        self._tick, self._rows = Tick(), Painter(self.session.frames.pool)
        self._loaded = Latest(live.pool)
        self.header = HeaderView(self.session)
        self._session_id = session_id()
        self.export = ExportView(self.session, self._session_id)
        self.connection = Connection(session_id=self._session_id)
        self.brush = BrushView(self.session)
        self.sidebar = Sidebar(self.session, palette)
        self.maps = [
            MapView(self.session, name, self.describe, palette) for name in ("umap", "score_snr")
        ]
        self.coloring = ColoringView(self.session)
        self.table = TableView(self.session)
        self.spectrum = SpectrumView(palette=palette)
        self.facts = FactsView()
        self.stack = StackView(palette=palette)
        self.detail = Detail(self.session, live, (self.spectrum, self.facts, self.stack))
        self.explainer = Explainer(self.session, live, self.spectrum)
        self.spectrum.on_show = self.explainer.show
        self.drawer = Drawer(
            self.session, live, self.detail, (self.table, self.stack, self.explainer)
        )
        self.browser = Browser(bind_keys(self))
        self.page = self._lay_out(is_dark)
        untie_page(self.page)
        self._connect()
        self.browser.paint(palette)
        self.header.repaint(palette)
        self._show_device()
        self._keep(keeper)
        pn.state.on_session_destroyed(self.close)

    def describe(self, row: int) -> str:
        """Return the text shown when the mouse rests on an object."""
        names = ("target_id", "spectype", "redshift", "score_mse", "worst_arm", "sigma_astro",
                 "winning_statistic", "injected_type")  # fmt: skip
        facts = self.store.records([row], names)[0]
        kind = facts["spectype"] or "unclassified"
        lines = [
            str(facts["target_id"]),
            f"{kind} z {format_cell('redshift', facts['redshift']) or '–'}",
            f"score {format_cell('score_mse', facts['score_mse'])} · band {facts['worst_arm']}",
        ]
        if facts["sigma_astro"] is not None:
            lines.append(f"{facts['sigma_astro']:.2f} σ · {facts['winning_statistic'] or '–'}")
        if facts["injected_type"]:
            lines.append(f"simulated {facts['injected_type']}")
        return "\n".join(lines)

    def repaint(self, palette: Palette) -> None:
        """Change the colours of every view."""
        self.browser.paint(palette)
        self.header.repaint(palette)
        for view in self.maps:
            view.repaint(palette)
        for view in (self.spectrum, self.stack):
            view.palette = palette
        self.sidebar.repaint(palette)

    def step_focus(self, step: int) -> None:
        """Focus the next object of the table (step 1) or the one before (-1), page by page."""
        state, grid = self.state, self.table.grid
        rows = [line["row"] for line in grid.records]
        if state.focus not in rows:
            state.focus = rows[0] if rows else None
            return
        at = rows.index(state.focus) + step
        if not 0 <= at < len(rows):
            if not 0 <= state.page + step < grid.n_pages:
                return
            state.page += step
            rows = [line["row"] for line in self.session.page(("target_id",))[0]]
            at = 0 if step > 0 else -1
        state.focus = rows[at]

    def _lay_out(self, is_dark: bool) -> pmui.Page:
        self._map_row = pn.Row(
            *self.maps, sizing_mode="stretch_both", stylesheets=[COLUMN_CSS], min_height=220
        )
        left = pn.Column(
            self.brush, self.coloring, self._map_row, self.drawer.tabs, sizing_mode="stretch_both",
            stylesheets=[COLUMN_CSS], styles={"flex": "1 1 56%"},
        )  # fmt: skip
        right = pn.Column(
            self.spectrum, self.explainer.note, self.facts, sizing_mode="stretch_both",
            scroll="y-auto", stylesheets=[COLUMN_CSS], styles={"flex": "1 1 44%"},
        )  # fmt: skip
        return pmui.Page(
            title=TITLE, sidebar=[self.sidebar.column],
            header=[self.header, self.export, HelpView(MEANINGS), self.browser, self.connection],
            main=[pn.Row(left, right, sizing_mode="stretch_both", stylesheets=[PAGE_CSS])],
            sidebar_width=SIDEBAR_WIDTH, dark_theme=is_dark, theme_toggle=True,
            theme_config=material_theme(), busy_indicator="linear",
            raw_css=[VEIL_CSS],
        )  # fmt: skip

    def _connect(self) -> None:
        state = self.state
        soon = self._tick.soon
        state.param.watch(lambda *_: soon("rows", self._draw_rows), [*state.FILTERS, "selection"])
        state.param.watch(
            lambda *_: soon("table", self._count_rows), ["sort_by", "is_descending", "page"]
        )
        state.param.watch(self._on_focus, "focus")
        state.param.watch(self._on_plane, "plane")
        state.param.watch(lambda *_: soon("colors", self._recolor), "coloring")
        for view in self.maps:
            view.on_frame = self._on_frame_of(view)
        self.header.search.param.watch(self._on_search, "enter_pressed")
        self.page.param.watch(
            lambda event: soon("paint", lambda: self.repaint(DARK if event.new else LIGHT)),
            "dark_theme",
        )

    def _draw_rows(self) -> None:
        for view in self.maps:
            view.restart()
        self._count_rows()

    def _count_rows(self) -> None:
        self._rows.ask(lambda: self.session.prepare(self.table.names), self._show_rows)

    def _show_rows(self, done: "Future[Any]") -> None:
        """Write counts and table, once what they ask for was worked out off the loop."""
        if (error := done.exception()) is not None:
            _LOG.error("what is shown could not be counted", exc_info=error)
            return
        for view in (self.table, self.brush, self.export):
            view.refresh()

    def _recolor(self) -> None:
        self.coloring.show_legend(None)
        for view in self.maps:
            view.recolor()

    def _on_frame_of(self, view: MapView) -> Callable[[Limits], None]:
        """Return what a new frame of a map changes: the legend is that of the first on screen."""

        def on_frame(limits: Limits) -> None:
            if self.session.frames.can_mark:  # it would keep the compiler of the marks waiting
                self._await_device()
            if view is next(each for each in self.maps if each.is_visible):
                self.coloring.show_legend(limits)

        return on_frame

    def _on_focus(self, *_: Any) -> None:
        self._tick.soon("focus", self._show_focus)

    def _show_focus(self) -> None:
        """Read what is in focus, and meanwhile write what is known of it: in one message."""
        row = self.state.focus
        self.detail.show_object(row)
        for view in (*self.maps, self.table):
            view.mark_focus(row)
        self._show_device()

    def _on_plane(self, *_: Any) -> None:
        for view in self.maps:
            view.is_visible = self.state.plane in ("", view.plane_name)

    def _on_search(self, *_: Any) -> None:
        self.detail.find(self.header.search.value_input)

    def _keep(self, keeper: Keeper | None) -> None:
        """Go on where another process left this session, and let others go on from here."""
        if keeper is not None and self._session_id:
            kept = Kept(keeper, self._session_id, self.state)
            pn.state.curdoc.on_event("document_ready", kept.refresh)
            pn.state.curdoc.on_event("document_ready", self.export.refresh)

    def _await_device(self) -> None:
        """Load the model once the first picture is out, marks and all; the header says where."""
        if not self._loaded.number:
            self._loaded.ask(lambda _: self.live.load().exception(), lambda _: self._show_device())

    def close(self, *_: Any) -> None:
        """Want no answers any more: the session ended."""
        self._loaded.cancel()
        self._rows.cancel()
        for part in (self.detail, self.explainer, self.drawer, self.sidebar):
            part.close()
        for view in self.maps:
            view.close()

    def _show_device(self) -> None:
        self.header.show_device(self.live.device)
        self.spectrum.device = self.live.device


def session_id() -> str:
    """Return the id of the Bokeh session being made or served; empty outside a server."""
    document = pn.state.curdoc
    context = None if document is None else document.session_context
    return "" if context is None else context.id
