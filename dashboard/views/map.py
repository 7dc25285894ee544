"""The map: every object of the store in every frame, drawn on the server, picked by index."""

import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import panel as pn
from bokeh import events
from bokeh.models import ColumnDataSource, CustomJS, LinearColorMapper

from anomaly_explorer.dashboard.ahead import Ahead
from anomaly_explorer.dashboard.lighten import lighten
from anomaly_explorer.dashboard.map_figure import draw_map, image_data
from anomaly_explorer.dashboard.marks import NOWHERE, Marks, Place
from anomaly_explorer.dashboard.painter import Painter
from anomaly_explorer.dashboard.picture import picture_colors, value_limits
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import DARK, Palette, style_figure
from anomaly_explorer.dashboard.turn import Turn
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

HOVER_REST_MS = 90
PICK_PIXELS = 9
DEFAULT_SIZE = (760, 560)
Limits = tuple[float, float] | None
_LOG = logging.getLogger(__name__)
HOVER_JS = """
clearTimeout(source.tags[0]);
const at = [cb_obj.x, cb_obj.y];
source.tags[0] = setTimeout(() => { source.data = {x: [at[0]], y: [at[1]]}; }, rest);
"""


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

    Attributes
    ----------
    on_frame : callable
        Told the values of the first and the last colour of each frame shown.
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
        self.on_frame: Callable[[Limits], None] = lambda limits: None
        # Bokeh tells the size of the frame once it is laid out in the browser.
        self._size = dict(zip(("inner_width", "inner_height"), DEFAULT_SIZE, strict=True))
        viewport = self._viewport_of(session.plane(plane).extent, DEFAULT_SIZE)
        self.figure = draw_map(session.plane(plane), viewport, palette)
        self._painter = Painter(session.frames.pool)
        self._ahead = Ahead(session.frames, self._painter)
        self._asked: Viewport | None = None
        self._focus: int | None = None
        self._awaits_marks, self._is_visible = False, True
        self._source = self.figure.select_one({"name": "density"}).data_source
        self._mapper = self.figure.select_one(LinearColorMapper)
        self._marks = Marks(self.figure, palette)
        lighten(self.figure)
        self._mouse = ColumnDataSource(NOWHERE, name="mouse", tags=[0])
        self._listen()
        self._pane = pn.pane.Bokeh(self.figure, sizing_mode="stretch_both", min_height=200)
        self.redraw()

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
        """Draw the frame again, off the event loop; the old one stays until it is there."""
        if not self.is_visible:  # it is drawn when it is shown again
            return
        try:
            viewport = self.viewport
        except ExplorerError:  # zoomed to nothing, or larger than any screen: keep the picture
            return
        plane, session, self._asked = self.plane, self.session, viewport

        def draw() -> tuple[dict[str, list[Any]], Limits, bool]:
            layers = session.layers(plane, viewport)
            return image_data(layers), value_limits(layers), layers.has_marks

        self._painter.ask(draw, self._show)

    def restart(self) -> None:
        """Draw the frame again after other objects are shown: what is under way is outdated."""
        self._painter.cancel()
        self.redraw()

    def recolor(self) -> None:
        """Draw the frame again after other colours were chosen."""
        self._mapper.palette = picture_colors(self.palette, self.session.state.coloring)
        self.restart()

    def close(self) -> None:
        """Want no frames any more."""
        self._painter.cancel()
        self._ahead.stop()

    def _show(self, done: "Future[Any]") -> None:
        error = done.exception()
        if error is not None:
            _LOG.error("a frame of %s could not be drawn", self.plane_name, exc_info=error)
            return
        self._source.data, limits, has_marks = done.result()
        self.on_frame(limits)
        if not has_marks:
            self._mark_later()
        with contextlib.suppress(ExplorerError):  # the person has zoomed to nothing meanwhile
            self._ahead.begin(self.plane, self.viewport, self.session.mask)

    def _mark_later(self) -> None:
        """Draw the frame again once what draws marks is compiled."""
        turn = Turn.of_session()
        if turn is not None and not self._awaits_marks:
            self._awaits_marks = True
            self.session.frames.call_when_marks(lambda: turn.take(self._mark))

    def _mark(self) -> None:
        self._awaits_marks = False
        self.restart()

    def repaint(self, palette: Palette) -> None:
        """Change the colours; no frame is drawn."""
        self.palette = palette
        style_figure(self.figure, palette)
        self._mapper.palette = picture_colors(palette, self.session.state.coloring)
        self._marks.paint(palette)

    def reset(self) -> None:
        """Show the whole plane."""
        x0, x1, y0, y1 = self.plane.extent
        self.figure.x_range.update(start=x0, end=x1)
        self.figure.y_range.update(start=y0, end=y1)
        self.redraw()

    def mark_focus(self, row: int | None) -> None:
        """Ring the object in focus; a map that is not on screen does when it is shown again.

        The browser would find that its axes have no size, and lay the whole page out for it.
        """
        self._focus = row
        if self.is_visible:
            self._marks.focus(self._position(row))

    @property
    def is_visible(self) -> bool:
        """Return whether the plane is on screen."""
        return self._is_visible

    @is_visible.setter
    def is_visible(self, is_visible: bool) -> None:
        self._is_visible = self._pane.visible = is_visible
        self.mark_focus(self._focus)
        self.redraw()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the pane."""
        return self._pane

    def _viewport_of(
        self, limits: tuple[float, float, float, float], size: tuple[int, int]
    ) -> Viewport:
        return Viewport(*(float(limit) for limit in limits), int(size[0]), int(size[1]))

    def _listen(self) -> None:
        plot = self.figure
        plot.on_event(events.RangesUpdate, self._on_ranges)
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
        plot.js_on_event(
            events.Tap, CustomJS(args={"source": self._mouse}, code="clearTimeout(source.tags[0]);")
        )
        self._mouse.on_change("data", self._on_rest)

    def _on_ranges(self, _: Any) -> None:
        """Draw where a gesture has led; a picture may be told of twice."""
        with contextlib.suppress(ExplorerError):
            if self.viewport == self._asked:
                return
        self.redraw()

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
        place, x_range = self._position(row), self.figure.x_range
        is_right = place["x"][0] > (x_range.start + x_range.end) / 2
        self._marks.hover(place, None if row is None else self.describe(row), is_right)

    def _pick(self, x: float, y: float) -> int | None:
        try:
            viewport = self.viewport
            reach = (PICK_PIXELS * viewport.pixel_width, PICK_PIXELS * viewport.pixel_height)
            return self.session.pick(self.plane, (float(x), float(y)), reach)
        except ExplorerError:  # the mouse can rest where the plane has no numbers
            return None

    def _position(self, row: int | None) -> Place:
        """Return where a store row is on this plane, as columns of a source."""
        if row is None:
            return NOWHERE
        at = self.plane.position(row)
        return NOWHERE if at is None else {"x": [at[0]], "y": [at[1]]}
