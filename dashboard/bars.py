"""The bars of one histogram: what is shown over the whole population, and a range to drag."""

from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh import events
from bokeh.models import BoxAnnotation, BoxSelectTool, ColumnDataSource, Range1d
from bokeh.plotting import figure as new_figure
from numpy.typing import NDArray

from anomaly_explorer.engine.plane.histogram import Axis

from .lighten import lighten
from .theme import Palette, style_figure

HEIGHT = 66
Limits = tuple[float | None, float | None]
OPEN: Limits = (None, None)
# What a limit is rounded to: the text then says the very number that filters.
_DIGITS = 3


class Bars:
    """One small figure with logarithmic heights, which never has more or fewer bars.

    Parameters
    ----------
    name : str
        Of the column; the figure is called ``histogram-<name>``.
    axis : Axis
        B bins.
    on_drag : callable
        Told the limits that were dragged, None where the drag passed the end of the axis; both
        are None after a double click.
    """

    def __init__(self, name: str, axis: Axis, on_drag: Callable[[Limits], None]) -> None:
        self.axis, self._on_drag = axis, on_drag
        edges = np.array(axis.edges)
        nothing = np.zeros(len(edges) - 1)
        self.figure = new_figure(
            x_range=Range1d(edges[0], edges[-1]), y_range=Range1d(0, 1.04), tools=[],
            x_axis_type="log" if axis.is_log else "linear", height=HEIGHT, toolbar_location=None,
            sizing_mode="stretch_width", min_border_left=4, min_border_right=6, min_border_top=2,
            min_border_bottom=0, name=f"histogram-{name}", output_backend="canvas",
        )  # fmt: skip
        self.source = ColumnDataSource(
            {"left": edges[:-1], "right": edges[1:], "population": nothing, "shown": nothing},
            name=f"histogram-{name}-source",
        )
        bars = {"left": "left", "right": "right", "bottom": 0, "source": self.source}
        self._faint = self.figure.quad(top="population", line_color=None, **bars)
        self._full = self.figure.quad(top="shown", line_color=None, **bars)
        self._span = BoxAnnotation(left=edges[0], right=edges[-1], visible=False, line_width=1)
        self.figure.add_layout(self._span)
        lighten(self.figure)
        self._listen()

    def _listen(self) -> None:
        # A drag picks no bar: it is only the gesture that is wanted.
        tool = BoxSelectTool(dimensions="width", renderers=[])
        self.figure.add_tools(tool)
        self.figure.toolbar.active_drag = tool
        self.figure.yaxis.visible = False
        self.figure.grid.visible = False
        self.figure.on_event(events.SelectionGeometry, self._on_geometry)
        self.figure.on_event(events.DoubleTap, lambda _: self._on_drag(OPEN))

    def fill(self, population: NDArray[np.int64], shown: NDArray[np.int64]) -> None:
        """Draw the counts of the whole population and of what is shown, (B,) each."""
        top = np.log1p(max(int(population.max(initial=0)), 1))
        self.source.data = {
            **self.source.data,
            "population": np.log1p(population) / top,
            "shown": np.log1p(shown) / top,
        }

    def mark(self, limits: Limits) -> None:
        """Highlight the range that is shown; both None highlights nothing."""
        low, high = limits
        edges = self.axis.edges
        self._span.update(
            left=edges[0] if low is None else low,
            right=edges[-1] if high is None else high,
            visible=limits != OPEN,
        )

    def paint(self, palette: Palette) -> None:
        """Change the colours."""
        style_figure(self.figure, palette)
        self.figure.xaxis.major_label_text_font_size = "9px"
        self.figure.xaxis.major_label_standoff = 1
        self.figure.xaxis.major_tick_out = 2
        self._faint.glyph.fill_color = palette.context
        self._full.glyph.fill_color = palette.accent
        self._span.update(
            fill_color=palette.accent, fill_alpha=0.16, line_color=palette.accent, line_alpha=0.8
        )

    def _on_geometry(self, event: Any) -> None:
        geometry = event.geometry
        if geometry.get("type") != "rect" or None in (geometry["x0"], geometry["x1"]):
            return
        low, high = sorted((float(geometry["x0"]), float(geometry["x1"])))
        limits = limits_within(self.axis, low, high)
        if limits is not None:
            self._on_drag(limits)


def limits_within(axis: Axis, low: float, high: float) -> Limits | None:
    """Return a dragged range as limits: open where it passed the ends, None where it is nothing.

    Limits are rounded to three digits.

    >>> limits_within(Axis((0.0, 1.0, 2.0)), -0.5, 1.23456)
    (None, 1.23)
    """
    first, last = axis.edges[0], axis.edges[-1]
    if not low < high or high <= first or low >= last:
        return None
    rounded = [float(f"{limit:.{_DIGITS}g}") for limit in (low, high)]
    return None if low <= first else rounded[0], None if high >= last else rounded[1]
