"""Tick labels that are always as wide: Bokeh lays the whole page out anew when an axis grows."""

from typing import Any

from bokeh.models import CustomJSTickFormatter

# Characters of a label, in a font in which all are as wide: "-12000" or "0.0025".
N_CHARACTERS = 6
LABEL_JS = """
const step = Math.abs((ticks[1] ?? 2 * tick) - ticks[0]) || 1;
const places = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
const largest = Math.max(...ticks.map(Math.abs));
const isLong = largest >= 10 ** (width - 1) || places > width - 3;
const text = isLong && tick !== 0 ? tick.toExponential(0).replace("e+", "e") : tick.toFixed(places);
return text.replace("-", "−").padStart(width);
"""


def steady_labels(axis: Any) -> None:
    """Give the labels of a vertical axis one width, whatever its range.

    Parameters
    ----------
    axis : bokeh.models.Axis
        Dressed by `style_figure`, in whose font all characters are as wide.
    """
    axis.formatter = CustomJSTickFormatter(code=LABEL_JS, args={"width": N_CHARACTERS})
