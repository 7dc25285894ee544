"""What an embedding reads of a catalog, batch by batch: facts of all objects, latents in pieces."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.folder import BATCH_PATTERN
from anomaly_explorer.engine.catalog.schema import BY_NAME, LATENT_NAMES
from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.scoring.gate import UNKNOWN
from anomaly_explorer.engine.scoring.tiers import stated_population

_LATENTS = [BY_NAME[name].catalog_name for name in LATENT_NAMES]
_SCORE = BY_NAME["score_mse"].catalog_name
_PIECE = 2048
_TEXTS = [BY_NAME[name].catalog_name for name in ("spectype", "population")]


@dataclass(frozen=True)
class ObjectFacts:
    """What landmarks are chosen by, for N objects in catalog order.

    Parameters
    ----------
    scores : (N,) float32
        `score_mse`; NaN where there is none.
    strata : (N,) int32
        A number per class and population.
    is_stated : (N,) bool
        Objects of the stated population.
    """

    scores: NDArray[np.float32]
    strata: NDArray[np.int32]
    is_stated: NDArray[np.bool_]


def count_rows(catalog: Path) -> dict[str, int]:
    """Return the rows of each batch, by name and in order.

    Raises
    ------
    StoreError
        No batches, one that cannot be read, or one without scores or latents.
    """
    paths = sorted(catalog.glob(BATCH_PATTERN))
    if not paths:
        raise StoreError(f"{catalog} holds no catalog batches: run `anomaly-explorer scan` first")
    rows = {}
    for path in paths:
        file = _opened(path)
        present = set(file.schema_arrow.names)
        if missing := [name for name in (_SCORE, *_LATENTS) if name not in present]:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise StoreError(
                f"{path} lacks the column {missing[0]}{more}: a map needs scores and latents, "
                "scan these spectra again"
            )
        rows[path.name] = file.metadata.num_rows
    return rows


def read_facts(catalog: Path, rows: dict[str, int]) -> ObjectFacts:
    """Read what landmarks are chosen by; `rows` is what `count_rows` found."""
    n = sum(rows.values())
    scores, strata = np.empty(n, np.float32), np.empty(n, np.int32)
    known: dict[tuple[str, str], int] = {}
    start = 0
    for name, n_rows in rows.items():
        stop = start + n_rows
        scores[start:stop], strata[start:stop] = _facts_of(catalog / name, known)
        start = stop
    populations = [population for _, population in known]
    stated = stated_population(populations)
    is_stated = np.array([population == stated for population in populations], np.bool_)
    return ObjectFacts(scores, strata, is_stated[strata])


def _facts_of(
    path: Path, known: dict[tuple[str, str], int]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the scores and strata of a batch; strata not met before join those known."""
    present = [name for name in _TEXTS if name in _opened(path).schema_arrow.names]
    table = _read(_opened(path, present), [_SCORE, *present])
    words, codes = {}, {}
    for name in _TEXTS:
        if name not in present:
            words[name], codes[name] = [""], np.zeros(len(table), np.int64)
            continue
        column = table[name]
        if not pa.types.is_dictionary(column.type):
            column = column.cast(pa.string()).dictionary_encode()
        values = column.unify_dictionaries().combine_chunks()
        words[name] = [word or "" for word in values.dictionary.to_pylist()] + [""]
        codes[name] = values.indices.fill_null(len(words[name]) - 1).to_numpy().astype(np.int64)
    spectype, population = _TEXTS
    pair = codes[spectype] * len(words[population]) + codes[population]
    numbers = np.zeros(len(words[spectype]) * len(words[population]), np.int32)
    for both in np.flatnonzero(np.bincount(pair, minlength=len(numbers))):
        a, b = divmod(int(both), len(words[population]))
        stratum = (words[spectype][a], words[population][b] or UNKNOWN)
        numbers[both] = known.setdefault(stratum, len(known))
    return table[_SCORE].to_numpy().astype(np.float32), numbers[pair]


def read_latents(path: Path) -> Iterator[NDArray[np.float32]]:
    """Yield the latents of a batch, (n, 128) float32, by row groups; null and NaN are 0."""
    for columns in _latent_columns(path):
        block = torch.empty((len(columns[0]), len(columns)))
        # By pieces that stay in the processor's cache.
        for start in range(0, len(block), _PIECE):
            part = torch.stack([values[start : start + _PIECE] for values in columns])
            block[start : start + _PIECE] = part.T
        yield block.nan_to_num_().numpy()


def take_latents(path: Path, rows: NDArray[np.integer]) -> NDArray[np.float32]:
    """Return the latents of some rows of a batch, (M, 128), rows sorted; null and NaN are 0."""
    taken, start = [np.empty((0, len(_LATENTS)), np.float32)], 0
    for columns in _latent_columns(path):
        stop = start + len(columns[0])
        here = torch.from_numpy(rows[(rows >= start) & (rows < stop)] - start)
        part = torch.stack([values[here] for values in columns], dim=1)
        taken.append(part.nan_to_num_().numpy())
        start = stop
    return np.concatenate(taken)


def _latent_columns(path: Path) -> Iterator[list[torch.Tensor]]:
    file = _opened(path)
    for group in range(file.num_row_groups):
        table = _read(file, _LATENTS, group)
        with warnings.catch_warnings():
            # Arrow's memory is read-only, and so are we.
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            columns = [torch.from_numpy(_floats(table[name])) for name in _LATENTS]
        if table.num_rows:
            yield columns


def _floats(column: pa.ChunkedArray) -> NDArray[np.float32]:
    return column.to_numpy().astype(np.float32, copy=False)


def _opened(path: Path, texts: list[str] | None = None) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, memory_map=True, read_dictionary=texts)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"a batch of {path.parent} cannot be read ({path.name}: {error}): scan again"
        ) from None


def _read(file: pq.ParquetFile, names: list[str], group: int | None = None) -> pa.Table:
    try:
        return file.read(names) if group is None else file.read_row_group(group, names)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"a batch of the catalog cannot be read ({error}): scan again") from None
