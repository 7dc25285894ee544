"""Charts of the pages as SVG, by Matplotlib: lines, bands, points and steps, panel beside panel.

Panels are white with dark ink, so that they can be read on a dark page too. The same numbers give
the same bytes.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

# Okabe & Ito's colours, which people with any eyes can tell apart; the first is ink.
INK, BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#222222", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9",
)  # fmt: skip
GRAY = "#8a8a8a"
_PIXELS_PER_INCH = 72
_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "chart", "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"], "font.size": 10,
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.edgecolor": INK, "legend.fontsize": 9, "legend.framealpha": 0.85,
    "legend.edgecolor": "none", "axes.unicode_minus": True, "path.simplify_threshold": 0.3,
}  # fmt: skip

Draw = Callable[[Any], object]


@dataclass(frozen=True)
class Axis:
    """One axis: what it measures with its unit, its ends, and whether it is logarithmic."""

    label: str
    low: float
    high: float
    is_log: bool = False


@dataclass
class Panel:
    """One pair of axes and what is drawn in it, in the order of the calls.

    What leaves the frame above or below is drawn at its edge.
    """

    title: str
    x: Axis
    y: Axis
    width: int = 430
    height: int = 260
    has_key_left: bool = False
    parts: list[Draw] = field(default_factory=list)

    def line(
        self, x: NDArray, y: NDArray, color: str = INK, label: str = "", style: str = "1.2"
    ) -> None:
        """Draw a line through (n,) places; a NaN breaks it. `style`: width, opacity, dashes."""
        width, opacity, dashes = (
            [*style.split(";"), "1", ""][:3] if ";" in style else (style, 1, "")
        )
        pattern = (0, tuple(map(float, dashes.split(",")))) if dashes else "-"
        self.parts.append(lambda axes: axes.plot(
            x, self._held(y), color=color, label=label, lw=float(width), alpha=float(opacity),
            ls=pattern,
        ))  # fmt: skip

    def band(
        self, x: NDArray, low: NDArray, high: NDArray, color: str = INK, label: str = ""
    ) -> None:
        """Fill between two (n,) curves."""
        self.parts.append(lambda axes: axes.fill_between(
            x, self._held(low), self._held(high), color=color, alpha=0.22, lw=0, label=label,
        ))  # fmt: skip

    def points(
        self, x: NDArray, y: NDArray, color: str = INK, label: str = "", radius: float = 2.4
    ) -> None:
        """Draw a dot at each of (n,) places."""
        self.parts.append(lambda axes: axes.plot(
            x, self._held(y), "o", color=color, label=label, ms=2 * radius, alpha=0.65, mew=0,
        ))  # fmt: skip

    def steps(self, edges: NDArray, heights: NDArray, color: str = INK, label: str = "") -> None:
        """Draw a histogram: (n + 1,) edges and (n,) heights."""
        self.parts.append(lambda axes: axes.stairs(
            self._held(heights), edges, color=color, label=label, lw=1.6, baseline=self.y.low,
        ))  # fmt: skip

    def draw(self, axes: Any) -> None:
        """Draw all of it on axes of Matplotlib."""
        for part in self.parts:
            part(axes)
        axes.set_title(self.title)
        for axis, which in ((self.x, "x"), (self.y, "y")):
            getattr(axes, f"set_{which}label")(axis.label)
            getattr(axes, f"set_{which}scale")("log" if axis.is_log else "linear")
            getattr(axes, f"set_{which}lim")(axis.low, axis.high)
            if axis.high > 1000 or axis.is_log:
                drawn = getattr(axes, f"{which}axis")
                drawn.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        if any(label for label in axes.get_legend_handles_labels()[1]):
            axes.legend(loc="upper left" if self.has_key_left else "upper right")

    def _held(self, y: NDArray) -> NDArray:
        return np.clip(np.asarray(y, np.float64), self.y.low, self.y.high)


def chart(panels: Sequence[Panel], n_columns: int) -> str:
    """Return panels of one size, row by row, as one SVG document."""
    n_rows = -(-len(panels) // n_columns)
    size = (n_columns * panels[0].width, n_rows * panels[0].height)
    with mpl.rc_context(_STYLE):
        figure = Figure([side / _PIXELS_PER_INCH for side in size], layout="constrained")
        drawn = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for axes, panel in zip(drawn, panels, strict=False):
            panel.draw(axes)
        for axes in drawn[len(panels) :]:
            axes.remove()
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()
