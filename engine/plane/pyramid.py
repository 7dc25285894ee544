"""Pyramids: what a frame of many objects costs once, so that pan and zoom cost pixels only.

For each mask, plane and reduction the whole plane is drawn once on a fine base grid; a window is a
slice of it, with blocks of pixels added up (or their largest taken) where its level is coarser.
A window that holds few objects of the mask, or is finer than any base, is drawn from its rows.
Compiled functions here call none of another file.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .grid import Span, Window
from .mask import Mask, Words
from .plane import Plane
from .raster import Aggregate, Reduction, Values, count_bits, draw_raster, visible_ranges
from .shelf import Shelf

# Exponents of the bases: 2^11 or 3 * 2^9 pixels a side, and twice as many when a zoom needs them.
_COARSE_BASE, _FINE_BASE = 2**11, 2**12
# Fewer objects than this are drawn from their rows within 10 ms, at any zoom.
FEW_ROWS = 400_000
BUDGET = 384 * 2**20


class Pyramids:
    """Draws the windows of the planes of one store, for all who look at it.

    All methods may be called from many threads; what several ask for at once is drawn once.

    Parameters
    ----------
    budget : int
        Bytes of base grids and of reordered masks to keep.
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

    def _reduce(
        self,
        plane: Plane,
        window: Window,
        mask: Mask | None,
        reduction: Reduction,
        values: Values | None = None,
    ) -> Aggregate:
        words = self._words(plane, mask)
        n_rows = count_bits(words, visible_ranges(plane, window))
        base = _base_of(window)
        if n_rows <= FEW_ROWS or base is None:
            return draw_raster(plane, window, words, reduction, values)
        key = (
            plane, b"" if mask is None else mask.key, reduction,
            values.name if values else "", base.shape,
        )  # fmt: skip
        drawn = self.shelf.get(
            key, lambda: _packed(draw_raster(plane, base, words, reduction, values)), _size
        )
        return tuple(_slice(array, base, window, reduction) for array in drawn)

    def _words(self, plane: Plane, mask: Mask | None) -> Words:
        """Return the bits of a mask in plane order, kept for planes that have their own."""
        if mask is not None and plane.rows is None:
            return mask.words
        whole = Mask.all(plane.n_store_rows) if mask is None else mask
        key = (plane, "words", b"" if mask is None else mask.key)
        return self.shelf.get(key, lambda: plane.words(whole), lambda words: words.nbytes)


def _base_of(window: Window) -> Window | None:
    """Return the grid over the whole square that a window is a slice of; None where none is."""
    x, y = _base_side(window.x.n), _base_side(window.y.n)
    if x is None or y is None:
        return None
    return Window(window.square, Span(x, 0, x), Span(y, 0, y))


def _base_side(n: int) -> int | None:
    is_power = n & (n - 1) == 0
    for base in (_COARSE_BASE, _FINE_BASE):
        side = base if is_power else 3 * base // 4
        if n <= side:
            return side
    return None


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
