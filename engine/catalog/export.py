"""Export objects to the formats astronomers and tables use, under the catalog's column names.

All formats are made from the same Arrow pieces, read from the mapped store. vaex writes CSV and
Parquet too, but knows the store's null values only as numbers; and its CSV writer goes through
pandas, where a column of integers with one null becomes float64 and loses the low bits of every
TARGETID. So pyarrow writes those two, in chunks, and astropy the others, in memory.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.errors import InputError

from .names import unknown_name
from .schema import BY_NAME, LATENT_NAMES
from .store import Store

CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class Selected:
    """The objects of a store to export, and whether with their latents.

    Parameters
    ----------
    store : Store
        Where from.
    rows : (M,) int64
        Which, in the order they are written.
    has_latents : bool
        Whether the 128 latents follow the columns.
    """

    store: Store
    rows: NDArray[np.int64]
    has_latents: bool

    @property
    def provenance(self) -> dict[str, str]:
        """Return what every export says of itself, as text."""
        manifest = self.store.manifest
        said = {
            "store": self.store.path.name,
            "model": f"{manifest.model.get('name')} {manifest.model.get('id')}",
            "objects": self._populations(),
            "tiers": self._tiers(),
            "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if manifest.simulated:
            facts = ", ".join(f"{name} {value}" for name, value in manifest.simulated.items())
            said["data"] = f"simulated: no telescope saw these objects ({facts})"
        return said

    def _populations(self) -> str:
        codes = self.store.column("population")[self.rows]
        legend = self.store.legend("population")
        counts = {name: np.count_nonzero(codes == code) for code, name in enumerate(legend)}
        listed = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        return (
            f"{len(self.rows):,} of {self.store.n_objects:,} objects; population: {listed or '-'}"
        )

    def _tiers(self) -> str:
        manifest = self.store.manifest
        bits = ", ".join(f"{bit} {name}" for bit, name in enumerate(manifest.tiers))
        return f"tier_bits, bit by bit: {bits} (tier rules version {manifest.tiers_version})"

    @property
    def schema(self) -> pa.Schema:
        """Return names, types and units of the exported columns, with the provenance."""
        return self.table(slice(0, 0)).schema

    def tables(self) -> Iterator[pa.Table]:
        """Yield the objects in chunks."""
        for start in range(0, len(self.rows), CHUNK_ROWS):
            yield self.table(slice(start, start + CHUNK_ROWS))

    def table(self, part: slice) -> pa.Table:
        """Return some of the objects decoded: text for codes, null for null."""
        rows = self.rows[part]
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
        return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=self.provenance))


def export_rows(
    store: Store, rows: ArrayLike, path: Path, fmt: str, *, has_latents: bool = False
) -> None:
    """Write objects to a file that appears under its name only when it is complete.

    Parameters
    ----------
    store : Store
        N objects.
    rows : (M,) integer
        Which, in this order.
    path : Path
        File to write; one that is there is replaced.
    fmt : str
        ``csv``, ``parquet``, ``ecsv``, ``fits`` or ``votable``. CSV has no place for provenance
        (a comment line breaks most readers): its columns `model_id` and `is_simulated` say it.
        The other formats carry units and provenance; the last three are made in memory.
    has_latents : bool
        Whether to add the 128 latents, which are stored as float16.

    Raises
    ------
    InputError
        For an unknown format, a row that is not in the store, or a folder that is not there.
    """
    writers: dict[str, Callable[[Selected, Path], None]] = {
        "csv": _write_csv,
        "parquet": _write_parquet,
        "ecsv": _write_with_astropy,
        "fits": _write_with_astropy,
        "votable": _write_with_astropy,
    }
    if fmt not in writers:
        raise InputError(unknown_name("export format", fmt, tuple(writers)))
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} of the export does not exist; make it first.")
    selected = Selected(store, store.checked_rows(rows), has_latents)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{fmt}")
    try:
        writers[fmt](selected, unfinished)
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


def _field(name: str, array: pa.Array, unit: str, meaning: str) -> pa.Field:
    return pa.field(name, array.type, metadata={"unit": unit, "meaning": meaning})


def _write_csv(selected: Selected, path: Path) -> None:
    with pa.csv.CSVWriter(path, selected.schema) as writer:
        for table in selected.tables():
            writer.write_table(table)


def _write_parquet(selected: Selected, path: Path) -> None:
    with pq.ParquetWriter(path, selected.schema, compression="zstd") as writer:
        for table in selected.tables():
            writer.write_table(table)


def _write_with_astropy(selected: Selected, path: Path) -> None:
    from .astrotable import write_astropy  # astropy's tables take most of a second to import

    write_astropy(selected.table(slice(None)), path, path.suffix[1:])
