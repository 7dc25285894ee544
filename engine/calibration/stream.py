"""What a calibration reads of a catalog, row group by row group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.folder import BATCH_PATTERN
from anomaly_explorer.engine.catalog.schema import BY_NAME
from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.scan.measure import statistic_column
from anomaly_explorer.engine.scoring.gate import MIN_COVERAGE, is_sky_fiber
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measured
from anomaly_explorer.engine.scoring.statistics import NAMES
from anomaly_explorer.engine.spectra.grid import ARMS

_STATISTICS = tuple(statistic_column(name) for name in NAMES)
_NOISE = tuple(f"noise_scale_{arm.value}" for arm in ARMS)
_TEXTS = ("survey", "spectype", "population")
_FACTS = (
    *_TEXTS, "redshift", "target_id", "coverage", "is_measurer_member", "objtype",
    "fiber_status", "injected_type",
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Facts of N objects, which tell what they may be used for.

    Parameters
    ----------
    surveys, classes, populations : (N,) array of str
        Empty where a catalog does not say.
    peers : (N,) array of str
        What each is compared with: `Known.peers`.
    target_ids : (N,) int64
    is_covered, is_member, is_sky, is_injected : (N,) bool
        At least 90 % coverage; the measurer was trained on it; a sky fiber that worked; a simulator
        put an anomaly in.
    """

    surveys: NDArray[np.str_]
    classes: NDArray[np.str_]
    populations: NDArray[np.str_]
    peers: NDArray[np.str_]
    target_ids: NDArray[np.int64]
    is_covered: NDArray[np.bool_]
    is_member: NDArray[np.bool_]
    is_sky: NDArray[np.bool_]
    is_injected: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.target_ids)


def count_rows(catalog: Path) -> dict[str, int]:
    """Return the rows of each batch, by name and in order.

    Raises
    ------
    StoreError
        No batches, one that cannot be read, is empty, or has no statistics.
    """
    paths = sorted(catalog.glob(BATCH_PATTERN))
    if not paths:
        raise StoreError(f"{catalog} holds no catalog batches: run `anomaly-explorer scan` first")
    rows = {}
    for path in paths:
        file = _opened(path)
        if set(_STATISTICS) - set(file.schema_arrow.names):
            raise StoreError(
                f"{path} lacks the statistics of the calibrated score, as catalogs of earlier "
                "versions do: scan these spectra again"
            )
        rows[path.name] = file.metadata.num_rows
    if not all(rows.values()):
        raise StoreError(f"{catalog} has a batch without objects: delete it and scan again")
    return rows


def read_facts(path: Path) -> Iterator[Rows]:
    """Yield the facts of a batch by row groups."""
    for table in _groups(path, _FACTS):
        yield _rows(table)


def read_measured(path: Path) -> Iterator[tuple[Rows, Measured, NDArray[np.float32]]]:
    """Yield facts, statistics and noise scales, (N, 3), of a batch by row groups."""
    for table in _groups(path, (*_FACTS, *_STATISTICS, "snr_bin", *_NOISE)):
        noise = np.stack([_floats(table, name) for name in _NOISE], axis=1)
        yield _rows(table), _measured(table), noise


def _measured(table: pa.Table) -> Measured:
    n = len(table)
    return Measured(
        {name: _floats(table, column) for name, column in zip(NAMES, _STATISTICS, strict=True)},
        np.empty((n, 0), np.int64),
        _floats(table, "snr_bin").astype(np.float64),
        np.empty((n, 0), np.float32),
    )


def take_measured(measured: Measured, rows: NDArray[np.integer]) -> Measured:
    """Return the statistics of some spectra, given by their (K,) places."""
    return Measured(
        {name: values[rows] for name, values in measured.values.items()},
        measured.filters[rows], measured.snr[rows], measured.latents[rows],
    )  # fmt: skip


def join_measured(parts: Sequence[Measured]) -> Measured:
    """Return the statistics of several lots of spectra, (N,) of them in all, as those of one."""
    return Measured(
        {name: np.concatenate([part.values[name] for part in parts]) for name in NAMES},
        np.concatenate([part.filters for part in parts]),
        np.concatenate([part.snr for part in parts]),
        np.concatenate([part.latents for part in parts]),
    )


def _rows(table: pa.Table) -> Rows:
    coverage = _floats(table, "coverage")
    facts = {
        "objtype": _texts(table, "objtype"),
        "fiber_status": _column(table, "fiber_status").fill_null(0).to_numpy(),
    }
    is_member = _column(table, "is_measurer_member").fill_null(False).to_numpy()
    surveys, classes, populations = (_texts(table, name) for name in _TEXTS)
    redshift = _column(table, "redshift").fill_null(np.nan).to_numpy()
    return Rows(
        surveys,
        classes,
        populations,
        Known(classes, redshift, np.full(len(table), "")).peers,
        _column(table, "target_id").fill_null(0).to_numpy(),
        coverage >= MIN_COVERAGE,
        is_member.astype(np.bool_),
        is_sky_fiber(facts, coverage),
        _texts(table, "injected_type") != "",
    )


def _column(table: pa.Table, name: str) -> pa.ChunkedArray:
    column = BY_NAME[name]
    if column.catalog_name not in table.column_names:
        return pa.chunked_array([pa.nulls(len(table), column.arrow_type)])
    return table[column.catalog_name]


def _floats(table: pa.Table, name: str) -> NDArray[np.float32]:
    return _column(table, name).fill_null(np.nan).to_numpy().astype(np.float32, copy=False)


def _texts(table: pa.Table, name: str) -> NDArray[np.str_]:
    """Return a text column, (N,), empty where null."""
    column = _column(table, name).cast(pa.string()).dictionary_encode()
    values = column.unify_dictionaries().combine_chunks()
    words = np.array([*values.dictionary.to_pylist(), ""])
    return words[values.indices.fill_null(len(words) - 1).to_numpy()]


def _groups(path: Path, names: Sequence[str]) -> Iterator[pa.Table]:
    file = _opened(path)
    present = set(file.schema_arrow.names)
    wanted = [BY_NAME[name].catalog_name for name in names]
    for group in range(file.num_row_groups):
        try:
            table: Any = file.read_row_group(group, [name for name in wanted if name in present])
        except (pa.ArrowException, OSError) as error:
            raise StoreError(f"{path} cannot be read ({error}): scan again") from None
        if len(table):
            yield table


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} cannot be read ({error}): scan again") from None
