"""Pyramids: what a frame of many objects costs once, so that pan and zoom cost pixels only.

For each mask, plane and reduction the whole plane is drawn once on a base grid; a window is a slice
of it, with blocks of pixels added up (or their largest taken) where its level is coarser. There is
a coarse base, which a new filter is first seen on, and a fine one, drawn ahead while nobody waits.
Until that is there, a window is drawn from its rows; one that is finer than any base and holds many
is put together from blocks of its own level. Compiled functions here call none of another file.
"""

from collections.abc import Iterator
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .cells import Square
from .grid import Span, Window, snap
from .mask import WORD, Mask, Words
from .plane import Plane
from .raster import (
    Aggregate,
    Drawing,
    Reduction,
    Values,
    count_bits,
    count_words,
    draw_raster,
    empty_raster,
    visible_ranges,
)
from .shelf import Shelf
from .viewport import Viewport

# Pixels a side of the bases: of grids that are three times a power of two, 3/4 of it.
_COARSE_BASE, _FINE_BASE = 2**10, 2**12
# Pixels a side of the blocks that windows beyond the bases are put together from.
_BLOCK = 2**9
# Fewer objects than this are drawn from their rows within 5 ms, at any zoom, and need no base.
FEW_ROWS = 150_000
# Counting reads whole words of a mask, and takes 1 ms for a million rows: few need no base, and of
# the most a window is drawn sooner than a fine base.
FEW_READ, MOST_READ = 2_000_000, 30_000_000
BUDGET = 768 * 2**20
# Drawn ahead is what so many zooms in by this factor need.
_ZOOM, _N_ZOOMS = 0.8, 8


