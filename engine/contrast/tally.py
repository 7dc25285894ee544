"""How often a column has each of its values, or values between its steps, in groups of rows.

Compiled functions here call none of another file: numba's disk cache would keep what that file
said before it changed.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.manifest import StoredColumn

N_STEPS = 1024
N_BITS = 32
# Enough that the steps are the 0.1 % they are meant to be, within a tenth of that.
_SAMPLED = 1 << 17
_RUN = 256
# Evenly through the values, and finer and finer towards both ends: rare objects live there.
_TAIL = 2.0 ** -np.arange(10, 17)
_LEVELS = np.sort(np.concatenate([np.linspace(0, 1, 1000), _TAIL, 1 - _TAIL]))


@dataclass(frozen=True)
class Ruler:
    """What the values of a column are counted by.

    Parameters
    ----------
    kind : str
        ``numbers``, by steps; ``codes``, by value (categories, and booleans as 0 and 1); ``bits``.
    null : int or float
        The stored value that stands for null; NaN where there is none.
    edges : (S,) of the type of the column
        Step i holds the values from ``edges[i]`` to before ``edges[i + 1]``, the first one also
        what is below and the last one also what is above. Empty for codes and bits.
    n_steps : int
        S, the number of codes, or that of bits.
    center : float
        Near the middle of the numbers: sums are taken about it, to lose no digits.
    """

    kind: str
    null: float
    edges: NDArray[Any]
    n_steps: int
    center: float = 0.0

    @classmethod
    def of_column(cls, column: StoredColumn, values: NDArray[Any]) -> "Ruler":
        """Make the ruler of a column from its (N,) values: about 1,000 steps of as many rows."""
        if column.kind not in ("float", "integer"):
            return cls.of_edges(column, np.empty(0, values.dtype))
        known = np.sort(_some(values))
        known = known[np.isfinite(known) & (known != column.null)]
        if len(known) == 0:
            return cls.of_edges(column, np.zeros(1, values.dtype))
        places = np.floor(_LEVELS * (len(known) - 1)).astype(np.intp)
        return cls.of_edges(column, np.unique(known[places]), float(known[len(known) // 2]))

    @classmethod
    def of_edges(cls, column: StoredColumn, edges: NDArray[Any], center: float = 0.0) -> "Ruler":
        """Make the ruler of a column from its edges, which only numbers have."""
        null = np.nan if column.null is None else column.null
        if column.kind in ("bool", "category"):
            return cls("codes", null, edges, 2 if column.kind == "bool" else column.n_legend)
        if column.kind == "bits":
            return cls("bits", null, edges, N_BITS)
        return cls("numbers", null, edges, len(edges), center)


@dataclass(frozen=True)
class Tally:
    """What was counted of a column, in G groups.

    Parameters
    ----------
    counts : (G, S) int64
        Rows in each step, of each code, or with each bit.
    n_null : (G,) int64
        Rows with null, NaN or an infinite number.
    sums : (G, 2) float64
        Sum of the differences from the center of the ruler, and of their squares.
    limits : (G, 2) float64
        Smallest and largest number; infinite where there is none.
    """

    counts: NDArray[np.int64]
    n_null: NDArray[np.int64]
    sums: NDArray[np.float64]
    limits: NDArray[np.float64]

    @classmethod
    def empty(cls, ruler: Ruler, n_groups: int) -> "Tally":
        """Return the tally of no row."""
        return cls(
            np.zeros((n_groups, ruler.n_steps), np.int64),
            np.zeros(n_groups, np.int64),
            np.zeros((n_groups, 2)),
            np.tile([np.inf, -np.inf], (n_groups, 1)),
        )

    def add(
        self,
        ruler: Ruler,
        values: NDArray[Any],
        rows: NDArray[np.int64],
        groups: NDArray[np.int8],
    ) -> None:
        """Count M rows of the (N,) values of a column, each in its group, (M,)."""
        if ruler.kind == "bits":
            _count_bits(values, rows, groups, self.counts)
            return
        if ruler.kind == "codes":
            _count_codes(values, rows, groups, (self.counts, self.n_null))
            return
        edges = np.full(N_STEPS, ruler.edges[-1])
        edges[: len(ruler.edges)] = ruler.edges
        measure = (edges, ruler.n_steps, ruler.null, ruler.center)
        found = (self.counts, self.n_null, self.sums, self.limits)
        _count_numbers(values, rows, groups, measure, found)

    def joined(self, groups: slice = slice(None)) -> "Tally":
        """Return the tally of several groups as one."""
        limits = self.limits[groups]
        return Tally(
            self.counts[groups].sum(axis=0, keepdims=True),
            self.n_null[groups].sum(keepdims=True),
            self.sums[groups].sum(axis=0, keepdims=True),
            np.array([[limits[:, 0].min(), limits[:, 1].max()]]),
        )

    def without(self, part: "Tally") -> "Tally":
        """Return the tally of the rows that are not in a part; the limits stay as they are."""
        return Tally(
            self.counts - part.counts,
            self.n_null - part.n_null,
            self.sums - part.sums,
            self.limits,
        )


def _some(values: NDArray[Any]) -> NDArray[Any]:
    """Return about 131,000 values, in runs: the neighbors of a value on disk cost nothing."""
    n_runs = _SAMPLED // _RUN
    if len(values) <= 2 * _SAMPLED:
        return np.array(values)
    starts = np.linspace(0, len(values) - _RUN, n_runs).astype(np.int64)
    return np.concatenate([values[start : start + _RUN] for start in starts])


@numba.njit(nogil=True, cache=True)
def _count_numbers(
    values: NDArray[Any],
    rows: NDArray[np.int64],
    groups: NDArray[np.int8],
    measure: tuple[NDArray[Any], int, float, float],
    found: tuple[NDArray[Any], ...],
) -> None:
    """Count numbers by steps, their edges filled up to `N_STEPS` with the last one."""
    edges, n_steps, null, center = measure
    counts, n_null, sums, limits = found
    for i in range(len(rows)):
        value, group = values[rows[i]], groups[i]
        if value == null or value - value != 0:
            n_null[group] += 1
            continue
        step, width = 0, N_STEPS // 2
        while width > 0:
            step += width if edges[step + width] <= value else 0
            width //= 2
        counts[group, min(step, n_steps - 1)] += 1
        number = np.float64(value)
        sums[group, 0] += number - center
        sums[group, 1] += (number - center) ** 2
        limits[group, 0] = min(limits[group, 0], number)
        limits[group, 1] = max(limits[group, 1], number)


@numba.njit(nogil=True, cache=True)
def _count_codes(
    codes: NDArray[np.signedinteger],
    rows: NDArray[np.int64],
    groups: NDArray[np.int8],
    found: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """Count codes from 0; less is null."""
    counts, n_null = found
    for i in range(len(rows)):
        code = codes[rows[i]]
        if code < 0:
            n_null[groups[i]] += 1
        else:
            counts[groups[i], code] += 1


@numba.njit(nogil=True, cache=True)
def _count_bits(
    bits: NDArray[np.unsignedinteger],
    rows: NDArray[np.int64],
    groups: NDArray[np.int8],
    counts: NDArray[np.int64],
) -> None:
    """Count the rows that have each of the bits."""
    for i in range(len(rows)):
        value = np.uint64(bits[rows[i]])
        if value == 0:  # of nearly all rows
            continue
        for bit in range(N_BITS):
            counts[groups[i], bit] += np.int64(value >> np.uint64(bit) & np.uint64(1))
