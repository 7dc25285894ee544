"""What vaex answers: expressions over all rows, virtual columns, statistics; out of core.

vaex sits behind this file so that it can be replaced. Its expression text is evaluated by Python,
so no text of a person ever reaches it: `grammar` reads that text and `translation` writes another.

vaex's own executor starts an event loop and patches the one that runs. So expressions are
evaluated chunk by chunk on threads of ours (NumPy works without the interpreter's lock), and
statistics, which need the executor, run on one thread that has no loop: all of it may be asked from
any thread.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

from .grammar import parse
from .named_column import NamedColumn, find_column
from .translation import Translation

if TYPE_CHECKING:
    import vaex

QUANTILES = (0.01, 0.16, 0.5, 0.84, 0.99)
# vaex plans for half a millisecond a chunk. A multiple of 64 rows, so that chunks share no word.
_CHUNK_ROWS = 2**20
_MAX_THREADS = 8  # more wait for each other while vaex plans
_threads = ThreadPoolExecutor(min(os.cpu_count() or 1, _MAX_THREADS), "vaex-chunk")
_executor = ThreadPoolExecutor(1, "vaex-statistics")


@dataclass(frozen=True)
class ColumnStatistics:
    """One column in numbers; null and NaN are in none of them.

    Parameters
    ----------
    count : int
        Objects that have a value.
    mean, minimum, maximum : float
        NaN where the count is 0.
    quantiles : tuple of float
        At 1, 16, 50, 84 and 99 %; each is a value that occurs, the lower of two neighbours.
    """

    count: int
    mean: float
    minimum: float
    maximum: float
    quantiles: tuple[float, ...]


class CatalogQuery:
    """Questions about all objects of a store; they may be asked from many threads.

    Parameters
    ----------
    store : Store
        An open store. Its mapped arrays are read, so a query costs nothing to make.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def close(self) -> None:
        """Do nothing: a query holds no file of its own."""

    def table(self, names: Sequence[str] | None = None) -> "vaex.DataFrame":
        """Return the store as a vaex DataFrame, for questions that are not asked here.

        Columns are as stored (categories are codes, nulls the values `describe` names).

        Parameters
        ----------
        names : sequence of str, optional
            Columns and latents (``latent_5``), each under the name given; all when not given, the
            latents among them.
        """
        from anomaly_explorer.engine.catalog.schema import LATENT_NAMES

        from .vaextable import open_table

        wanted = (*self.store.column_names, *LATENT_NAMES) if names is None else names
        return open_table(self.store, {name: find_column(self.store, name) for name in wanted})

    def mask(self, text: str) -> Mask:
        """Return which objects a condition is true for.

        Raises
        ------
        InputError
            When the text is no condition on this store; one line, with the character.
        """
        from .vaextable import open_table

        translation = Translation(self.store)
        asked = translation.condition(parse(text))
        n_rows = self.store.n_objects
        if isinstance(asked, bool):
            return Mask.all(n_rows) if asked else Mask.none(n_rows)
        mask = Mask.none(n_rows)
        packed = mask.words.view(np.uint8)

        def keep(start: int, bools: NDArray[np.bool_]) -> None:
            part = np.packbits(bools, bitorder="little")
            packed[start // 8 : start // 8 + len(part)] = part

        _evaluate(open_table(self.store, translation.columns), asked, keep)
        return mask

    def column(self, text: str) -> NDArray[np.float32]:
        """Return a number for every object, (N,); NaN where it is null.

        Raises
        ------
        InputError
            When the text is no number of this store; one line, with the character.
        """
        from .vaextable import open_table

        translation = Translation(self.store)
        asked = translation.number(parse(text))
        values = np.empty(self.store.n_objects, np.float32)
        if asked.constant is not None:
            with np.errstate(over="ignore"):
                values[:] = np.float64(asked.constant)
            return values
        table = open_table(self.store, translation.columns)
        _evaluate(table, asked.wide, _keep_in(values))
        return values

    def values(self, text: str, rows: ArrayLike) -> NDArray[np.float64]:
        """Return a number for M objects in the given order, (M,); NaN where it is null.

        Raises
        ------
        InputError
            When the text is no number of this store, or a row is none of it.
        """
        from .vaextable import take_table

        index = self.store.checked_rows(rows)
        translation = Translation(self.store)
        asked = translation.number(parse(text))
        if asked.constant is not None:
            return np.full(len(index), float(asked.constant))
        values = np.empty(len(index), np.float64)
        table = take_table(self.store, translation.columns, index)
        _evaluate(table, asked.wide, _keep_in(values))
        return values

    def statistics(self, names: Sequence[str]) -> dict[str, ColumnStatistics]:
        """Return the statistics of columns of numbers or booleans, and of latents, by name.

        Count, mean, minimum and maximum come from one vaex pass over each column. Quantiles are
        exact and taken from the mapped column: vaex's approximate ones divide the full range
        evenly, which a single extreme score makes useless.

        Raises
        ------
        InputError
            For an unknown column, or one whose values are no numbers.
        """
        columns = {name: find_column(self.store, name) for name in names}
        for name, column in columns.items():
            if column.kind not in ("float", "integer", "bool"):
                raise InputError(f"Column {name} is a {column.kind}; statistics need numbers.")
        return {
            name: _executor.submit(self._statistics, column).result()
            for name, column in columns.items()
        }

    def _statistics(self, column: NamedColumn) -> ColumnStatistics:
        from .vaextable import open_table

        # One column at a time: what vaex spends on planning grows with the square of the questions.
        table = open_table(self.store, {"c0": column})
        selection = None if column.null is None else f"c0 != {column.null}"
        # vaex sums integers in int64: the mean of TARGETIDs would overflow without a word. And its
        # minmax keeps what it has read: 8 bytes a row, for as long as the process lives.
        wide = table["c0"].astype("float64")
        asked = {"selection": selection, "delay": True}
        answers = [
            table.count("c0", **asked),
            table.mean(wide, **asked),
            table.min(wide, **asked),
            table.max(wide, **asked),
        ]
        table.execute()
        count, mean, minimum, maximum = (answer.get() for answer in answers)
        if not count:
            nothing = float("nan")
            return ColumnStatistics(0, nothing, nothing, nothing, (nothing,) * len(QUANTILES))
        quantiles = _quantiles(table.columns["c0"][:], column)
        return ColumnStatistics(int(count), float(mean), float(minimum), float(maximum), quantiles)


def _evaluate(
    table: "vaex.DataFrame", asked: str, keep: Callable[[int, NDArray[Any]], None]
) -> None:
    """Ask vaex for a number or truth per row; `keep` is given first rows and (n,) answers."""
    from .vaextable import evaluate_chunk

    n_rows = len(table)

    def one(start: int) -> None:
        with np.errstate(all="ignore"):  # what has no value is NaN, and that says it all
            keep(start, evaluate_chunk(table, asked, start, min(start + _CHUNK_ROWS, n_rows)))

    for _ in _threads.map(one, range(0, n_rows, _CHUNK_ROWS)):
        pass


def _keep_in(values: NDArray[np.floating]) -> Callable[[int, NDArray[np.float64]], None]:
    def keep(start: int, part: NDArray[np.float64]) -> None:
        values[start : start + len(part)] = part

    return keep


def _quantiles(values: NDArray[Any], column: NamedColumn) -> tuple[float, ...]:
    if column.kind == "float":
        values = values[~np.isnan(values)]
    elif column.null is not None:
        values = values[values != column.null]
    else:
        values = values.copy()
    places = [int(share * (len(values) - 1)) for share in QUANTILES]
    values.partition(places)
    return tuple(float(value) for value in values[places])
