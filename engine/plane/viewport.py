"""What part of a plane is on screen, and at what size in pixels."""

import math
from dataclasses import dataclass

from anomaly_explorer.engine.errors import InputError

# A screen wall has fewer; beyond it a request is a mistake and would fill the memory.
MAX_PIXELS = 16_384


@dataclass(frozen=True)
class Viewport:
    """The rectangle of a plane that is drawn, closed on all four sides.

    Parameters
    ----------
    x0, x1, y0, y1 : float
        Limits in plane units, x0 < x1 and y0 < y1.
    width, height : int
        Screen pixels, 1 to 16,384.

    Raises
    ------
    InputError
        When a limit is not finite, a side is empty or a size is out of range.

    Examples
    --------
    >>> Viewport(0.0, 9.0, 0.0, 7.0, 900, 700).pixel_width
    0.01
    """

    x0: float
    x1: float
    y0: float
    y1: float
    width: int
    height: int

    def __post_init__(self) -> None:
        limits = (self.x0, self.x1, self.y0, self.y1)
        if not all(math.isfinite(limit) for limit in limits):
            raise InputError(
                f"The viewport {limits} has a limit that is not finite; reset the view."
            )
        if not (self.x0 < self.x1 and self.y0 < self.y1):
            raise InputError(
                f"The viewport {limits} is empty; expected x0 < x1 and y0 < y1, reset the view."
            )
        if not (1 <= self.width <= MAX_PIXELS and 1 <= self.height <= MAX_PIXELS):
            raise InputError(
                f"A picture of {self.width} x {self.height} pixels was asked for; "
                f"each side must be 1 to {MAX_PIXELS}."
            )

    @property
    def pixel_width(self) -> float:
        """Return the width of a screen pixel in plane units."""
        return (self.x1 - self.x0) / self.width

    @property
    def pixel_height(self) -> float:
        """Return the height of a screen pixel in plane units."""
        return (self.y1 - self.y0) / self.height
