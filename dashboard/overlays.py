"""Curves a person lays over the reconstruction: another object's, or one of other latents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bokeh.models import ColumnDataSource

from .padding import pad_columns
from .spectrum_layers import Look, step_layer
from .theme import Palette

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection

TWIN, WHAT_IF = "twin", "what-if"
# Names of colours of the palette, and of custom properties of the page.
COLORS = {TWIN: "good", WHAT_IF: "selected"}


@dataclass(frozen=True)
class Curve:
    """Normalized flux (B,) on the model's bins, and what it is called on screen."""

    values: Any
    label: str


class Overlays:
    """The curves of one spectrum figure, drawn as steps on the model's bins.

    Parameters
    ----------
    panel : bokeh.plotting.figure
        Where flux is drawn.
    """

    def __init__(self, panel: Any) -> None:
        self.sources = {
            name: ColumnDataSource({"x": [], "y": []}, name=f"{name}-source") for name in COLORS
        }
        self._lines = {
            name: panel.line(source=source, x="x", y="y", line_width=1.6)
            for name, source in self.sources.items()
        }

    def fill(
        self, curves: Mapping[str, Curve], inspection: "Inspection | None", look: Look
    ) -> None:
        """Draw some curves over an inspection, and none of the others."""
        for name, source in self.sources.items():
            curve, n_now = curves.get(name), len(source.data["x"])
            if curve is not None and inspection is not None:
                source.data = pad_columns(step_layer(inspection, curve.values, look), n_now)
            elif n_now:
                source.data = {"x": [], "y": []}

    def paint(self, palette: Palette) -> None:
        """Wear another palette."""
        for name, line in self._lines.items():
            line.glyph.line_color = getattr(palette, COLORS[name])


def key_of(curves: Mapping[str, Curve]) -> dict[str, str]:
    """Return the label of each curve and the custom property of its colour."""
    return {curve.label: COLORS[name] for name, curve in curves.items()}
