"""The header: which catalog and model this is, a search by id, the device that reconstructs."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS, Palette
from anomaly_explorer.engine.catalog.manifest import Manifest


def describe_catalog(session: Session) -> str:
    """Return catalog and model in a few words, as HTML, with *simulated* where it is so."""
    manifest = session.store.manifest
    chip = (
        f'<span class="chip simulated">{escape(manifest.made_by)}</span> '
        if manifest.made
        else f'<span class="chip">{escape(", ".join(session.store.legend("survey")))}</span> '
    )
    model = escape(str(manifest.model.get("name") or "unknown"))
    model_id = escape(str(manifest.model.get("id") or "")[:12])
    return f'{chip}<span class="chip" title="{model_id}">model {model}</span>{_warn(manifest)}'


def _warn(manifest: Manifest) -> str:
    """Return a chip that warns of sigmas that do not hold; nothing where they do."""
    surveys = manifest.calibration.get("surveys", {})
    ill = [name for name, said in surveys.items()
           if (said["health"] or {}).get("is_healthy") is False]  # fmt: skip
    if not ill:
        return ""
    title = escape(f"not healthy: {', '.join(ill)}; the tab Health of sigma says why")
    return f' <span class="chip ill" title="{title}">sigma not healthy</span>'


class HeaderView(pn.viewable.Viewer):
    """Catalog, model, search and device, bound to a session."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        plain = {"margin": (0, 4), "align": "center"}
        pane = {"stylesheets": [BASE_CSS], **plain}
        self._catalog = pn.pane.HTML(describe_catalog(session), css_classes=["catalog"], **pane)
        self._device = pn.pane.HTML("", css_classes=["device"], **pane)
        self._insights = pn.pane.HTML("", css_classes=["insights"], **pane)
        self.search = pmui.TextInput(
            placeholder="TARGETID ⏎", size="small", width=200, css_classes=["search"], **plain
        )

    def show_device(self, label: str) -> None:
        """Show which device reconstructs."""
        self._device.object = f'<span class="chip">{escape(label)}</span>'

    def repaint(self, palette: Palette) -> None:
        """Link to the page of findings in the theme of this one."""
        self._insights.object = (
            f'<a href="insights?theme={palette.name}" target="_blank" '
            'title="what the whole population shows, with controls">Insights</a>'
        )

    def __panel__(self) -> pn.viewable.Viewable:
        """Return one row."""
        return pn.Row(
            self._catalog, self._insights, pn.layout.HSpacer(), self.search, self._device,
            sizing_mode="stretch_width", align="center",
        )  # fmt: skip
