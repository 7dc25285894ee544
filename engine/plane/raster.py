"""Rasters: what is in each pixel of a window, from the visible rows of a mask and no others.

Objects are counted by `counts`; sums and maxima of a column are Datashader's. The cell index and
the mask only decide which rows it is given; what comes out is what it would draw from all rows of
the mask. Many rows are drawn a chunk at a time, on several threads: rows that follow each other lie
together on the map, so a chunk has few pixels. Compiled functions here call none of another file.
"""

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np
from numpy.typing import NDArray

from .counts import count_rows
from .grid import Span, Window
from .mask import Mask, Words
from .plane import Plane
from .ranges import ranges_between
from .threads import threads

if TYPE_CHECKING:
    import pandas as pd

Reduction = Literal["count", "sum", "max"]
# One array for counts and maxima; sums come with the counts of what was added.
Aggregate = tuple[NDArray[Any], ...]
# Rows drawn at a time by a thread.
_CHUNK = 2_000_000
# Fewer rows than this are drawn at once: threads would cost more than they bring.
_FEW = 300_000


@dataclass(frozen=True, eq=False)
class Values:
    """A column of numbers to be drawn.

    Parameters
    ----------
    name : str
        The same for the same numbers: drawings are kept under it.
    array : (N,) float or integer
        In store order; NaN stands for no value.
    null : int, optional
        The integer that stands for no value.
    """

    name: str
    array: NDArray[Any]
    null: int | None = None

    @property
    def dtype(self) -> np.dtype:
        """Return the type the numbers are drawn in: their own, of integers float64."""
        return self.array.dtype if self.array.dtype.kind == "f" else np.dtype(np.float64)


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn, whatever the window; its methods, for values only, run on any thread.

    Parameters
    ----------
    plane : Plane
        N' positioned objects.
    words : (ceil(N / 64),) uint64
        The mask in plane order, see `Plane.words`.
    reduction : str
        ``count``, ``sum`` or ``max``.
    values : Values, optional
        What is added, or of what the largest is taken; not for counts.
    """

    plane: Plane
    words: Words
    reduction: Reduction = "count"
    values: Values | None = None

    def take(self, ranges: NDArray[np.int64], n_rows: int) -> "pd.DataFrame":
        """Copy x, y and value of the `n_rows` rows of the mask in some ranges, (R, 2)."""
        import pandas as pd

        plane = self.plane
        x, y = np.empty(n_rows + 1, np.float32), np.empty(n_rows + 1, np.float32)
        places = np.empty(n_rows + 1, np.uint32)
        _take((plane.x, plane.y), self.words, ranges, (x, y, places))
        value = _values_at(plane, self.values, places[:-1])
        return pd.DataFrame({"x": x[:-1], "y": y[:-1], "value": value}, copy=False)

    def paint(self, window: Window, frame: "pd.DataFrame") -> Aggregate:
        """Let Datashader reduce the rows of a frame on a window."""
        import datashader as ds

        canvas = window.canvas()
        if self.reduction == "max":
            largest = canvas.points(frame, "x", "y", ds.max("value"))
            return (largest.to_numpy().astype(np.float32, copy=False),)
        both = ds.summary(sums=ds.sum("value"), counts=ds.count("value"))
        painted = canvas.points(frame, "x", "y", both)
        return np.nan_to_num(painted["sums"].to_numpy(), copy=False), painted["counts"].to_numpy()


def draw_raster(drawing: Drawing, window: Window, is_urgent: bool = True) -> Aggregate:
    """Reduce the objects of a drawing in each pixel of a window.

    Parameters
    ----------
    drawing : Drawing
        What is drawn.
    window : Window
        H by W pixels of a level grid.
    is_urgent : bool
        False: on the calling thread alone, so that the drawings people wait for go first.

    Returns
    -------
    tuple of (H, W) arrays
        ``count``: uint32. ``sum``: float64, and the uint32 counts of the values added. ``max``:
        float32, NaN where there is no value. Row 0 is the lowest y.
    """
    return draw_ranges(drawing, window, visible_ranges(drawing.plane, window), is_urgent)


def draw_ranges(
    drawing: Drawing, window: Window, ranges: NDArray[np.int64], is_urgent: bool = True
) -> Aggregate:
    """Reduce the objects of a drawing in some row ranges, (R, 2) in plane order; the rest is 0."""
    if drawing.reduction == "count":
        return (count_rows(drawing.plane, drawing.words, window, ranges, is_urgent),)
    drawn = empty_raster(window.shape, drawing.reduction)
    n_rows = count_bits(drawing.words, ranges)
    if n_rows == 0:
        return drawn
    if n_rows <= _FEW:
        return drawing.paint(window, drawing.take(ranges, n_rows))
    adding = Lock()

    def add(chunk: NDArray[np.int64]) -> None:
        frame = drawing.take(chunk, count_bits(drawing.words, chunk))
        if len(frame) == 0:
            return
        part = window.around(frame["x"].to_numpy(), frame["y"].to_numpy())
        painted = drawing.paint(part, frame)
        with adding:
            _merge(drawn, painted, window.place_of(part), drawing.reduction)

    list((threads().map if is_urgent else map)(add, _chunks(ranges)))
    return drawn


def visible_ranges(plane: Plane, window: Window) -> NDArray[np.int64]:
    """Return the row ranges, (R, 2) in plane order, that hold every object of a window."""
    return ranges_between(plane.cells, window.limits)


def warm_up(plane: Plane, *reductions: str) -> None:
    """Compile what pictures of a plane need, so that no person waits for it.

    Parameters
    ----------
    plane : Plane
        N' positioned objects.
    *reductions : str
        Of ``count``, ``sum`` and ``max``; none = all. Datashader compiles a second or so for each
        of the last two.
    """
    corner = Window(plane.cells.square, Span(2, 0, 1), Span(2, 0, 1))
    words = plane.words(Mask.all(plane.n_store_rows))
    values = Values("", np.zeros(plane.n_store_rows, np.float32))
    if len(plane):
        one = np.array([[0, 1]])
        for reduction in reductions or ("count", "sum", "max"):
            of = None if reduction == "count" else values
            draw_ranges(Drawing(plane, words, reduction, of), corner, one)


def empty_raster(shape: tuple[int, int], reduction: Reduction) -> Aggregate:
    """Return what `draw_raster` returns where there is nothing."""
    if reduction == "max":
        return (np.full(shape, np.nan, np.float32),)
    counts = np.zeros(shape, np.uint32)
    return (counts,) if reduction == "count" else (np.zeros(shape), counts)


def _chunks(ranges: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Cut row ranges, (R, 2), into lists of ranges of at most a chunk of rows each."""
    chunks, filling, room = [], [], _CHUNK
    for start, stop in ranges.tolist():
        while start < stop:
            end = min(stop, start + room)
            filling.append((start, end))
            room -= end - start
            start = end
            if room == 0:
                chunks.append(np.array(filling))
                filling, room = [], _CHUNK
    return [*chunks, np.array(filling)] if filling else chunks


