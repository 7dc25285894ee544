"""A table of vaex over columns of a store: mapped ones as they are, latents as they are asked for.

The arrays are those the store has mapped, not the file of its name: that may have been built anew
since. Only the columns in question are in sight, as vaex spends time on every one it sees.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import vaex
from numpy.typing import NDArray
from vaex.dataset import DatasetArrays
from vaex.scopes import _BlockScope

from anomaly_explorer.engine.catalog.store import Store

from .named_column import NamedColumn
from .quantity import FUNCTIONS


def _number(values: NDArray[np.integer], null: int) -> NDArray[np.float64]:
    return np.where(values == null, np.nan, values).astype(np.float64)


def _register_functions() -> None:
    """Give vaex our functions, under names no column and none of its own functions has."""
    ours = {
        **FUNCTIONS,
        "wide": lambda values: values.astype(np.float64),
        "number": _number,
        "known": lambda values: ~np.isnan(values),
        "unknown": np.isnan,
    }
    for name, function in ours.items():
        vaex.register_function(name=f"our_{name}", on_expression=False)(function)


_register_functions()


class LatentColumn(vaex.column.Column):
    """One latent of the rows `start` to `stop` of a store, read from its blocks on demand."""

    def __init__(self, store: Store, latent: int, start: int, stop: int) -> None:
        self._store = store
        self._latent = latent
        self._start = start
        self._stop = stop
        self.dtype = np.dtype(np.float32)
        self.shape = (stop - start,)

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        start, stop, _ = part.indices(len(self))
        return _read_latent(self._store, self._latent, self._start + start, self._start + stop)

    def trim(self, start: int, stop: int) -> "LatentColumn":
        """Return some of its rows, counted from its first."""
        return LatentColumn(self._store, self._latent, self._start + start, self._start + stop)

    def _fingerprint(self) -> str:
        return f"latent-{self._store.path}-{self._latent}-{self._start}-{self._stop}"


def open_table(store: Store, columns: Mapping[str, NamedColumn]) -> Any:
    """Return a vaex DataFrame of columns of a store, N rows, under the names given."""
    arrays = {
        name: store.column(column.name)
        if column.latent is None
        else LatentColumn(store, column.latent, 0, store.n_objects)
        for name, column in columns.items()
    }
    # Hashing reads every value, and serves a cache we do not use.
    return vaex.from_dataset(DatasetArrays(arrays, hashed=False))


def take_table(store: Store, columns: Mapping[str, NamedColumn], rows: NDArray[np.int64]) -> Any:
    """Return a vaex DataFrame of the same columns at some rows, (M,) in any order."""
    arrays = {
        name: store.column(column.name)[rows]
        if column.latent is None
        else take_latent(store, column.latent, rows)
        for name, column in columns.items()
    }
    return vaex.from_dataset(DatasetArrays(arrays, hashed=False))


def evaluate_chunk(table: Any, text: str, start: int, stop: int) -> NDArray[Any]:
    """Return what vaex makes of an expression on n = stop - start rows, (n,).

    `DataFrame.evaluate` does this after parsing the text again for each chunk, by `ast`, which
    Python 3.11 does not bear from several threads ("AST constructor recursion depth mismatch").
    """
    columns = {name: column[start:stop] for name, column in table.columns.items()}
    return np.asarray(_BlockScope(table, start, stop, values=columns).evaluate(text))


def _read_latent(store: Store, latent: int, start: int, stop: int) -> NDArray[np.float32]:
    size = store.latent_block_rows
    values = np.empty(max(stop - start, 0), np.float32)
    for index in range(start // size, -(-stop // size)):
        first, last = max(start, index * size), min(stop, (index + 1) * size)
        block = store.latent_block(index)[latent]
        values[first - start : last - start] = block[first - index * size : last - index * size]
    return values


def take_latent(store: Store, latent: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return one latent of M rows in the given order, (M,): block by block, as they lie."""
    size = store.latent_block_rows
    values = np.empty(len(rows), np.float32)
    order = np.argsort(rows, kind="stable")
    blocks = rows[order] // size
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    for part in np.split(order, starts[1:]) if len(rows) else ():
        index = int(rows[part[0]]) // size
        values[part] = store.latent_block(index)[latent][rows[part] - index * size]
    return values
