"""What vaex answers: statistics over whole columns, out of core, on all processors.

vaex sits behind this file so that it can be replaced. Its expression text is evaluated by Python,
so no text of a person ever reaches it: names are checked against the store's columns, and the only
numbers in an expression are the store's null values.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .store import Store

QUANTILES = (0.01, 0.16, 0.5, 0.84, 0.99)


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
    """Questions about all objects of a store at once.

    Parameters
    ----------
    store : Store
        An open store; `close` releases vaex's map of it.
    """

    def __init__(self, store: Store) -> None:
        import vaex  # seconds to import, and most runs never ask

        self.store = store
        self._table = vaex.open(str(store.path / "columns.arrow"))

    def close(self) -> None:
        """Release the files."""
        self._table.close()

    def statistics(self, names: Sequence[str]) -> dict[str, ColumnStatistics]:
        """Return the statistics of columns of numbers or booleans.

        Count, mean, minimum and maximum come from one vaex pass over each column. Quantiles are
        exact and taken from the mapped column: vaex's approximate ones divide the full range
        evenly, which a single extreme score makes useless.

        Raises
        ------
        InputError
            For an unknown column, or one whose values are no numbers.
        """
        for name in names:
            kind = self.store.describe(name).kind
            if kind not in ("float", "integer", "bool"):
                raise InputError(f"Column {name} is a {kind}; statistics need numbers.")
        return {name: _statistics(self._ask(name), self._known(name)) for name in names}

    def _ask(self, name: str) -> list[Any]:
        # One column at a time: what vaex spends on planning grows with the square of the questions
        # and with every column in sight (half a minute for all, on a store of 1,000 rows).
        table = self._table[[name]]
        null = self.store.describe(name).null
        delayed = {"selection": None if null is None else f"{name} != {null}", "delay": True}
        # vaex sums integers in int64: the mean of TARGETIDs would overflow without a word.
        values = table[name].astype("float64")
        answers = [
            table.count(name, **delayed),
            table.mean(values, **delayed),
            table.minmax(name, **delayed),
        ]
        table.execute()
        return [answer.get() for answer in answers]

    def _known(self, name: str) -> NDArray[Any]:
        values, column = self.store.column(name), self.store.describe(name)
        return (
            values[~np.isnan(values)] if column.kind == "float" else values[values != column.null]
        )


def _statistics(answers: list[Any], known: NDArray[Any]) -> ColumnStatistics:
    count, mean, (minimum, maximum) = int(answers[0]), float(answers[1]), answers[2]
    if count == 0:
        nothing = float("nan")
        return ColumnStatistics(0, nothing, nothing, nothing, (nothing,) * len(QUANTILES))
    places = [int(share * (len(known) - 1)) for share in QUANTILES]
    quantiles = tuple(float(value) for value in np.partition(known, places)[places])
    return ColumnStatistics(count, mean, float(minimum), float(maximum), quantiles)
