"""Totals of every column over the whole store, per population: counted once, by the build.

Of a whole population, what is not in a selection need not be read then: it is the total without
the selection.
"""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.manifest import StoredColumn
from anomaly_explorer.engine.errors import StoreError

from .tally import Ruler, Tally

TOTALS_FILE = "totals.npz"
_POPULATION = "population"
_PARTS = ("edges", "center", "counts", "n_null", "sums", "limits")
_THREADS = 2
# Rows counted at once: their numbers take 8 MB.
_SLAB = 1 << 20


@dataclass(frozen=True)
class Totals:
    """Tallies of every column of a store, with the rulers they were made by.

    Parameters
    ----------
    rulers : dict of str to Ruler
        By name of the column.
    tallies : dict of str to Tally
        One group per code of `population`, and one more for rows without.
    """

    rulers: dict[str, Ruler]
    tallies: dict[str, Tally]

    def n_rows(self) -> NDArray[np.int64]:
        """Return the rows of each group, (G,)."""
        tally = self.tallies[_POPULATION]
        return tally.counts.sum(axis=1) + tally.n_null


def write_totals(
    store: Path, columns: Callable[[str], NDArray[Any]], described: Mapping[str, StoredColumn]
) -> Path:
    """Count every column of a store and write `totals.npz` into its directory.

    Parameters
    ----------
    store : Path
        The directory, which may be unfinished.
    columns : callable
        Name of a column -> its (N,) values as they are stored; called from two threads.
    described : mapping of str to StoredColumn
        All columns but the latents by name, `population` among them.

    Returns
    -------
    Path
        The file.
    """
    population = described[_POPULATION]
    codes, n_groups = columns(_POPULATION), population.n_legend + 1
    groups = np.where(codes < 0, population.n_legend, codes).astype(np.int8)

    def count(column: StoredColumn) -> dict[str, NDArray[Any]]:
        values = columns(column.name)
        ruler = Ruler.of_column(column, values)
        tally = Tally.empty(ruler, n_groups)
        for start in range(0, len(values), _SLAB):
            rows = np.arange(start, min(start + _SLAB, len(values)))
            tally.add(ruler, values, rows, groups[start : start + _SLAB])
        parts = (ruler.edges, np.array(ruler.center), *vars(tally).values())
        return {f"{column.name}.{part}": v for part, v in zip(_PARTS, parts, strict=True)}

    arrays: dict[str, NDArray[Any]] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for counted in pool.map(count, described.values()):
            arrays |= counted
    np.savez(store / TOTALS_FILE, **arrays)
    return store / TOTALS_FILE


def open_totals(store: Path, described: Mapping[str, StoredColumn]) -> Totals:
    """Read the totals of a store.

    Raises
    ------
    StoreError
        When the file is missing, damaged, or one of other columns.
    """
    rulers, tallies = {}, {}
    try:
        with (
            (store / TOTALS_FILE).open("rb") as file,
            np.load(file, allow_pickle=False) as arrays,
        ):
            for name, column in described.items():
                edges, center, *counted = (arrays[f"{name}.{part}"] for part in _PARTS)
                rulers[name] = Ruler.of_edges(column, edges, float(center))
                tallies[name] = Tally(*counted)
                if counted[0].shape[1] != rulers[name].n_steps:
                    raise ValueError(f"column {name} has other values")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise StoreError(
            f"{TOTALS_FILE} of the store {store} cannot be read ({error}); build the store again."
        ) from error
    return Totals(rulers, tallies)
