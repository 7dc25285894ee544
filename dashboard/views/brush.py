"""The bar over the maps: what is shown of what, how a brush combines, undo, which planes."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import MODES
from anomaly_explorer.dashboard.theme import BASE_CSS

PLANES = {"Map": "umap", "S/N": "score_snr", "Both": ""}


def describe_counts(session: Session) -> str:
    """Return what is shown of what and selected, naming the population."""
    n_selected = session.n_selected
    text = (
        f"<b>{session.n_shown:,}</b> of {session.store.n_objects:,} shown · "
        f"{session.population_label} · selection <b>{n_selected:,}</b>"
    )
    hidden = session.state.selection.count - n_selected
    return text + (f" ({hidden:,} more hidden by filters)" if hidden else "")


class BrushView(pn.viewable.Viewer):
    """Counts, modes and undo, bound to a session."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        plain = {"margin": (0, 3), "align": "center"}
        self._counts = pn.pane.HTML("", css_classes=["counts"], stylesheets=[BASE_CSS], **plain)
        self._mode = pmui.RadioButtonGroup(
            options=list(MODES), value="replace", size="small", css_classes=["brush-mode"], **plain
        )
        self._planes = pmui.RadioButtonGroup(
            options=PLANES, value=session.state.plane, size="small", css_classes=["planes"], **plain
        )
        button = {"size": "small", **plain}
        self._undo = pmui.IconButton(icon="undo", description="Undo (Ctrl+Z)", **button)
        self._redo = pmui.IconButton(icon="redo", description="Redo (Ctrl+Shift+Z)", **button)
        self._clear = pmui.IconButton(icon="deselect", description="Clear selection", **button)
        state = session.state
        self._mode.link(state, value="mode", bidirectional=True)
        self._planes.link(state, value="plane", bidirectional=True)
        self._undo.on_click(lambda _: state.undo())
        self._redo.on_click(lambda _: state.redo())
        self._clear.on_click(lambda _: state.clear_selection())
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Write the counts again."""
        state = self.session.state
        self._counts.object = describe_counts(self.session)
        self._undo.disabled, self._redo.disabled = not state.can_undo, not state.can_redo
        self._clear.disabled = state.selection.count == 0

    def __panel__(self) -> pn.viewable.Viewable:
        """Return one row that wraps."""
        return pn.FlexBox(
            self._counts, self._planes, self._mode,
            pn.Row(self._undo, self._redo, self._clear, margin=0),
            justify_content="space-between", align_items="center", sizing_mode="stretch_width",
            gap="4px", css_classes=["brush-bar"],
        )  # fmt: skip
