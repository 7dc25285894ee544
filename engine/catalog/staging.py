"""Columns of a store while it is built: one file each, so that memory holds one column at a time.

`columns.arrow` must hold every column as one contiguous piece (it is mapped), and an Arrow record
batch is written all columns at once. So columns are staged as plain arrays, mapped, and written
from the map.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.scoring.gate import POPULATIONS

from .folder import CatalogFolder
from .manifest import StoredColumn
from .schema import Column

NULL_CODE = -1
# In every legend, whether or not this catalog has such objects: asking for none is no error.
_VOCABULARIES = {"population": POPULATIONS, "worst_arm": ("B", "R", "Z")}


class Staging:
    """The columns gathered so far, in map order, under a temporary directory.

    Parameters
    ----------
    path : Path
        Directory to make.
    folder : CatalogFolder
        Where columns come from.
    places : (N,) integer
        Store row of each catalog row.
    """

    def __init__(self, path: Path, folder: CatalogFolder, places: NDArray[np.integer]) -> None:
        path.mkdir(parents=True)
        self.path = path
        self.folder = folder
        self.places = places
        self.columns: dict[str, StoredColumn] = {}
        self.legends: dict[str, tuple[str, ...]] = {}

    def gather(self, column: Column) -> None:
        """Bring one column of the catalog into map order and keep it."""
        if column.dtype == "string":
            values, legend = self._codes(column)
            self.add_category(column, values, legend)
            return
        values = self.numbers(column)
        kind = {"f": "float", "i": "integer"}[values.dtype.kind]
        if column.dtype == "bool":
            kind = "bool"
        self.add(column, values, kind)

    def add(self, column: Column, values: NDArray[Any], kind: str) -> None:
        """Keep the (N,) values of a column that is not a category."""
        null = {"float": None, "bits": None, "bool": NULL_CODE}.get(kind, _smallest(values.dtype))
        is_null = np.isnan(values) if kind == "float" else values == null
        n_null = 0 if kind == "bits" else int(np.count_nonzero(is_null))
        np.save(self.path / f"{column.name}.npy", values)
        self.columns[column.name] = StoredColumn(
            name=column.name,
            catalog_name=column.catalog_name,
            kind=kind,
            dtype=values.dtype.name,
            unit=column.unit,
            meaning=column.meaning,
            null=null,
            n_null=n_null,
        )

    def add_category(
        self, column: Column, codes: NDArray[np.signedinteger], legend: tuple[str, ...]
    ) -> None:
        """Keep the (N,) codes of a category, in the smallest type that fits its legend."""
        narrow = codes.astype(np.min_scalar_type(-max(len(legend), 1) - 1))
        np.save(self.path / f"{column.name}.npy", narrow)
        self.legends[column.name] = legend
        self.columns[column.name] = StoredColumn(
            name=column.name,
            catalog_name=column.catalog_name,
            kind="category",
            dtype=narrow.dtype.name,
            unit=column.unit,
            meaning=column.meaning,
            null=NULL_CODE,
            n_null=int(np.count_nonzero(narrow == NULL_CODE)),
            n_legend=len(legend),
        )

    def get(self, name: str) -> NDArray[Any]:
        """Return a kept column, (N,), mapped."""
        return np.load(self.path / f"{name}.npy", mmap_mode="r", allow_pickle=False)

    def text(self, name: str) -> NDArray[np.object_]:
        """Return a kept category as (N,) strings, the empty string for null."""
        return np.array([*self.legends[name], ""], dtype=object)[self.get(name)]

    def numbers(self, column: Column) -> NDArray[Any]:
        """Gather a numeric column: (N,) floats with NaN, or integers with their smallest value."""
        dtype = np.dtype("int8" if column.dtype == "bool" else column.dtype)
        null = NULL_CODE if column.dtype == "bool" else _smallest(dtype)
        gathered = np.full(len(self.places), null, dtype)
        for where, values in self.folder.read(column.catalog_name):
            if values is not None:
                gathered[self.places[where]] = _filled(values, dtype, null, column)
        return gathered

    def _codes(self, column: Column) -> tuple[NDArray[np.int32], tuple[str, ...]]:
        gathered = np.full(len(self.places), NULL_CODE, np.int32)
        found = {value: code for code, value in enumerate(_VOCABULARIES.get(column.name, ()))}
        for where, values in self.folder.read(column.catalog_name):
            if values is None:
                continue
            encoded = values.dictionary_encode()
            meanings = [found.setdefault(v, len(found)) for v in encoded.dictionary.to_pylist()]
            codes = encoded.indices.fill_null(len(meanings)).to_numpy(zero_copy_only=False)
            gathered[self.places[where]] = np.array([*meanings, NULL_CODE], np.int32)[codes]
        legend = sorted(found)
        sorted_codes = np.empty(len(legend) + 1, np.int32)
        sorted_codes[[found[value] for value in legend]] = np.arange(len(legend))
        sorted_codes[-1] = NULL_CODE
        return sorted_codes[gathered], tuple(legend)

    def seal(self, path: Path) -> None:
        """Write all kept columns as one uncompressed Arrow file and drop the staged ones."""
        arrays = {name: np.asarray(self.get(name)) for name in self.columns}
        batch = pa.RecordBatch.from_arrays(
            [pa.array(array) for array in arrays.values()], names=list(arrays)
        )
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
            writer.write_batch(batch)
        for name in arrays:
            (self.path / f"{name}.npy").unlink()
        self.path.rmdir()


def _smallest(dtype: np.dtype) -> float | int:
    return np.nan if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _filled(values: pa.Array, dtype: np.dtype, null: float | int, column: Column) -> NDArray[Any]:
    if column.dtype == "bool":
        values = values.cast(pa.int8())
    numbers = values.fill_null(null).to_numpy(zero_copy_only=False)
    if dtype.kind == "i" and np.count_nonzero(numbers == null) != values.null_count:
        raise StoreError(
            f"Column {column.catalog_name} holds {null}, which the store keeps for null; "
            "mark it null in the catalog."
        )
    return numbers
