"""Columns of a store while it is built: one file each, so that memory holds a few at a time.

`columns.arrow` must hold every column as one contiguous piece (it is mapped), and an Arrow record
batch is written all columns at once. So columns are staged as plain arrays, mapped, and written
from the map.
"""

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anomaly_explorer.engine.mapped import mapped

from .folder import CatalogFolder
from .gather import NULL_CODE, Codes, Numbers, code_type, gatherer, null_of
from .journal import Journal
from .manifest import StoredColumn
from .schema import CALIBRATED, Column

_THREADS = 2
_STAGE = "column "


class Staging:
    """The columns gathered so far, in map order.

    Parameters
    ----------
    store : Path
        The unfinished store; legends are written straight into it.
    folder : CatalogFolder
        Where columns come from.
    journal : Journal
        Knows which columns are complete; their arrays stand in its folder.
    """

    def __init__(self, store: Path, folder: CatalogFolder, journal: Journal) -> None:
        self.path = journal.folder / "columns"
        self.folder = folder
        self._store = store
        self._journal = journal
        self.path.mkdir(exist_ok=True)
        (store / "legends").mkdir(exist_ok=True)

    @property
    def columns(self) -> dict[str, StoredColumn]:
        """Return what is known of each column that is complete, by name."""
        names = [s.removeprefix(_STAGE) for s in self._journal.stages if s.startswith(_STAGE)]
        return {name: StoredColumn(**self._journal[_STAGE + name]) for name in names}

    def has(self, column: Column) -> bool:
        """Return whether a column is complete."""
        return _STAGE + column.name in self._journal

    def gather(self, columns: Sequence[Column], places: NDArray[np.integer]) -> None:
        """Bring columns of the catalog into map order in one pass, and keep them.

        Parameters
        ----------
        columns : sequence of Column
        places : (N,) integer
            Store row of each catalog row.
        """
        for gathered in self._gathered(columns, places):
            self.add_gathered(gathered)

    def gather_calibrated(self, places: NDArray[np.integer]) -> None:
        """Bring the columns of the calibrated score into map order: all null without one.

        `places` is (N,), the store row of each catalog row.
        """
        gathered = [gatherer(column, len(places)) for column in CALIBRATED]
        for where, arrays in self.folder.calibrated():
            rows = places[where].astype(np.intp)
            for one, values in zip(gathered, arrays, strict=True):
                one.put(rows, values)
        for one in gathered:
            self.add_gathered(one)

    def add_gathered(self, gathered: Numbers | Codes) -> None:
        """Keep a column that was gathered."""
        if isinstance(gathered, Codes):
            self.add_category(gathered.column, *gathered.sorted())
        else:
            is_bool = gathered.column.dtype == "bool"
            kind = "bool" if is_bool else {"f": "float", "i": "integer"}[gathered.dtype.kind]
            self.add(gathered.column, gathered.values, kind)

    def numbers(self, column: Column, places: NDArray[np.integer]) -> NDArray[Any]:
        """Return a numeric column in map order, (N,), without keeping it."""
        (gathered,) = self._gathered([column], places)
        return gathered.values

    def codes(
        self, column: Column, places: NDArray[np.integer]
    ) -> tuple[NDArray[np.signedinteger], tuple[str, ...]]:
        """Return the codes, (N,) in map order, and the legend of a category; keep neither."""
        (gathered,) = self._gathered([column], places)
        return gathered.sorted()

    def _gathered(self, columns: Sequence[Column], places: NDArray[np.integer]) -> list[Any]:
        gathered = [gatherer(column, len(places)) for column in columns]
        with ThreadPoolExecutor(_THREADS) as threads:
            for where, arrays in self.folder.read([c.catalog_name for c in columns]):
                rows = places[where].astype(np.intp)
                jobs = [
                    threads.submit(one.put, rows, values)
                    for one, values in zip(gathered, arrays, strict=True)
                    if values is not None
                ]
                for job in jobs:
                    job.result()
        return gathered

    def add(self, column: Column, values: NDArray[Any], kind: str) -> None:
        """Keep the (N,) values of a column that is not a category."""
        null = {"float": None, "bits": None, "bool": NULL_CODE}.get(kind, null_of(values.dtype))
        is_null = np.isnan(values) if kind == "float" else values == null
        n_null = 0 if kind == "bits" else int(np.count_nonzero(is_null))
        self._keep(column, values, {"kind": kind, "null": null, "n_null": n_null})

    def add_category(
        self, column: Column, codes: NDArray[np.signedinteger], legend: tuple[str, ...]
    ) -> None:
        """Keep the (N,) codes of a category, in the smallest type that fits its legend."""
        narrow = codes.astype(code_type(len(legend)), copy=False)
        legend_path = self._store / "legends" / f"{column.name}.json"
        legend_path.write_text(json.dumps(legend), "utf-8")
        n_null = int(np.count_nonzero(narrow == NULL_CODE))
        facts = {"kind": "category", "null": NULL_CODE, "n_null": n_null, "n_legend": len(legend)}
        self._keep(column, narrow, facts)

    def _keep(self, column: Column, values: NDArray[Any], facts: dict[str, Any]) -> None:
        np.save(self.path / f"{column.name}.npy", values)
        stored = StoredColumn(
            name=column.name,
            catalog_name=column.catalog_name,
            dtype=values.dtype.name,
            unit=column.unit,
            meaning=column.meaning,
            **facts,
        )
        self._journal.finish(_STAGE + column.name, asdict(stored))

    def get(self, name: str) -> NDArray[Any]:
        """Return a kept column, (N,), mapped; of a category its codes."""
        return mapped(self.path / f"{name}.npy")

    def legend(self, name: str) -> tuple[str, ...]:
        """Return the legend of a kept category, sorted."""
        return tuple(json.loads((self._store / "legends" / f"{name}.json").read_text("utf-8")))

    def seal(self, names: Sequence[str]) -> None:
        """Write columns, in this order, as one uncompressed Arrow file; drop the staged ones."""
        arrays = [pa.array(self.get(name)) for name in names]
        batch = pa.RecordBatch.from_arrays(arrays, names=list(names))
        path = str(self._store / "columns.arrow")
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)

    def drop(self) -> None:
        """Delete the staged columns."""
        shutil.rmtree(self.path, ignore_errors=True)
