"""Map order and the cell index: rows that are near in a plane are near on disk.

Positions are quantised to unsigned 32-bit integers on a square whose side is a power of two, and
rows are ordered by the Morton code (interleaved bits) of that pair. Every cell of every
2^k x 2^k grid is then one contiguous range of rows. "Cell" in this package is such a square of a
plane, never a HEALPix element.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COORDINATE_BITS = 32
# About this many rows a cell. Maps are clumpy, so full cells hold some thirty times as many: more
# and the edge cells of a lasso cost more than its inside, fewer and the index outgrows its use.
ROWS_PER_CELL = 16
MAX_LEVEL = 11


@dataclass(frozen=True)
class Square:
    """The square positions are quantised on: [x0, x0 + size) x [y0, y0 + size).

    Parameters
    ----------
    x0, y0 : float
        Lower corner in plane units, a multiple of size / 8.
    size : float
        Side in plane units, a power of two.
    """

    x0: float
    y0: float
    size: float

    @classmethod
    def around(cls, x: NDArray[np.float32], y: NDArray[np.float32]) -> "Square":
        """Return the smallest such square that holds all points, each (N,), finite."""
        if len(x) == 0:
            return cls(0.0, 0.0, 1.0)
        low = (float(x.min()), float(y.min()))
        high = (float(x.max()), float(y.max()))
        span = max(high[0] - low[0], high[1] - low[1])
        size = 2.0 ** math.ceil(math.log2(span)) if span > 0 else 1.0
        while True:
            step = size / 8
            corner = [math.floor(value / step) * step for value in low]
            if all(c + size > value for c, value in zip(corner, high, strict=True)):
                return cls(corner[0], corner[1], size)
            size *= 2

    def settle(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N,) coordinates, those next to nothing as 0.

        Only around 0 does float32 resolve less than a 2^36th of the square, and there an object
        could lie between the edges of pixels as `grid` rounds them and as Datashader does.
        """
        tiny = np.float32(self.size * 2.0**-36)
        return np.where(np.abs(values) < tiny, np.float32(0), values)

    def quantize(
        self, x: NDArray[np.floating], y: NDArray[np.floating]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return both coordinates as uint32, each (N,); points outside go to the nearest edge.

        Each is a non-decreasing function of its coordinate: a range of coordinates is a range of
        integers, whatever the rounding.
        """
        return self._steps(x, self.x0), self._steps(y, self.y0)

    def _steps(self, values: NDArray[np.floating], origin: float) -> NDArray[np.uint32]:
        per_unit = 2.0**COORDINATE_BITS / self.size
        steps = (np.asarray(values, dtype=np.float64) - origin) * per_unit
        return np.clip(np.floor(steps), 0, 2**COORDINATE_BITS - 1).astype(np.uint32)


def morton_codes(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Interleave the bits of two coordinates, (N,) each; x has the lower bit of each pair.

    Examples
    --------
    >>> import numpy as np
    >>> morton_codes(np.array([0, 1, 0, 1, 2], np.uint32), np.array([0, 0, 1, 1, 0], np.uint32))
    array([0, 1, 2, 3, 4], dtype=uint64)
    """
    return _spread(x) | (_spread(y) << np.uint64(1))


_SPREADS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def _spread(values: NDArray[np.uint32]) -> NDArray[np.uint64]:
    bits = values.astype(np.uint64)
    for shift, keep in _SPREADS:
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(keep)
    return bits


def choose_level(n_rows: int) -> int:
    """Return k of the 2^k x 2^k grid that holds about 16 rows a cell, 0 to 11."""
    if n_rows <= ROWS_PER_CELL:
        return 0
    return min(MAX_LEVEL, round(math.log(n_rows / ROWS_PER_CELL, 4)))


@dataclass(frozen=True)
class CellIndex:
    """Where the rows of each cell of a 2^level x 2^level grid start, in map order.

    Parameters
    ----------
    square : Square
        The square the grid divides.
    level : int
        0 to 11.
    offsets : (4^level + 1,) int64
        First row of each cell in Morton order; the last element is the number of rows.
    """

    square: Square
    level: int
    offsets: NDArray[np.int64]

    @classmethod
    def of_codes(cls, square: Square, codes: NDArray[np.uint64]) -> "CellIndex":
        """Index rows whose Morton codes, (N,), are sorted."""
        level = choose_level(len(codes))
        shift = np.uint64(2 * (COORDINATE_BITS - level))
        # A shift by all 64 bits is undefined in C; level 0 is one cell.
        firsts = np.arange(4**level, dtype=np.uint64) << shift if level else np.zeros(1, np.uint64)
        starts = np.searchsorted(codes, firsts, side="left")
        return cls(square, level, np.append(starts, len(codes)).astype(np.int64))

    def cells_between(
        self, x0: float, x1: float, y0: float, y1: float
    ) -> tuple[int, int, int, int]:
        """Return the first and last cell in x and in y that a closed rectangle touches.

        The edge cells stand for everything beyond the square, so the answer is never empty; every
        row inside the rectangle is in one of these cells.
        """
        steps_x, steps_y = self.square.quantize(np.array([x0, x1]), np.array([y0, y1]))
        shift = COORDINATE_BITS - self.level
        first_x, last_x = (int(step) >> shift for step in steps_x)
        first_y, last_y = (int(step) >> shift for step in steps_y)
        return first_x, last_x, first_y, last_y
