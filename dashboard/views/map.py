"""The map: every object of the store in every frame, drawn on the server, picked by index."""

import contextlib
from collections.abc import Callable
from typing import Any

import panel as pn
from bokeh import events
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    Label,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.plotting import figure as new_figure

from anomaly_explorer.dashboard.picture import Layers, compose_picture, picture_colors
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import DARK, Palette, style_figure
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

# Bokeh holds the last range update for half a second unless told otherwise.
LOD_TIMEOUT_MS = 60
HOVER_REST_MS = 90
PICK_PIXELS = 9
DEFAULT_SIZE = (760, 560)
# One mark that is nowhere: a source must not shrink to nothing while the browser paints it.
_NOWHERE = {"x": [float("nan")], "y": [float("nan")]}
HOVER_JS = """
clearTimeout(source.tags[0]);
const at = [cb_obj.x, cb_obj.y];
source.tags[0] = setTimeout(() => { source.data = {x: [at[0]], y: [at[1]]}; }, rest);
"""


def draw_map(plane: Plane, layers: Layers, viewport: Viewport, palette: Palette) -> Any:
    """Draw one frame of a plane.

    Parameters
    ----------
    plane : Plane
        For the axis titles.
    layers : Layers
        What `Session.layers` returned, (height, width) each.
    viewport : Viewport
        Where the frame stands.
    palette : Palette

    Returns
    -------
    bokeh.plotting.figure
        With an image named ``density`` of 8-bit levels.
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
        lod_timeout=LOD_TIMEOUT_MS,
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
    source = ColumnDataSource(image_data(layers))
    plot.image("image", "x", "y", "dw", "dh", source=source, color_mapper=mapper, name="density")
    style_figure(plot, palette)
    return plot


def image_data(layers: Layers) -> dict[str, list[Any]]:
    """Return the columns of the image glyph for one frame, which snaps to the pixels drawn."""
    x0, x1, y0, y1 = layers.limits
    return {
        "image": [compose_picture(layers)],
        "x": [x0],
        "y": [y0],
        "dw": [x1 - x0],
        "dh": [y1 - y0],
    }


class MapView(pn.viewable.Viewer):
    """One plane on screen, bound to a session.

    Parameters
    ----------
    session : Session
    plane : str
        Name of the plane.
    palette : Palette
    describe : callable
        Turns a store row into the text shown when the mouse rests on an object.
    """

    def __init__(
        self,
        session: Session,
        plane: str,
        describe: Callable[[int], str],
        palette: Palette = DARK,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self.session, self.plane_name, self.describe = session, plane, describe
        self.palette = palette
        # Bokeh tells the size of the frame once it is laid out in the browser.
        self._size = dict(zip(("inner_width", "inner_height"), DEFAULT_SIZE, strict=True))
        viewport = self._viewport_of(session.plane(plane).extent, DEFAULT_SIZE)
        layers = session.layers(session.plane(plane), viewport)
        self.figure = draw_map(session.plane(plane), layers, viewport, palette)
        self._source = self.figure.select_one({"name": "density"}).data_source
        self._mapper = self.figure.select_one(LinearColorMapper)
        self._add_marks()
        self._listen()
        self._pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=200)

    @property
    def plane(self) -> Plane:
        """Return the plane on screen."""
        return self.session.plane(self.plane_name)

    @property
    def viewport(self) -> Viewport:
        """Return what is on screen now."""
        x, y = self.figure.x_range, self.figure.y_range
        return self._viewport_of((x.start, x.end, y.start, y.end), tuple(self._size.values()))

    def redraw(self, *_: Any) -> None:
        """Draw the frame again."""
        try:
            viewport = self.viewport
        except ExplorerError:  # zoomed to nothing, or larger than any screen: keep the picture
            return
        self._source.data = image_data(self.session.layers(self.plane, viewport))

    def repaint(self, palette: Palette) -> None:
        """Change the colours; no frame is drawn."""
        self.palette = palette
        style_figure(self.figure, palette)
        self._mapper.palette = picture_colors(palette)
        self._paint_marks()

    def reset(self) -> None:
        """Show the whole plane."""
        x0, x1, y0, y1 = self.plane.extent
        self.figure.x_range.update(start=x0, end=x1)
        self.figure.y_range.update(start=y0, end=y1)
        self.redraw()

    def mark_focus(self, row: int | None) -> None:
        """Ring the object in focus."""
        self._focus.data = self._position(row)

    @property
    def is_visible(self) -> bool:
        """Return whether the plane is on screen."""
        return self._pane.visible

    @is_visible.setter
    def is_visible(self, is_visible: bool) -> None:
        self._pane.visible = is_visible

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the pane."""
        return self._pane

    def _viewport_of(
        self, limits: tuple[float, float, float, float], size: tuple[int, int]
    ) -> Viewport:
        return Viewport(*(float(limit) for limit in limits), int(size[0]), int(size[1]))

    def _add_marks(self) -> None:
        """Add the ring of the focus, the ring and the words under the mouse."""
        self._focus = ColumnDataSource(_NOWHERE, name="focus")
        self._hover = ColumnDataSource(_NOWHERE, name="hover")
        self._mouse = ColumnDataSource(_NOWHERE, name="mouse", tags=[0])
        self._focus_ring = self.figure.scatter(
            "x", "y", source=self._focus, size=15, fill_alpha=0, line_width=2, marker="circle"
        )
        self._hover_ring = self.figure.scatter(
            "x", "y", source=self._hover, size=11, fill_alpha=0, line_width=1.5, marker="circle"
        )
        self._words = Label(
            x=0, y=0, text="", x_offset=10, y_offset=8, visible=False, name="hover-words",
            text_font_size="11px", padding=6, border_radius=4,
        )  # fmt: skip
        self.figure.add_layout(self._words)
        self._paint_marks()

    def _paint_marks(self) -> None:
        self._focus_ring.glyph.line_color = self.palette.text
        self._hover_ring.glyph.line_color = self.palette.accent
        self._words.background_fill_color = self.palette.raised
        self._words.border_line_color = self.palette.grid
        self._words.text_color = self.palette.text

    def _listen(self) -> None:
        plot = self.figure
        plot.on_event(events.RangesUpdate, self.redraw)
        plot.on_event(events.SelectionGeometry, self._on_brush)
        plot.on_event(events.Tap, self._on_tap)
        plot.on_event(events.DoubleTap, lambda _: self.reset())
        plot.on_event(events.Reset, lambda _: self.redraw())
        plot.on_event(events.MouseLeave, lambda _: self._name(None))
        for side in self._size:
            plot.on_change(side, self._on_size)
        plot.js_on_event(
            events.MouseMove, CustomJS(args={"source": self._mouse, "rest": HOVER_REST_MS},
                                       code=HOVER_JS)
        )  # fmt: skip
        self._mouse.on_change("data", self._on_rest)

    def _on_brush(self, event: Any) -> None:
        geometry = event.geometry
        with contextlib.suppress(ExplorerError):  # a gesture that left the plane picks nothing
            if geometry["type"] == "poly" and len(geometry["x"]) >= 3:
                self.session.brush_polygon(self.plane, list(geometry["x"]), list(geometry["y"]))
            elif geometry["type"] == "rect":
                limits = tuple(float(geometry[name]) for name in ("x0", "x1", "y0", "y1"))
                self.session.brush_box(self.plane, limits)

    def _on_tap(self, event: Any) -> None:
        row = self._pick(event.x, event.y)
        if row is not None:
            self.session.state.focus = row

    def _on_size(self, attr: str, old: Any, new: Any) -> None:
        self._size[attr] = max(1, int(new))
        self.redraw()

    def _on_rest(self, attr: str, old: Any, new: Any) -> None:
        x, y = (self._mouse.data[name] for name in ("x", "y"))
        row = self._pick(x[0], y[0]) if None not in (x[0], y[0]) else None
        self._name(row)

    def _name(self, row: int | None) -> None:
        """Ring and name the object under the mouse."""
        self._hover.data = place = self._position(row)
        self._words.visible = row is not None
        if row is not None:
            self._words.update(x=place["x"][0], y=place["y"][0], text=self.describe(row))

    def _pick(self, x: float, y: float) -> int | None:
        try:
            viewport = self.viewport
            reach = (PICK_PIXELS * viewport.pixel_width, PICK_PIXELS * viewport.pixel_height)
            return self.session.pick(self.plane, (float(x), float(y)), reach)
        except ExplorerError:  # the mouse can rest where the plane has no numbers
            return None

    def _position(self, row: int | None) -> dict[str, list[float]]:
        """Return where a store row is on this plane, as columns of a source."""
        if row is None:
            return _NOWHERE
        at = self.plane.position(row)
        return _NOWHERE if at is None else {"x": [at[0]], "y": [at[1]]}