class Pyramids:
    """Draws the windows of the planes of one store, for all who look at it.

    All methods may be called from many threads; what several ask for at once is drawn once.

    Parameters
    ----------
    budget : int
        Bytes of base grids, blocks and reordered masks to keep.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self.shelf = Shelf(budget)

    def counts(self, plane: Plane, window: Window, mask: Mask | None = None) -> NDArray[np.uint32]:
        """Count the objects of a mask, or all, in each pixel of a window, (H, W) uint32.

        Equal to what Datashader counts over all of them on `window.canvas()`.
        """
        return self._reduce(plane, window, mask, "count")[0]

    def means(
        self, plane: Plane, window: Window, values: Values, mask: Mask | None = None
    ) -> NDArray[np.float32]:
        """Return the mean value of the objects in each pixel, (H, W) float32; NaN for none."""
        sums, counts = self._reduce(plane, window, mask, "sum", values)
        with np.errstate(invalid="ignore"):
            return (sums / counts).astype(np.float32)

    def maxima(
        self, plane: Plane, window: Window, values: Values, mask: Mask | None = None
    ) -> NDArray[np.float32]:
        """Return the largest value of the objects in each pixel, (H, W) float32; NaN for none."""
        return self._reduce(plane, window, mask, "max", values)[0]

    def prepare(self, plane: Plane, base: Window, mask: Mask | None = None) -> None:
        """Count the objects of a mask, or all, on a base, behind whatever is drawn meanwhile."""
        if mask is not None and mask.count <= FEW_ROWS:
            return
        key = _key(plane, mask, "count")
        drawing = Drawing(plane, self._words(plane, mask))
        self._kept(key, base, lambda: draw_raster(drawing, base, is_urgent=False))

    def _reduce(
        self,
        plane: Plane,
        window: Window,
        mask: Mask | None,
        reduction: Reduction,
        values: Values | None = None,
    ) -> Aggregate:
        key, bases = _key(plane, mask, reduction, values), bases_of(window)
        for base in bases:
            drawn = self.shelf.peek((key, base.x, base.y))
            if drawn is not None:
                return tuple(_slice(array, base, window, reduction) for array in drawn)
        drawing = Drawing(plane, self._words(plane, mask), reduction, values)
        if _draws_soon(drawing, window, MOST_READ if len(bases) == 1 else FEW_READ):
            return draw_raster(drawing, window)
        if not bases:
            return self._from_blocks(key, drawing, window)
        drawn = self._kept(key, bases[0], lambda: draw_raster(drawing, bases[0]))
        return tuple(_slice(array, bases[0], window, reduction) for array in drawn)

    def _from_blocks(self, key: Any, drawing: Drawing, window: Window) -> Aggregate:
        """Put a window together from blocks of its level, drawn where they are not kept."""
        whole = empty_raster(window.shape, drawing.reduction)
        for block in _blocks_of(window):
            drawn = self._kept(key, block, lambda block=block: draw_raster(drawing, block))
            for array, part in zip(whole, drawn, strict=True):
                (to_y, from_y), (to_x, from_x) = (
                    _overlap(window.y, block.y), _overlap(window.x, block.x)
                )  # fmt: skip
                array[to_y, to_x] = part[from_y, from_x]
        return whole

    def _kept(self, key: Any, grid: Window, draw: Any) -> Aggregate:
        return self.shelf.get((key, grid.x, grid.y), lambda: _packed(draw()), _size)

    def _words(self, plane: Plane, mask: Mask | None) -> Words:
        """Return the bits of a mask in plane order, kept for planes that have their own."""
        if mask is not None and plane.rows is None:
            return mask.words
        key = (plane, "words", b"" if mask is None else mask.key)

        def make() -> Words:
            return plane.words(Mask.all(plane.n_store_rows) if mask is None else mask)

        return self.shelf.get(key, make, lambda words: words.nbytes)


def bases_of(window: Window) -> list[Window]:
    """Return the grids over the whole square that a window is a slice of, the coarsest first.

    None where the window is finer than any.
    """
    found = {}
    for coarsest in (_COARSE_BASE, _FINE_BASE):
        x, y = (_base_side(span.n, coarsest) for span in (window.x, window.y))
        if x is not None and y is not None:
            found[x, y] = Window(window.square, Span(x, 0, x), Span(y, 0, y))
    return list(found.values())


def bases_near(square: Square, viewport: Viewport) -> list[Window]:
    """Return the fine bases that a viewport and zooming into it need, the nearest first."""
    x, y = (viewport.x0 + viewport.x1) / 2, (viewport.y0 + viewport.y1) / 2
    found: dict[Any, Window] = {}
    for step in range(_N_ZOOMS):
        share = _ZOOM**step / 2
        half = share * (viewport.x1 - viewport.x0), share * (viewport.y1 - viewport.y0)
        near = Viewport(x - half[0], x + half[0], y - half[1], y + half[1],
                        viewport.width, viewport.height)  # fmt: skip
        bases = bases_of(snap(square, near))
        if not bases:  # from here on, zooms are finer than any base
            break
        found.setdefault(bases[-1].shape, bases[-1])
    return list(found.values())


def _key(
    plane: Plane, mask: Mask | None, reduction: Reduction, values: Values | None = None
) -> Any:
    return plane, b"" if mask is None else mask.key, reduction, values.name if values else ""


def _draws_soon(drawing: Drawing, window: Window, most_read: int) -> bool:
    """Return whether a window of which nothing is kept is drawn from its rows."""
    ranges = visible_ranges(drawing.plane, window)
    if drawing.reduction == "count":
        return WORD * count_words(drawing.words, ranges) <= most_read
    return count_bits(drawing.words, ranges) <= FEW_ROWS


def _base_side(n: int, coarsest: int) -> int | None:
    """Return the pixels a side of the base of a grid of n: `coarsest`, or the fine one."""
    is_power = n & (n - 1) == 0
    for base in (coarsest, _FINE_BASE):
        side = base if is_power else 3 * base // 4
        if n <= side:
            return side
    return None


def _blocks_of(window: Window) -> Iterator[Window]:
    """Yield the blocks of the level of a window that it lies in."""
    for y in range(window.y.first // _BLOCK, -(-window.y.stop // _BLOCK)):
        for x in range(window.x.first // _BLOCK, -(-window.x.stop // _BLOCK)):
            yield Window(window.square, _block(window.x.n, x), _block(window.y.n, y))


def _block(n: int, number: int) -> Span:
    return Span(n, number * _BLOCK, min((number + 1) * _BLOCK, n))


def _overlap(window: Span, block: Span) -> tuple[slice, slice]:
    """Return where the pixels that both have are, in the window and in the block."""
    first, stop = max(window.first, block.first), min(window.stop, block.stop)
    return (
        slice(first - window.first, stop - window.first),
        slice(first - block.first, stop - block.first),
    )


def _packed(drawn: Aggregate) -> Aggregate:
    """Keep counts in two bytes where they fit: half the memory, and half of it to read."""
    return tuple(
        array.astype(np.uint16) if array.dtype == np.uint32 and array.max() < 2**16 else array
        for array in drawn
    )


def _size(drawn: Aggregate) -> int:
    return sum(array.nbytes for array in drawn)


def _slice(base: NDArray[Any], grid: Window, window: Window, reduction: Reduction) -> NDArray[Any]:
    """Return a window of a base grid, blocks of its pixels made one."""
    steps = grid.y.n // window.y.n, grid.x.n // window.x.n
    y, x = window.y.of(grid.y.n), window.x.of(grid.x.n)
    part = base[y.first : y.stop, x.first : x.stop]
    kept = np.dtype(np.uint32) if base.dtype == np.uint16 else base.dtype
    if steps == (1, 1):
        return part.astype(kept)
    if reduction == "max":
        reduced = np.full(window.shape, np.nan, kept)
        _take_largest(part, steps, reduced)
        return reduced
    reduced = np.zeros(window.shape, kept)
    _add_blocks(part, steps, reduced)
    return reduced


@numba.njit(nogil=True, cache=True)
def _add_blocks(part: NDArray, steps: tuple[int, int], reduced: NDArray) -> None:
    for j in range(part.shape[0]):
        line, added = part[j], reduced[j // steps[0]]
        for i in range(len(added)):
            total = added[i]
            for k in range(steps[1]):
                total += line[i * steps[1] + k]
            added[i] = total


@numba.njit(nogil=True, cache=True)
def _take_largest(part: NDArray, steps: tuple[int, int], reduced: NDArray) -> None:
    for j in range(part.shape[0]):
        line, largest = part[j], reduced[j // steps[0]]
        for i in range(part.shape[1]):
            value = line[i]
            # False for NaN on the right; NaN on the left is what there is before the first value.
            if value > largest[i // steps[1]] or np.isnan(largest[i // steps[1]]):
                largest[i // steps[1]] = value
