"""A plane: the pair of coordinates a map is drawn in, in map order, on disk and mapped.

Files of a plane's directory: ``x.npy`` and ``y.npy`` (float32, map order), ``rows.npy`` (uint32,
plane order -> store row), ``places.npy`` (uint32, store row -> plane order; both absent when both
orders are one), ``cells.npy`` (int64) and ``plane.json``.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.mapped import mapped

from .cells import CellIndex, Square, morton_codes
from .mask import Mask, Words
from .threads import threads

# The frame shows everything, unless the outer 0.2 % would take three quarters of it.
_CORE = (0.001, 0.999)
_MAX_STRETCH = 4.0
_MARGIN = 0.03
# A sample is enough for the frame; sorting 22.5M values would take seconds.
_CORE_SAMPLE = 1_000_000
_NO_PLACE = np.uint32(2**32 - 1)
# Of a mask of fewer rows than one in so many, bits are set one by one, of others looked up.
_SPARSE = 64
# Bits are looked up in so many shares, side by side.
_N_SHARES = 8


@dataclass(frozen=True, eq=False)
class Plane:
    """N' positioned objects of a store in the order of one plane.

    Parameters
    ----------
    name : str
        ``umap`` or ``score_snr``.
    x, y : (N',) float32
        Finite coordinates in this plane's map order, read-only and mapped.
    rows : (N',) uint32 or None
        Plane order -> store row; None when they are the same.
    places : (N,) uint32 or None
        Store row -> plane order, 2^32 - 1 without position; None when they are the same.
    cells : CellIndex
        Where each cell's rows start.
    x_label, y_label : str
        Axis titles.
    extent : tuple of float
        x0, x1, y0, y1 of the first picture.
    n_without_position : int
        Objects of the store that have no finite position here and are in no picture.
    """

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    rows: NDArray[np.uint32] | None
    places: NDArray[np.uint32] | None
    cells: CellIndex
    x_label: str
    y_label: str
    extent: tuple[float, float, float, float]
    n_without_position: int

    def __len__(self) -> int:
        return len(self.x)

    @property
    def n_store_rows(self) -> int:
        """Return the number of objects of the store, positioned or not."""
        return len(self.x) + self.n_without_position

    def words(self, mask: Mask) -> Words:
        """Return the bits of a mask of N rows in plane order, (ceil(N / 64),) uint64."""
        if self.rows is None:
            return mask.words
        if mask.count <= len(self) // _SPARSE:
            places = self.places[mask.rows()]
            return Mask.of_rows(places[places != _NO_PLACE], self.n_store_rows).words
        return _picked_bits(mask.words, self.rows, len(mask.words))

    def store_mask(self, words: Words) -> Mask:
        """Return the mask of bits in plane order, (ceil(N / 64),) uint64; undoes `words`."""
        if self.rows is None:
            return Mask(words, self.n_store_rows)
        # Looking bits up is several times as fast as setting them in this order.
        return Mask(_picked_bits(words, self.places, len(words)), self.n_store_rows)

    def position(self, row: int) -> tuple[float, float] | None:
        """Return where an object, by its store row, is; None without position."""
        place = row if self.places is None else int(self.places[row])
        return (float(self.x[place]), float(self.y[place])) if place < len(self) else None

    @classmethod
    def open(cls, path: Path) -> "Plane":
        """Map the files of a plane's directory.

        Raises
        ------
        StoreError
            When a file is missing or is not what `write_plane` wrote.
        """
        try:
            facts = json.loads((path / "plane.json").read_text())
            x, y, offsets = (mapped(path / f"{name}.npy") for name in ("x", "y", "cells"))
            rows = mapped(path / "rows.npy") if facts["has_rows"] else None
            places = mapped(path / "places.npy") if facts["has_rows"] else None
            return cls(
                name=facts["name"],
                x=x,
                y=y,
                rows=rows,
                places=places,
                cells=CellIndex(Square(**facts["square"]), facts["level"], offsets),
                x_label=facts["x_label"],
                y_label=facts["y_label"],
                extent=tuple(facts["extent"]),
                n_without_position=facts["n_without_position"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"The plane {path} cannot be opened ({error}); build the store again."
            ) from error


def map_order(
    x: NDArray[np.float32], y: NDArray[np.float32]
) -> tuple[Square, NDArray[np.intp], NDArray[np.uint64]]:
    """Sort the positioned ones of N rows into map order.

    Parameters
    ----------
    x, y : (N,) float32
        Coordinates; a row with either not finite has no position.

    Returns
    -------
    tuple
        The square, the (N',) row indices in map order (ties in the given order) and their sorted
        (N',) Morton codes.
    """
    positioned = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    square = Square.around(x[positioned], y[positioned])
    settled = (square.settle(values[positioned]) for values in (x, y))
    codes = morton_codes(*square.quantize(*settled))
    order = np.argsort(codes, kind="stable")
    return square, positioned[order], codes[order]


def write_plane(
    path: Path, x: NDArray[np.float32], y: NDArray[np.float32], labels: tuple[str, str]
) -> None:
    """Write the plane directory `path`, named after the plane, for N store rows.

    Parameters
    ----------
    path : Path
        Directory to make; its name is the plane's name.
    x, y : (N,) float32
        Coordinates in store order; rows that are not finite are left out and counted.
    labels : tuple of str
        Titles of the x and the y axis.
    """
    square, order, codes = map_order(x, y)
    cells = CellIndex.of_codes(square, codes)
    is_store_order = bool(np.array_equal(order, np.arange(len(order))))
    path.mkdir(parents=True)
    np.save(path / "x.npy", square.settle(x[order]))
    np.save(path / "y.npy", square.settle(y[order]))
    np.save(path / "cells.npy", cells.offsets)
    if not is_store_order:
        np.save(path / "rows.npy", order.astype(np.uint32))
        places = np.full(len(x), _NO_PLACE, np.uint32)
        places[order] = np.arange(len(order), dtype=np.uint32)
        np.save(path / "places.npy", places)
    facts = {
        "name": path.name,
        "x_label": labels[0],
        "y_label": labels[1],
        "extent": [*frame_limits(x[order]), *frame_limits(y[order])],
        "n_without_position": len(x) - len(order),
        "has_rows": not is_store_order,
        "level": cells.level,
        "square": {"x0": square.x0, "y0": square.y0, "size": square.size},
    }
    (path / "plane.json").write_text(json.dumps(facts, indent=1))


def frame_limits(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the limits of the first picture along one axis, for (N',) finite coordinates.

    All values with a margin of 3 %; where a few far ones would squeeze the inner 99.8 % into less
    than a quarter of the frame, the inner ones only.
    """
    if len(values) == 0:
        return 0.0, 1.0
    sample = values[:: max(1, len(values) // _CORE_SAMPLE)].astype(np.float64)
    core_low, core_high = np.quantile(sample, _CORE)
    low, high = float(values.min()), float(values.max())
    if high - low > _MAX_STRETCH * (core_high - core_low) > 0:
        low, high = float(core_low), float(core_high)
    margin = _MARGIN * (high - low) or 0.5
    return low - margin, high + margin


def _picked_bits(words: Words, rows: NDArray[np.uint32], n_words: int) -> Words:
    """Return the bits of some rows, (M,), in their order; those beyond the last word are 0."""
    picked, padded = np.zeros(n_words, np.uint64), np.append(words, np.uint64(0))
    cuts = np.linspace(0, n_words, _N_SHARES + 1).astype(np.int64).tolist()

    def pick(first: int, stop: int) -> None:
        _pick_bits(padded, rows[64 * first : 64 * stop], picked[first:stop])

    list(threads().map(pick, cuts[:-1], cuts[1:]))
    return picked


@numba.njit(nogil=True, cache=True)
def _pick_bits(words: Words, rows: NDArray[np.uint32], picked: Words) -> None:
    """Pick bits; the last word stands for all rows beyond."""
    n_whole, last = len(rows) >> 6, np.uint64(len(words) - 1)
    for w in range(n_whole):
        word = np.uint64(0)
        for place in range(64):  # a fixed number of turns: the processor runs them side by side
            row = np.uint64(rows[64 * w + place])
            bit = (words[min(row >> np.uint64(6), last)] >> (row & np.uint64(63))) & np.uint64(1)
            word |= bit << np.uint64(place)
        picked[w] = word
    for place in range(64 * n_whole, len(rows)):
        row = np.uint64(rows[place])
        bit = (words[min(row >> np.uint64(6), last)] >> (row & np.uint64(63))) & np.uint64(1)
        picked[n_whole] |= bit << np.uint64(place & 63)
