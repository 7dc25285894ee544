"""The stack of a selection: medians and percentiles of flux, reconstruction and residual."""

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import holoviews as hv
import holoviews.plotting.bokeh  # registers the options and renderer of the backend
import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from anomaly_explorer.dashboard.curves import limits_of, runs_of
from anomaly_explorer.dashboard.spectrum_layers import X_LIMITS
from anomaly_explorer.dashboard.theme import BASE_CSS, DARK, Palette, style_figure

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.stack import Stack

_WAVELENGTH = hv.Dimension("wavelength", unit="Å")
_BAND_ALPHA = 0.22
_CSS = """
.headline{font-size:14px;font-weight:600;} .failure{color:var(--warning);font-size:12px;}
.some{color:var(--warning);} details{font-size:12px;color:var(--muted);}
"""


def draw_stack(stack: "Stack", palette: Palette) -> tuple[hv.Overlay, hv.Overlay]:
    """Draw flux and reconstruction above, the residual below, on one wavelength axis.

    Parameters
    ----------
    stack : Stack
        Percentiles (3, B) of normalized values, observed frame.
    palette : Palette
        `LIGHT` or `DARK`.

    Returns
    -------
    tuple of holoviews.Overlay
        Upper and lower; per quantity and arm a band (16 to 84 %) and a median curve.
    """
    flux = _ribbon(stack.wavelength, stack.flux, "flux", palette.accent)
    made = _ribbon(stack.wavelength, stack.reconstruction, "reconstruction", palette.reconstruction)
    residual = _ribbon(stack.wavelength, stack.residual, "residual", palette.anomaly)
    zero = hv.HLine(0).opts(color=palette.muted, line_width=0.8)
    upper = hv.Overlay(flux + made).opts(
        **_frame(palette, 230, "Normalized flux"),
        ylim=limits_of([stack.flux.ravel(), stack.reconstruction.ravel()]),
        xaxis=None,
        legend_position="top_right",
    )
    lower = hv.Overlay([zero, *residual]).opts(
        **_frame(palette, 195, "Residual (normalized)"),
        ylim=limits_of([stack.residual.ravel(), np.zeros(1)], is_full=True),
        show_legend=False,
    )
    return upper, lower


def title_html(stack: "Stack") -> str:
    """Return what is stacked, how many agree with the catalog, and what failed."""
    n = stack.n_objects
    n_agree = int(stack.n_agree)
    css = "" if n_agree == n else ' class="some"'
    failures = "".join(f'<div class="failure">{escape(text)}</div>' for text in stack.failures)
    if failures:
        failures = (
            f"<details open><summary>{len(stack.failures)} failed</summary>{failures}</details>"
        )
    return (
        f'<div class="headline">{n:,} of {stack.n_selected:,} selected objects, normalized, '
        f"observed frame</div><div{css}>score agrees with the catalog for {n_agree:,} of {n:,}"
        f'<span class="muted"> · line: median, band: 16–84 %</span></div>{failures}'
    )


class StackView(pn.viewable.Viewer):
    """Show one stack, or a message while it is made."""

    palette = param.ClassSelector(class_=Palette, default=DARK, doc="Colours.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._stack: Stack | None = None
        self._title = pn.pane.HTML(
            "", css_classes=["stack-title"], margin=(2, 8), stylesheets=[BASE_CSS + _CSS]
        )
        # One pane each: the theme of the page does not know the grid that HoloViews makes of two.
        self._plots = [pn.pane.HoloViews(None, sizing_mode="stretch_width") for _ in range(2)]
        # This column is hidden, not the panes: with `visible`, Panel hands a figure all that was
        # set on its pane, also the design of the page, which is no property of a figure.
        self._frame = pn.Column(*self._plots, sizing_mode="stretch_width", margin=0, visible=False)
        self.param.watch(lambda *_: self._redraw(), "palette")

    def show(self, stack: "Stack | None", message: str = "") -> None:
        """Show a stack; None shows the message, such as how far the reading is."""
        self._stack = stack
        quiet = f'<div class="muted">{escape(message)}</div>' if message else ""
        self._title.object = quiet + (title_html(stack) if stack is not None else "")
        self._redraw()

    def _redraw(self) -> None:
        drawn = (None, None) if self._stack is None else draw_stack(self._stack, self.palette)
        for plot, drawing in zip(self._plots, drawn, strict=True):
            plot.object = drawing
        self._frame.visible = self._stack is not None

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self._title, self._frame, sizing_mode="stretch_width", margin=0)


def _ribbon(
    wavelength: NDArray[np.float64], values: NDArray[np.float32], name: str, color: str
) -> list[hv.Element]:
    """Return band and median for each unbroken stretch of bins of one arm."""
    low, middle, high = values
    elements: list[hv.Element] = []
    for run in _stretches(wavelength, np.isfinite(values).all(axis=0)):
        x = wavelength[run]
        band = hv.Area((x, low[run], high[run]), _WAVELENGTH, [f"{name} 16 %", f"{name} 84 %"])
        median = hv.Curve((x, middle[run]), _WAVELENGTH, name, label=name)
        elements.append(band.opts(color=color, alpha=_BAND_ALPHA, line_alpha=0))
        elements.append(median.opts(color=color, line_width=1.3, tools=["hover"]))
    return elements


def _stretches(wavelength: NDArray[np.float64], is_covered: NDArray[np.bool_]) -> list[slice]:
    # Each arm starts bluer than the one before it ended.
    starts = [0, *(np.flatnonzero(np.diff(wavelength) < 0) + 1), len(wavelength)]
    return [
        slice(start + run.start, start + run.stop)
        for start, stop in pairwise(starts)
        for run in runs_of(is_covered[start:stop])
    ]


def _frame(palette: Palette, height: int, y_label: str) -> dict[str, Any]:
    return {
        "height": height,
        "toolbar": None,
        "responsive": True,
        "xlabel": "Observed wavelength (Å, vacuum)",
        "ylabel": y_label,
        "show_grid": True,
        "xlim": X_LIMITS,
        "active_tools": ["wheel_zoom"],
        "hooks": [lambda plot, _: style_figure(plot.state, palette)],
    }
