"""The stack of a selection as HoloViews overlays; only whoever draws one pays for HoloViews."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import holoviews as hv
import holoviews.plotting.bokeh  # registers the options and renderer of the backend
import numpy as np
from numpy.typing import NDArray

from .curves import limits_of, runs_of
from .spectrum_layers import X_LIMITS
from .theme import Palette, style_figure

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.stack import Stack

_WAVELENGTH = hv.Dimension("wavelength", unit="Å")
_BAND_ALPHA = 0.22


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
