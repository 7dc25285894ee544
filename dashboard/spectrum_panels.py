"""The empty figures a spectrum is drawn into, with their tools."""

from typing import Any

from bokeh.models import (
    BoxZoomTool,
    CustomJS,
    GlyphRenderer,
    HoverTool,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure as new_figure


def new_strip(x_range: Range1d) -> Any:
    """Return the strip above the flux where line labels stand on fixed levels."""
    strip = new_figure(
        height=66,
        x_range=x_range,
        y_range=Range1d(0, 1.05),
        tools="",
        toolbar_location=None,
        sizing_mode="stretch_width",
        min_border_top=0,
        min_border_bottom=0,
    )
    strip.axis.visible = False
    return strip


def new_panel(x_range: Range1d, height: int) -> Any:
    """Return an empty figure of the given height (pixels) with our tools and nothing drawn."""
    pan, wheel = PanTool(dimensions="width"), WheelZoomTool(dimensions="width")
    tools = [pan, wheel, BoxZoomTool(), ResetTool(), SaveTool()]
    part = new_figure(
        height=height,
        x_range=x_range,
        y_range=Range1d(0, 1),
        tools=tools,
        toolbar_location="right",
        sizing_mode="stretch_width",
        active_scroll=wheel,
        active_drag=pan,
        min_border_top=2,
        min_border_bottom=2,
    )
    part.toolbar.logo = None
    part.toolbar.autohide = True
    part.js_on_event("doubletap", CustomJS(args={"plot": part}, code="plot.reset.emit()"))
    return part


def residual_hover(bars: GlyphRenderer) -> HoverTool:
    """Return the tool that names the bin under the mouse."""
    tooltips = [
        ("bin", "@x{0.0} Å"),
        ("residual", "@residual{0.000}"),
        ("flux", "@flux{0.000}"),
        ("reconstruction", "@reconstruction{0.000}"),
    ]
    return HoverTool(renderers=[bars], tooltips=tooltips, mode="mouse", visible=False)
