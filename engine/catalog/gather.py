"""One column of a catalog on its way into store order: numbers, or codes of a category."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.scoring.gate import POPULATIONS

from .schema import Column

NULL_CODE = -1
# In every legend, whether or not this catalog has such objects: asking for none is no error.
VOCABULARIES = {"population": POPULATIONS, "worst_arm": ("B", "R", "Z")}


class Numbers:
    """A numeric column: floats with NaN, or integers with their smallest value, for null.

    Parameters
    ----------
    column : Column
    n_objects : int
        N; `values` is (N,).
    """

    def __init__(self, column: Column, n_objects: int) -> None:
        self.column = column
        self.dtype = np.dtype("int8" if column.dtype == "bool" else column.dtype)
        self.null = NULL_CODE if column.dtype == "bool" else null_of(self.dtype)
        self.values: NDArray[Any] = np.full(n_objects, self.null, self.dtype)

    def put(self, places: NDArray[np.integer], values: pa.ChunkedArray) -> None:
        """Take the values of a batch, (n,), to their store rows, (n,)."""
        if self.column.dtype == "bool":
            values = values.cast(pa.int8())
        n_null = values.null_count
        numbers = (values.fill_null(self.null) if n_null else values).to_numpy()
        if self.dtype.kind == "i" and np.count_nonzero(numbers == self.null) != n_null:
            raise StoreError(
                f"Column {self.column.catalog_name} holds {self.null}, which the store keeps for "
                "null; mark it null in the catalog."
            )
        self.values[places] = numbers


class Codes:
    """A category: a code per object, whose meaning is known when all batches were seen.

    Parameters
    ----------
    column : Column
    n_objects : int
        N.
    """

    def __init__(self, column: Column, n_objects: int) -> None:
        self.column = column
        self._codes = np.full(n_objects, NULL_CODE, np.int32)
        words: Sequence[str] = VOCABULARIES.get(column.name, ())
        self._found = {word: code for code, word in enumerate(words)}

    def put(self, places: NDArray[np.integer], values: pa.ChunkedArray) -> None:
        """Take the values of a batch, (n,) dictionary-encoded, to their store rows, (n,)."""
        start = 0
        for chunk in values.chunks:
            words = chunk.dictionary.to_pylist()
            meanings = [NULL_CODE if w is None else self._found.setdefault(w, len(self._found))
                        for w in words]  # fmt: skip
            codes = chunk.indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
            there = places[start : start + len(chunk)]
            self._codes[there] = np.array([*meanings, NULL_CODE], np.int32)[codes]
            start += len(chunk)

    def sorted(self) -> tuple[NDArray[np.signedinteger], tuple[str, ...]]:
        """Return (N,) codes of the smallest type that fits, and the legend, sorted."""
        legend = sorted(self._found)
        new = np.full(len(legend) + 1, NULL_CODE, code_type(len(legend)))
        new[[self._found[word] for word in legend]] = np.arange(len(legend))
        return new[self._codes], tuple(legend)


def gatherer(column: Column, n_objects: int) -> Numbers | Codes:
    """Return what gathers a column of N objects."""
    return (Codes if column.dtype == "string" else Numbers)(column, n_objects)


def code_type(n_legend: int) -> np.dtype[Any]:
    """Return the smallest signed type that holds the codes of a legend and the null code."""
    return np.dtype(np.min_scalar_type(-max(n_legend, 1) - 1))


def null_of(dtype: np.dtype[Any]) -> float | int:
    """Return the stored value for null: NaN of floats, the smallest of integers."""
    return np.nan if dtype.kind == "f" else int(np.iinfo(dtype).min)
