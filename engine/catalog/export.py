"""Export objects to the formats astronomers and tables use, under the catalog's column names.

All formats are made from the same Arrow pieces, read from the mapped store, a chunk of rows at a
time: an export of 22.5 million objects takes no more memory than one of a hundred thousand, and
can be sent while it is made. vaex writes CSV and Parquet too, but knows the store's null values
only as numbers; and its CSV writer goes through pandas, where a column of integers with one null
becomes float64 and loses the low bits of every TARGETID.
"""

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import WORD, Mask

from .names import unknown_name
from .outlet import Outlet
from .provenance import provenance_of
from .schema import BY_NAME, LATENT_NAMES
from .store import Store

CHUNK_ROWS = 32_768


@dataclass(frozen=True)
class Selected:
    """The objects of a store to export, and whether with their latents.

    Parameters
    ----------
    store : Store
        Where from.
    rows : (M,) int64 or Mask
        Which: row numbers in the order they are written, or a mask, in the order of the store.
    has_latents : bool
        Whether the 128 latents follow the columns.
    """

    store: Store
    rows: NDArray[np.int64] | Mask
    has_latents: bool = False

    @property
    def n_objects(self) -> int:
        """Return M."""
        return self.rows.count if isinstance(self.rows, Mask) else len(self.rows)

    @cached_property
    def provenance(self) -> dict[str, str]:
        """Return what every export says of itself, as text."""
        return provenance_of(self.store, self.n_objects, self.chunks())

    @cached_property
    def schema(self) -> pa.Schema:
        """Return names, types and units of the exported columns, with the provenance."""
        return self._table(np.empty(0, np.int64)).schema.with_metadata(self.provenance)

    def chunks(self) -> Iterator[NDArray[np.int64]]:
        """Yield the rows, (K,) int64 at a time."""
        if isinstance(self.rows, Mask):
            yield from _mask_chunks(self.rows)
            return
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield self.rows[start : start + CHUNK_ROWS]

    def tables(self) -> Iterator[pa.Table]:
        """Yield the objects in chunks, decoded: text for codes, null for null."""
        for rows in self.chunks():
            yield self._table(rows).replace_schema_metadata(self.schema.metadata)

    def width(self, name: str) -> int:
        """Return the bytes of the longest text that a column of text can hold, at least 1."""
        return max((len(as_ascii(t)) for t in self.store.legend(name)), default=1) or 1

    def has_null(self, name: str) -> bool:
        """Return whether a column that is no float is null for one of the objects."""
        values, null = self.store.column(name), self.store.describe(name).null
        return any(bool((values[rows] == null).any()) for rows in self.chunks())

    def _table(self, rows: NDArray[np.int64]) -> pa.Table:
        store = self.store
        arrays = [decoded(store, name, rows) for name in store.column_names]
        columns = [store.describe(name) for name in store.column_names]
        fields = [
            _field(c.catalog_name, a, c.unit, c.meaning)
            for c, a in zip(columns, arrays, strict=True)
        ]
        if self.has_latents:
            latents = store.latents(rows)
            for i, name in enumerate(LATENT_NAMES):
                column = BY_NAME[name]
                arrays.append(pa.array(latents[:, i]))
                fields.append(_field(column.catalog_name, arrays[-1], "", column.meaning))
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def stream_rows(
    store: Store, rows: ArrayLike | Mask, fmt: str, *, has_latents: bool = False
) -> Generator[bytes]:
    """Make the file of some objects piece by piece; nothing is kept of what was yielded.

    Parameters
    ----------
    store : Store
        N objects.
    rows : (M,) integer, or Mask
        Which: row numbers in the order they are written, or a mask of the N.
    fmt : str
        One of `FORMATS`. CSV has no place for provenance (a comment line breaks most readers): its
        columns `model_id` and `is_simulated` say it. The other formats carry units and provenance.
    has_latents : bool
        Whether to add the 128 latents, which are stored as float16.

    Returns
    -------
    generator of bytes
        Closing it early is fine.

    Raises
    ------
    InputError
        For an unknown format, or a row that is not in the store.
    """
    if fmt not in FORMATS:
        raise InputError(unknown_name("export format", fmt, tuple(FORMATS)))
    chosen = _checked(store, rows) if isinstance(rows, Mask) else store.checked_rows(rows)
    return FORMATS[fmt](Selected(store, chosen, has_latents))


