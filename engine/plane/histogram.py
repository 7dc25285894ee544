"""Histograms that follow every filter: the bin of each object is on disk, a byte each.

Files of a store's ``histograms`` folder: ``<name>.u8.npy`` (N,) uint8 codes in store order and
``histograms.json`` with the edges. Counting reads the codes and the bits of a mask, nothing else.
Compiled functions here call none of another file.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.mapped import mapped

from .mask import Mask, Words

N_BINS = 120
# Codes that are no bin: below the first edge, above the last one, no value.
BELOW, ABOVE, NULL = 253, 254, 255
# Values taken at a time while codes are written: the memory of a build stays small.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class Axis:
    """The bins of a histogram.

    Parameters
    ----------
    edges : tuple of float
        At most 254, rising; of each bin the lower edge is inside, of the last one both.
    is_log : bool
        Whether the bins are even in the logarithm.

    Examples
    --------
    >>> import numpy as np
    >>> Axis((0.0, 1.0, 2.0)).codes(np.array([0.5, 1, 2, -1, np.nan], np.float32)).tolist()
    [0, 1, 1, 253, 255]
    """

    edges: tuple[float, ...]
    is_log: bool = False

    def __post_init__(self) -> None:
        if not 2 <= len(self.edges) <= BELOW + 1 or np.any(np.diff(self.edges) <= 0):
            raise ValueError(f"{len(self.edges)} edges that must be 2 to 254 and rise")

    def codes(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Return the bin of each of (M,) values, or that it is in none."""
        edges = np.array(self.edges)
        bins = np.searchsorted(edges, values, side="right") - 1
        bins[values == edges[-1]] = len(edges) - 2
        codes = bins.astype(np.uint8)
        codes[values < edges[0]] = BELOW
        codes[values > edges[-1]] = ABOVE
        codes[np.isnan(values)] = NULL
        return codes


@dataclass(frozen=True, eq=False)
class Histogram:
    """The bins of one column of a store.

    Parameters
    ----------
    name : str
        Name of the column.
    axis : Axis
        B bins.
    codes : (N,) uint8
        Bin of each object in store order, mapped; 253 below, 254 above, 255 without value.
    """

    name: str
    axis: Axis
    codes: NDArray[np.uint8]

    def counts(self, mask: Mask) -> NDArray[np.int64]:
        """Return how many objects of a mask each bin has, (B,); those in no bin are left out."""
        counted = np.zeros((4, 256), np.int64)
        _count(self.codes, mask.words, counted)
        return counted.sum(axis=0)[: len(self.axis.edges) - 1]


def write_codes(path: Path, values: NDArray[np.floating], axis: Axis) -> None:
    """Write the bin of each of (N,) values to an .npy file of uint8."""
    codes = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(values),))
    for start in range(0, len(values), _CHUNK):
        codes[start : start + _CHUNK] = axis.codes(values[start : start + _CHUNK])
    codes.flush()


def write_histograms(store: Path, columns: Callable[[str], NDArray[np.floating]]) -> None:
    """Write the histograms of scores, S/N and redshift of a store that is being built.

    The calibrated score has one only where some object has that score.

    Parameters
    ----------
    store : Path
        Its directory; ``histograms`` is made in it.
    columns : callable
        Gives the (N,) values of a column by name, NaN where there is none.
    """
    folder = store / "histograms"
    folder.mkdir()
    facts = {}
    for name, (is_log, low, high) in _RANGES.items():
        values = columns(name)
        if name in _OPTIONAL and np.isnan(values).all():
            continue
        axis = _fitting_axis(values, is_log, (low, high))
        write_codes(folder / f"{name}.u8.npy", values, axis)
        facts[name] = {"edges": axis.edges, "is_log": is_log}
    (folder / "histograms.json").write_text(json.dumps(facts, indent=1))


# Of each column: logarithmic or not, and the widest range that is worth bins.
_RANGES = {
    "score_mse": (True, 1e-4, 1e6),
    "sigma_astro": (False, -6.0, 40.0),
    "snr": (True, 1e-2, 1e4),
    "redshift": (False, -0.1, 8.0),
}
_OPTIONAL = ("sigma_astro",)


def open_histograms(store: Path) -> Mapping[str, Histogram]:
    """Map the histograms of a store, by name of the column.

    Raises
    ------
    StoreError
        When a file is missing or is not what `write_histograms` wrote.
    """
    folder = store / "histograms"
    try:
        facts: dict[str, Any] = json.loads((folder / "histograms.json").read_text())
        return {
            name: Histogram(name, Axis(tuple(fact["edges"]), bool(fact["is_log"])), _codes(
                folder / f"{name}.u8.npy"
            ))
            for name, fact in facts.items()
        }  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"The histograms {folder} cannot be opened ({error}); build the store again."
        ) from error


def _codes(path: Path) -> NDArray[np.uint8]:
    codes = mapped(path)
    if codes.dtype != np.uint8 or codes.ndim != 1:
        raise ValueError(f"{path.name} holds {codes.dtype}, expected a row of uint8")
    return codes


def _fitting_axis(values: NDArray[np.floating], is_log: bool, widest: tuple[float, float]) -> Axis:
    """Return even bins from the least to the largest value, as far as they are worth it."""
    inside = values[(values >= widest[0]) & (values <= widest[1])]
    low, high = (float(inside.min()), float(inside.max())) if len(inside) else (1.0, 2.0)
    if not high > low:
        low, high = (low / 2, low * 2) if is_log else (low - 0.5, low + 0.5)
    scale, undo = (math.log10, lambda v: 10.0**v) if is_log else (float, float)
    edges = [undo(v) for v in np.linspace(scale(low), scale(high), N_BINS + 1)]
    # Rounding of the logarithm must not leave the extreme values out.
    return Axis((low, *edges[1:-1], high), is_log)


@numba.njit(nogil=True, cache=True)
def _count(codes: NDArray[np.uint8], words: Words, counted: NDArray[np.int64]) -> None:
    """Add to four rows of counts in turn: equal neighbours would wait for each other."""
    n_whole = len(codes) >> 6
    for w in range(n_whole):
        word = words[w]
        if word == 0:
            continue
        for i in range(0, 64, 4):
            row = 64 * w + i
            for k in range(4):
                bit = (word >> np.uint64(i + k)) & np.uint64(1)
                counted[k, codes[row + k]] += np.int64(bit)
    for row in range(64 * n_whole, len(codes)):
        counted[0, codes[row]] += np.int64((words[row >> 6] >> np.uint64(row & 63)) & np.uint64(1))
