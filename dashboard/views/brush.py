"""The bar over the maps: what is shown of what, how a brush combines, undo, which planes."""

from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import MODES
from anomaly_explorer.dashboard.theme import BASE_CSS

NEWLINE = "\n"
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


def describe_trust(embedding: Mapping[str, Any]) -> str:
    """Return how far the map can be trusted as a chip of HTML; nothing where nobody checked.

    Parameters
    ----------
    embedding : mapping
        What `embedding.json` says: ``trustworthiness``, ``neighbor_preservation`` (both 0 to 1)
        and ``checked_on``, what they were measured on.
    """
    trust, kept = (embedding.get(name) for name in ("trustworthiness", "neighbor_preservation"))
    if not isinstance(trust, int | float):
        return ""
    lines = [f"Trustworthiness {trust:.3f}: 1 = whoever is near on the map is near in latent space"]
    if isinstance(kept, int | float):
        lines.append(f"Neighbors kept {kept:.3f}: share of nearest latents that stay near on it")
    lines.append(f"Measured on {embedding.get('checked_on') or 'a sample'}")
    lines.append("For neighbors in latent space itself use “Similar”")
    return f'<span class="chip" title="{escape(NEWLINE.join(lines))}">map trust {trust:.2f}</span>'


class BrushView(pn.viewable.Viewer):
    """Counts, modes and undo, bound to a session."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        plain = {"margin": (0, 3), "align": "center"}
        self._counts = pn.pane.HTML("", css_classes=["counts"], stylesheets=[BASE_CSS], **plain)
        self._trust = pn.pane.HTML(
            describe_trust(session.store.manifest.embedding), css_classes=["map-trust"],
            stylesheets=[BASE_CSS], **plain,
        )  # fmt: skip
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
            self._counts, self._trust, self._planes, self._mode,
            pn.Row(self._undo, self._redo, self._clear, margin=0),
            justify_content="space-between", align_items="center", sizing_mode="stretch_width",
            gap="4px", css_classes=["brush-bar"],
        )  # fmt: skip