def _merge(
    drawn: Aggregate, painted: Aggregate, place: tuple[slice, slice], reduction: Reduction
) -> None:
    combine = np.fmax if reduction == "max" else np.add
    for whole, part in zip(drawn, painted, strict=True):
        combine(whole[place], part, out=whole[place])


def _values_at(plane: Plane, values: Values, places: NDArray[np.uint32]) -> NDArray[np.floating]:
    taken = values.array[places if plane.rows is None else plane.rows[places]]
    if taken.dtype.kind == "f":
        return taken
    numbers = taken.astype(np.float64)
    if values.null is not None:
        numbers[taken == values.null] = np.nan
    return numbers


@numba.njit(nogil=True, cache=True)
def count_bits(words: Words, ranges: NDArray[np.int64]) -> int:
    """Return how many of the rows in some ranges, (R, 2), have their bit set."""
    ones = ~np.uint64(0)
    n = 0
    for r in range(len(ranges)):
        start, stop = ranges[r, 0], ranges[r, 1]
        for w in range(start >> 6, (stop + 63) >> 6):
            word = words[w]
            if start > 64 * w:
                word &= ones << np.uint64(start - 64 * w)
            if stop < 64 * w + 64:
                word &= ~(ones << np.uint64(stop - 64 * w))
            # The population count; LLVM knows the idiom.
            word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
            word = (word & np.uint64(0x3333333333333333)) + (
                (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
            )
            word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
            n += np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
    return n


@numba.njit(nogil=True, cache=True)
def count_words(words: Words, ranges: NDArray[np.int64]) -> int:
    """Return how many words of the rows in some ranges, (R, 2), have a bit set."""
    n = 0
    for r in range(len(ranges)):
        for w in range(ranges[r, 0] >> 6, (ranges[r, 1] + 63) >> 6):
            n += words[w] != 0
    return n


@numba.njit(nogil=True, cache=True)
def _take(
    points: tuple[NDArray, NDArray],
    words: Words,
    ranges: NDArray[np.int64],
    taken: tuple[NDArray, NDArray, NDArray],
) -> None:
    """Copy positions and places of the rows of a mask; one more place is written than taken."""
    x, y = points
    taken_x, taken_y, places = taken
    n = np.uint64(0)
    for r in range(len(ranges)):
        row, stop = ranges[r, 0], ranges[r, 1]
        while row < stop:
            end = min(stop, (row | 63) + 1)
            word = words[row >> 6]
            if word != 0:
                for i in range(row, end):
                    # No branch on the bit: what is not kept is written over.
                    taken_x[n], taken_y[n], places[n] = x[i], y[i], i
                    n += (word >> np.uint64(i & 63)) & np.uint64(1)
            row = end
