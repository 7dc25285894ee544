"""The empty figure of a map, and one frame as the columns of its image."""

from typing import Any

from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure as new_figure

from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

from .picture import Layers, compose_picture, picture_colors
from .theme import Palette, style_figure
from .ticks import steady_labels


def draw_map(plane: Plane, viewport: Viewport, palette: Palette) -> Any:
    """Draw a plane before its first frame.

    Parameters
    ----------
    plane : Plane
        For the axis titles.
    viewport : Viewport
        What it will show.
    palette : Palette

    Returns
    -------
    bokeh.plotting.figure
        With an image named ``density``, whose source has the columns of `image_data` and no row.
    """
    tools = [PanTool(), WheelZoomTool(), BoxSelectTool(), ResetTool(), SaveTool()]
    tools.insert(3, LassoSelectTool(continuous=False))
    plot = new_figure(
        x_range=Range1d(viewport.x0, viewport.x1),
        y_range=Range1d(viewport.y0, viewport.y1),
        tools=tools,
        output_backend="canvas",
        sizing_mode="stretch_both",
        min_height=180,
        # Where a wheel has led is told before the old picture is stretched, not when it has rested.
        lod_interval=0,
        lod_threshold=None,
        toolbar_location="right",
        name=f"map-{plane.name}",
    )
    plot.toolbar.active_scroll = plot.select_one(WheelZoomTool)
    plot.toolbar.active_drag = plot.select_one(PanTool)
    plot.toolbar.logo = None
    plot.xaxis.axis_label, plot.yaxis.axis_label = plane.x_label, plane.y_label
    if plane.name == "umap":  # its numbers mean nothing, and cost a fifth of a small picture
        plot.xaxis.major_label_text_font_size = plot.yaxis.major_label_text_font_size = "0px"
        plot.xaxis.ticker = plot.yaxis.ticker = []
    mapper = LinearColorMapper(palette=picture_colors(palette), low=0, high=255)
    source = ColumnDataSource({name: [] for name in ("image", "x", "y", "dw", "dh")})
    plot.image("image", "x", "y", "dw", "dh", source=source, color_mapper=mapper, name="density")
    steady_labels(plot.yaxis)
    style_figure(plot, palette)
    return plot


def image_data(layers: Layers) -> dict[str, list[Any]]:
    """Return the columns of the image glyph for one frame, which snaps to the pixels drawn."""
    x0, x1, y0, y1 = layers.limits
    placed = {"x": [x0], "y": [y0], "dw": [x1 - x0], "dh": [y1 - y0]}
    return {"image": [compose_picture(layers)], **placed}
