"""Level grids: the pixels a frame snaps to, so that one drawing serves many frames.

A level grid divides the square of a plane into n_x by n_y pixels, each number a power of two or
three times one. A viewport is drawn on the finest grid whose pixels are no smaller than the
screen's: between one and one and a half of them. What is counted on a fine grid is counted on
every coarser one of the same kind, by adding pixels.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .cells import Square
from .viewport import Viewport

if TYPE_CHECKING:
    import datashader as ds

# float32 positions have 24 bits; what is finer shows nothing but their rounding.
MAX_EXPONENT = 30
# Edges of pixels lie this share of the square below the round numbers: an object exactly on a
# round number is in the pixel above it, however Datashader's arithmetic rounds. `Square.settle`
# sees to it that no object is as near to the shifted edge.
_NUDGE = 2.0**-40


@dataclass(frozen=True)
class Span:
    """The pixels `first` to `stop` - 1 of the `n` that one side of a square is divided into.

    Examples
    --------
    >>> Span(1024, 10, 20).of(512)
    Span(n=512, first=5, stop=10)
    """

    n: int
    first: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.first

    def of(self, n: int) -> "Span":
        """Return the pixels of a grid of n, coarser or finer, that cover the same."""
        return Span(n, self.first * n // self.n, -(-self.stop * n // self.n))


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels of a level grid: what a frame shows, a little more than the viewport.

    Parameters
    ----------
    square : Square
        The square of the plane.
    x, y : Span
        Pixels in x and in y.
    """

    square: Square
    x: Span
    y: Span

    @property
    def shape(self) -> tuple[int, int]:
        """Return height and width in pixels of the grid."""
        return len(self.y), len(self.x)

    @property
    def limits(self) -> tuple[float, float, float, float]:
        """Return x0, x1, y0, y1 in plane units."""
        square = self.square
        nudge = _NUDGE * max(square.size, abs(square.x0), abs(square.y0))
        corners = (square.x0, square.x0, square.y0, square.y0)
        steps = (
            self.x.first / self.x.n, self.x.stop / self.x.n,
            self.y.first / self.y.n, self.y.stop / self.y.n,
        )  # fmt: skip
        x0, x1, y0, y1 = (
            corner + square.size * step - nudge for corner, step in zip(corners, steps, strict=True)
        )
        return x0, x1, y0, y1

    def canvas(self) -> "ds.Canvas":
        """Return the Datashader canvas of the window: one pixel of it is one of the grid."""
        import datashader as ds  # a second, which a server has while the browser loads the page

        x0, x1, y0, y1 = self.limits
        height, width = self.shape
        return ds.Canvas(width, height, (x0, x1), (y0, y1))

    def around(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> "Window":
        """Return the part of the window that holds (M,) objects; they may lie outside as well."""
        x0, _, y0, _ = Window(self.square, Span(1, 0, 1), Span(1, 0, 1)).limits
        return Window(
            self.square,
            _part(self.x, x, x0, self.square.size),
            _part(self.y, y, y0, self.square.size),
        )

    def place_of(self, part: "Window") -> tuple[slice, slice]:
        """Return where the pixels of a part are in an array of the window's shape."""
        y, x = part.y.first - self.y.first, part.x.first - self.x.first
        return slice(y, y + len(part.y)), slice(x, x + len(part.x))


def snap(square: Square, viewport: Viewport) -> Window:
    """Return the window of the level grid that shows a viewport.

    It covers what the viewport shows of the square, at the finest level whose pixels are no
    smaller than the screen's. Of a viewport beside the square it is the nearest pixel.

    Examples
    --------
    >>> snap(Square(0.0, 0.0, 8.0), Viewport(0.0, 9.0, 3.0, 7.0, 900, 500)).x
    Span(n=768, first=0, stop=768)
    """
    size = square.size
    x0, x1 = ((limit - square.x0) / size for limit in (viewport.x0, viewport.x1))
    y0, y1 = ((limit - square.y0) / size for limit in (viewport.y0, viewport.y1))
    return Window(
        square,
        _snap(viewport.pixel_width / size, x0, x1),
        _snap(viewport.pixel_height / size, y0, y1),
    )


def level_of(pixel: float) -> int:
    """Return how many pixels divide a side: the most, each at least `pixel` of the side.

    >>> level_of(1 / 1000), level_of(1 / 3), level_of(5.0)
    (768, 3, 1)
    """
    most = min(1 / pixel, 2.0**MAX_EXPONENT) if pixel > 0 else 2.0**MAX_EXPONENT
    if most < 1:
        return 1
    power = 2 ** math.floor(math.log2(most))
    return power * 3 // 2 if power >= 2 and power * 3 / 2 <= most else power


def _snap(pixel: float, low: float, high: float) -> Span:
    """Return the pixels between two limits; these and `pixel` are shares of the square's side."""
    n = level_of(pixel)
    first, last = (math.floor(min(max(limit, 0.0), 1.0) * n) for limit in (low, high))
    return Span(n, min(first, n - 1), min(last, n - 1) + 1)


def _part(span: Span, values: NDArray[np.float32], corner: float, size: float) -> Span:
    """Return the pixels of a span that may hold some values, (M,); at least one."""
    low, high = (
        math.floor((float(limit) - corner) / size * span.n)
        for limit in (values.min(), values.max())
    )
    # One more on either side: this arithmetic may round where Datashader's does not.
    first = min(max(low - 1, span.first), span.stop - 1)
    return Span(span.n, first, max(min(high + 2, span.stop), first + 1))
