"""The header: what is shown of what, undo, how a brush combines, which device reconstructs."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import MODES

SEARCH_HINT = "TARGETID"


def describe_counts(session: Session) -> str:
    """Return the sentence of the header: shown of all, selection, population."""
    n_selected = len(session.selected_rows)
    text = (
        f"{session.n_shown:,} of {session.store.n_objects:,} shown · {session.population_label}"
        f" · selection {n_selected:,}"
    )
    hidden = len(session.state.selection) - n_selected
    return text + (f" ({hidden:,} more hidden by filters)" if hidden else "")


def describe_catalog(session: Session) -> str:
    """Return catalog and model in a few words, as HTML, with *simulated* where it is so."""
    manifest = session.store.manifest
    simulated = manifest.simulated
    chip = (
        f'<span class="chip simulated">simulated · generator {simulated["generator_version"]}, '
        f"seed {simulated['seed']}</span> "
        if simulated
        else ""
    )
    model = escape(str(manifest.model.get("name") or "unknown"))
    model_id = escape(str(manifest.model.get("id") or "")[:12])
    return f'{chip}<span class="chip">model {model} {model_id}</span>'


class HeaderView(pn.viewable.Viewer):
    """Counts, undo, modes and badges, bound to a session."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        plain = {"margin": (0, 4), "align": "center"}
        self._counts = pn.pane.HTML("", css_classes=["counts"], **plain)
        self._catalog = pn.pane.HTML(describe_catalog(session), css_classes=["catalog"], **plain)
        self._device = pn.pane.HTML("", css_classes=["device"], **plain)
        self._mode = pmui.RadioButtonGroup(
            options=list(MODES), value="replace", size="small", css_classes=["brush-mode"], **plain
        )
        self._undo = pmui.IconButton(icon="undo", description="Undo (Ctrl+Z)", **plain)
        self._redo = pmui.IconButton(icon="redo", description="Redo (Ctrl+Shift+Z)", **plain)
        self._clear = pmui.IconButton(icon="deselect", description="Clear selection (Esc)", **plain)
        self.search = pmui.TextInput(
            placeholder=SEARCH_HINT, size="small", width=190, css_classes=["search"], **plain
        )
        state = session.state
        self._mode.link(state, value="mode")
        self._undo.on_click(lambda _: state.undo())
        self._redo.on_click(lambda _: state.redo())
        self._clear.on_click(lambda _: state.clear_selection())
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Write the counts again."""
        state = self.session.state
        self._counts.object = f"<b>{describe_counts(self.session)}</b>"
        self._undo.disabled, self._redo.disabled = not state.can_undo, not state.can_redo
        self._clear.disabled = len(state.selection) == 0

    def show_device(self, label: str) -> None:
        """Show which device reconstructs."""
        self._device.object = f'<span class="chip">{escape(label)}</span>'

    def repaint(self, css: str) -> None:
        """Change the colours."""
        for pane in (self._counts, self._catalog, self._device):
            pane.stylesheets = [css]

    def __panel__(self) -> pn.viewable.Viewable:
        """Return one row."""
        return pn.Row(
            self._counts, pn.layout.HSpacer(), self.search, self._mode, self._undo, self._redo,
            self._clear, self._catalog, self._device, sizing_mode="stretch_width",
        )  # fmt: skip
