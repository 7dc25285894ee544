"""What a map may need next, drawn while nobody waits for anything."""

from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport

from .frames import Frames
from .painter import Painter


class Ahead:
    """Draws ahead for one map; stops as soon as a frame of it is asked for.

    Parameters
    ----------
    frames : Frames
        Keeps what is drawn.
    painter : Painter
        Draws the frames of the map.
    """

    def __init__(self, frames: Frames, painter: Painter) -> None:
        self._frames, self._painter = frames, painter
        self._number = 0

    def begin(self, plane: Plane, viewport: Viewport, mask: Mask) -> None:
        """Draw what zooming into a viewport will need, in place of what was begun before.

        Nothing while the whole plane is shown: most planes are looked at, and not zoomed into.
        """
        self.stop()
        if viewport.x1 - viewport.x0 >= plane.extent[1] - plane.extent[0]:
            return
        number = self._number

        def is_wanted() -> bool:
            return number == self._number and self._painter.is_at_rest

        self._frames.idle.submit(self._frames.draw_ahead, plane, viewport, mask, is_wanted)

    def stop(self) -> None:
        """Begin nothing more."""
        self._number += 1
