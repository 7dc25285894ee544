"""The drawer under the maps: tables and pictures of tabs; only the tab that shows works."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from .detail import Detail
from .explainer import Explainer
from .live import LiveInspector
from .session import Session
from .tick import Tick
from .views.contrast import ContrastView
from .views.similar import SimilarView
from .views.stack import StackView
from .views.table import TableView
from .views.trust import TrustView

TABS = (
    "Table", "Contrast", "Similar", "Stack of the selection", "What if", "Health of sigma"
)  # fmt: skip
_TABLE, _CONTRAST, _SIMILAR, _STACK, _WHAT_IF, _HEALTH = range(6)
HEIGHT = 300


class Drawer:
    """The tabs of one person's page.

    Parameters
    ----------
    session : Session
    live : LiveInspector
        Shared by all sessions.
    detail : Detail
        Makes the stack, when its tab is open.
    views : (TableView, StackView, Explainer)
        Made elsewhere; of the last the sliders are shown.
    """

    def __init__(
        self,
        session: Session,
        live: LiveInspector,
        detail: Detail,
        views: tuple[TableView, StackView, Explainer],
    ) -> None:
        table, stack, self.explainer = views
        self.session, self.detail = session, detail
        self.contrast, self.similar = ContrastView(session, live), SimilarView(session, live)
        self._tick = Tick()
        scrolling = pn.Column(stack, sizing_mode="stretch_both", scroll="y-auto")
        # What nobody has looked at yet is not sent: a tab is filled when it is first opened.
        health = pn.Column(TrustView(session.store.manifest.calibration),
                           sizing_mode="stretch_both", scroll="y-auto")  # fmt: skip
        self._unopened = {
            _CONTRAST: self.contrast, _SIMILAR: self.similar, _STACK: scrolling,
            _WHAT_IF: self.explainer.sliders, _HEALTH: health,
        }  # fmt: skip
        self._frames = {
            tab: pn.Column(sizing_mode="stretch_both", margin=0) for tab in self._unopened
        }
        self.tabs = pmui.Tabs(
            *zip(TABS, (table, *self._frames.values()), strict=True), height=HEIGHT,
            sizing_mode="stretch_width", dynamic=False, css_classes=["drawer"],
        )  # fmt: skip
        detail.is_stack_visible = False
        self.tabs.param.watch(self._open, "active")
        self.tabs.param.watch(self.refresh, "active")
        state = session.state
        state.param.watch(self.refresh, [*state.FILTERS, "selection", "focus"])

    def refresh(self, *_: Any) -> None:
        """Bring what is on screen up to date."""
        self._tick.soon("drawer", self._refresh)

    def show_similar(self) -> None:
        """Open the similar objects, and search those of the object in focus."""
        self.tabs.active = _SIMILAR
        self.similar.is_visible = True
        self.similar.search()

    def close(self) -> None:
        """Want no answers any more."""
        self.contrast.close()
        self.similar.close()

    def _open(self, *_: Any) -> None:
        content = self._unopened.pop(self.tabs.active, None)
        if content is not None:
            self._frames[self.tabs.active].append(content)

    def _refresh(self) -> None:
        active = self.tabs.active
        self.contrast.is_visible = active == _CONTRAST
        self.similar.is_visible = active == _SIMILAR
        self.detail.is_stack_visible = active == _STACK
        self.explainer.state.is_open = active == _WHAT_IF
        self.contrast.refresh()
        self.similar.refresh()
        self.detail.show_stack()