def export_rows(
    store: Store, rows: ArrayLike | Mask, path: Path, fmt: str, *, has_latents: bool = False
) -> None:
    """Write objects to a file that appears under its name only when it is complete.

    Parameters are those of `stream_rows`; a file that is at `path` already is replaced.

    Raises
    ------
    InputError
        For an unknown format, a row that is not in the store, or a folder that is not there.
    """
    pieces = stream_rows(store, rows, fmt, has_latents=has_latents)
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} of the export does not exist; make it first.")
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{fmt}")
    try:
        with unfinished.open("wb") as file:
            file.writelines(pieces)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def decoded(store: Store, name: str, rows: NDArray[np.int64]) -> pa.Array:
    """Return a column at rows, (M,), as Arrow values: text for categories, null for null."""
    column = store.describe(name)
    values = store.column(name)[rows]
    if column.kind == "float":
        return pa.array(values)
    if column.kind == "bits":
        return pa.array(values.astype(np.int64))  # VOTable knows no unsigned integers
    is_null = values == column.null
    if column.kind == "category":
        codes = pa.array(values.astype(np.int32), mask=is_null)
        legend = pa.array(store.legend(name), pa.string())
        return pa.DictionaryArray.from_arrays(codes, legend).cast(pa.string())
    if column.kind == "bool":
        return pa.array(values == 1, mask=is_null)
    return pa.array(values, mask=is_null)


def as_ascii(text: str) -> str:
    """Escape what FITS cannot hold, such as a letter with an accent in a file name."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _checked(store: Store, mask: Mask) -> Mask:
    if mask.n_rows != store.n_objects:
        raise InputError(
            f"A mask of {mask.n_rows:,} rows came for a store of {store.n_objects:,} objects; "
            "make it from this store."
        )
    return mask


def _mask_chunks(mask: Mask) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of a mask; chunks of a sparse one are joined, to twice the size at most."""
    step = max(1, CHUNK_ROWS // WORD)
    waiting: list[NDArray[np.int64]] = []
    for start in range(0, len(mask.words), step):
        words = mask.words[start : start + step]
        waiting.append(Mask(words, WORD * len(words)).rows() + WORD * start)
        if sum(map(len, waiting)) >= CHUNK_ROWS:
            yield np.concatenate(waiting)
            waiting = []
    if any(len(rows) for rows in waiting):
        yield np.concatenate(waiting)


def _field(name: str, array: pa.Array, unit: str, meaning: str) -> pa.Field:
    return pa.field(name, array.type, metadata={"unit": unit, "meaning": meaning})


def _stream_csv(selected: Selected) -> Generator[bytes]:
    outlet = Outlet()
    with pa.csv.CSVWriter(outlet, selected.schema) as writer:
        for table in selected.tables():
            writer.write_table(table)
            yield outlet.take()
    yield outlet.take()


def _stream_parquet(selected: Selected) -> Generator[bytes]:
    outlet = Outlet()
    with pq.ParquetWriter(outlet, selected.schema, compression="zstd") as writer:
        for table in selected.tables():
            writer.write_table(table)
            yield outlet.take()
    yield outlet.take()


# astropy's tables take most of a second to import: only who asks for them pays.
def _stream_ecsv(selected: Selected) -> Generator[bytes]:
    from .astrotable import stream_ecsv

    return stream_ecsv(selected.schema, selected.tables())


def _stream_votable(selected: Selected) -> Generator[bytes]:
    from .astrotable import stream_votable

    return stream_votable(selected.schema, selected.tables())


def _stream_fits(selected: Selected) -> Generator[bytes]:
    from .fitsrows import stream_fits

    names = {selected.store.describe(n).catalog_name: n for n in selected.store.column_names}
    fields = {field.name: field.type for field in selected.schema}
    widths = {
        name: selected.width(ours)
        for name, ours in names.items()
        if pa.types.is_string(fields[name])
    }
    nullable = {
        name
        for name, ours in names.items()
        if pa.types.is_boolean(fields[name]) and selected.has_null(ours)
    }
    return stream_fits(selected.schema, selected.tables(), selected.n_objects, (widths, nullable))


FORMATS: dict[str, Callable[[Selected], Generator[bytes]]] = {
    "csv": _stream_csv,
    "parquet": _stream_parquet,
    "ecsv": _stream_ecsv,
    "fits": _stream_fits,
    "votable": _stream_votable,
}
