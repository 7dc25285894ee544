"""A catalog folder on disk: Parquet batches, `scan.json` and the embedding."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.fingerprint import fingerprint

from .manifest import Batch
from .schema import BY_CATALOG_NAME, CALIBRATED

BATCH_NAME = "desi_dr1_catalog_batch_{}.parquet"
BATCH_PATTERN = BATCH_NAME.format("*")
_COLUMNS = BY_CATALOG_NAME | {column.catalog_name: column for column in CALIBRATED}
POSITION_COLUMNS = ("umap_x", "umap_y", "cluster")


@dataclass(frozen=True)
class CatalogFolder:
    """The batches of a catalog, opened but not loaded, and what was said about them.

    Parameters
    ----------
    path : Path
        The folder.
    batches : tuple of Batch
        In name order: row r of the catalog is row r of all of them joined.
    scan, embedding, calibration : dict
        Content of `scan.json`, of `embedding/embedding.json` and of `calibration/calibration.json`;
        empty where there is none, but of the embedding.
    """

    path: Path
    batches: tuple[Batch, ...]
    scan: dict[str, Any]
    embedding: dict[str, Any]
    calibration: dict[str, Any]
    _files: tuple[pq.ParquetFile, ...] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> "CatalogFolder":
        """Open every batch's footer and check the embedding against them.

        Raises
        ------
        StoreError
            When there are no batches, one is no Parquet file, the catalog has not been embedded,
            or the embedding or the calibration is of another catalog.
        """
        paths = sorted(path.glob(BATCH_PATTERN))
        if not paths:
            raise StoreError(
                f"{path} holds no {BATCH_PATTERN}; give the folder that `anomaly-explorer scan` "
                "wrote."
            )
        files = tuple(_opened(p) for p in paths)
        batches = tuple(
            Batch(p.name, f.metadata.num_rows, p.stat().st_size, fingerprint(p))
            for p, f in zip(paths, files, strict=True)
        )
        if sum(batch.n_rows for batch in batches) == 0:
            raise StoreError(f"The catalog {path} holds no objects; scan some spectra first.")
        scan = _json(path / "scan.json") if (path / "scan.json").exists() else {}
        said = (_checked_embedding(path, batches), _checked_calibration(path, batches))
        return cls(path, batches, scan, *said, files)

    @property
    def n_objects(self) -> int:
        """Return N, the rows of all batches."""
        return sum(batch.n_rows for batch in self.batches)

    @property
    def ignored_columns(self) -> tuple[str, ...]:
        """Return the columns of the batches that the schema does not know, sorted."""
        names = {name for file in self._files for name in file.schema_arrow.names}
        return tuple(sorted(names - BY_CATALOG_NAME.keys()))

    @property
    def positions_path(self) -> Path:
        """Return the file of the positions."""
        return self.path / "embedding" / "positions.parquet"

    @property
    def scores_path(self) -> Path:
        """Return the file of the calibrated scores; there is none without a calibration."""
        return self.path / "calibration" / "scores.parquet"

    def calibrated(self) -> Iterator[tuple[slice, list[pa.ChunkedArray]]]:
        """Yield the columns of `CALIBRATED` by row groups, and where their rows stand.

        Nothing where the catalog has not been calibrated. Texts are codes, as `read` has them.
        """
        if not self.calibration:
            return
        file, start = _opened(self.scores_path), 0
        names = [column.catalog_name for column in CALIBRATED]
        wrong = set(names) - set(file.schema_arrow.names)
        if wrong or file.metadata.num_rows != self.n_objects:
            raise StoreError(
                f"{self.scores_path} is not of this catalog; run `anomaly-explorer calibrate` "
                "again."
            )
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=names)
            where = slice(start, start + len(table))
            yield where, [_typed(table, name, self.scores_path.name) for name in names]
            start += len(table)

    def slices(self) -> tuple[slice, ...]:
        """Return where the rows of each batch stand in the catalog."""
        stops = list(accumulate(batch.n_rows for batch in self.batches))
        return tuple(map(slice, [0, *stops], stops))

    def read(
        self, catalog_names: Sequence[str]
    ) -> Iterator[tuple[slice, list[pa.ChunkedArray | None]]]:
        """Yield columns batch by batch: where the rows stand in the catalog, and the values.

        The values are of the schema's types, texts dictionary-encoded; None where a batch does not
        carry the column.
        """
        for number, where in enumerate(self.slices()):
            yield where, self._read(number, catalog_names, None)

    def row_groups(
        self, number: int, catalog_names: Sequence[str]
    ) -> Iterator[list[pa.ChunkedArray | None]]:
        """Yield the same for each row group of one batch, so that memory need hold no whole one."""
        for group in range(self._files[number].num_row_groups):
            yield self._read(number, catalog_names, group)

    def _read(
        self, number: int, catalog_names: Sequence[str], group: int | None
    ) -> list[pa.ChunkedArray | None]:
        file, name = self._files[number], self.batches[number].name
        present = [c for c in catalog_names if c in file.schema_arrow.names]
        try:
            table = (
                file.read(columns=present)
                if group is None
                else file.read_row_group(group, columns=present)
            )
        except (pa.ArrowException, OSError) as error:
            raise StoreError(
                f"{name} cannot be read ({error}); delete it and scan these spectra again."
            ) from error
        return [_typed(table, c, name) if c in present else None for c in catalog_names]

    def positions(self) -> pa.Table:
        """Return umap_x and umap_y (float32, null = no position) and cluster (int32), N rows."""
        path = self.positions_path
        missing = set(POSITION_COLUMNS) - set(_opened(path).schema_arrow.names)
        if missing:
            raise StoreError(f"{path} lacks {sorted(missing)}; run `anomaly-explorer embed` again.")
        table = pq.read_table(path, columns=list(POSITION_COLUMNS))
        if table.num_rows != self.n_objects:
            raise StoreError(
                f"{path} has {table.num_rows} rows and the catalog {self.n_objects}; "
                "run `anomaly-explorer embed` again."
            )
        kinds = (pa.float32(), pa.float32(), pa.int32())
        return table.cast(pa.schema(list(zip(POSITION_COLUMNS, kinds, strict=True))))


def _opened(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path, memory_map=True)
        texts = [f.name for f in file.schema_arrow if f.type == pa.string()]
        # Texts as codes: a column of few words is read a hundred times faster.
        return pq.ParquetFile(path, memory_map=True, metadata=file.metadata, read_dictionary=texts)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"{path} is not a readable Parquet file ({error}); write it again."
        ) from error


def _typed(table: pa.Table, catalog_name: str, batch: str) -> pa.ChunkedArray:
    """Return a column as the schema has it; texts as codes into a dictionary."""
    column, values = _COLUMNS[catalog_name], table.column(catalog_name)
    try:
        if column.dtype != "string":
            return values.cast(column.arrow_type)
        if pa.types.is_dictionary(values.type):
            return values
        return values.cast(pa.string()).dictionary_encode()
    except pa.ArrowException as error:
        raise StoreError(
            f"Column {catalog_name} of {batch} cannot be read as {column.dtype} ({error}); "
            "scan these spectra again."
        ) from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} is not readable JSON ({error}); write it again.") from error
    if not isinstance(content, dict):
        raise StoreError(f"{path} holds {type(content).__name__}, expected a JSON object.")
    return content


def _checked_calibration(path: Path, batches: tuple[Batch, ...]) -> dict[str, Any]:
    said = path / "calibration" / "calibration.json"
    if not said.exists():
        return {}
    calibration = _json(said)
    prints = {batch.name: batch.fingerprint for batch in batches}
    if calibration.get("fingerprints") != prints:
        raise StoreError(
            f"The calibration in {path} was made from other batches than the catalog has now; "
            f"run `anomaly-explorer calibrate {path}` again."
        )
    return calibration


def _checked_embedding(path: Path, batches: tuple[Batch, ...]) -> dict[str, Any]:
    folder = path / "embedding"
    if not all((folder / name).exists() for name in ("positions.parquet", "embedding.json")):
        raise StoreError(
            f"The catalog {path} has no embedding; run `anomaly-explorer embed {path}` first."
        )
    embedding = _json(folder / "embedding.json")
    rows = {batch.name: batch.n_rows for batch in batches}
    prints = {batch.name: batch.fingerprint for batch in batches}
    # An embedding made elsewhere may carry no fingerprints; then the counts must do.
    if embedding.get("catalog") != rows or embedding.get("fingerprints", prints) != prints:
        raise StoreError(
            f"The embedding in {path} was made from other batches than the catalog has now; "
            f"run `anomaly-explorer embed {path}` again."
        )
    return embedding
