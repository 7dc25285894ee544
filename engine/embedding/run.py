"""Embeds a catalog: reads its latents, writes positions and clusters beside the batches."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.folder import BATCH_PATTERN
from anomaly_explorer.engine.catalog.schema import BY_NAME, LATENT_NAMES
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.scoring.gate import UNKNOWN
from anomaly_explorer.engine.scoring.tiers import stated_population

from .cluster import find_clusters
from .landmarks import choose_landmarks
from .project import Placer, fit_map, neighbor_preservation, trustworthiness

EMBEDDING_FORMAT = 2
DEFAULT_LANDMARKS = 20_000
MIN_OBJECTS = 20
CHECKED_ROWS = 2000
Progress = Callable[[str], None]


def embed_catalog(
    catalog: Path,
    n_landmarks: int = DEFAULT_LANDMARKS,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write ``embedding/positions.parquet`` and ``embedding/embedding.json`` of a catalog.

    Does nothing when an embedding of these very batches, seed and landmarks is there.

    Parameters
    ----------
    catalog : Path
        Folder of Parquet batches.
    n_landmarks : int
        Objects the map is fitted on.
    seed : int
    progress : callable, optional
        Called with the name of each step.

    Returns
    -------
    dict
        What ``embedding.json`` says: method, seed, trustworthiness and the like.

    Raises
    ------
    StoreError
        No batches, fewer than 20 objects, or a batch without latents or score.
    InputError
        Fewer than 20 landmarks.
    """
    tell = progress or (lambda step: None)
    batches = _count_rows(catalog)
    n = sum(batches.values())
    if n < MIN_OBJECTS:
        raise StoreError(f"{catalog} has {n} objects: a map needs at least {MIN_OBJECTS}")
    if n_landmarks < MIN_OBJECTS:
        raise InputError(f"{n_landmarks} landmarks are too few: a map needs at least {MIN_OBJECTS}")
    wanted = {"format": EMBEDDING_FORMAT, "seed": seed, "n_landmarks": min(n, n_landmarks),
              "catalog": batches,
              "fingerprints": {name: fingerprint(catalog / name) for name in batches}}  # fmt: skip
    folder = catalog / "embedding"
    ready = _read_ready(folder)
    if ready is not None and wanted.items() <= ready.items():
        return ready
    tell("reading latents")
    latents, facts = _read_objects(catalog, list(batches))
    population = facts["population"]
    is_stated = population == stated_population(population)
    rows = choose_landmarks(facts["score_mse"], facts["strata"], is_stated, n_landmarks, seed)
    tell(f"fitting the map on {len(rows):,} landmarks")
    positions = np.empty((n, 2), dtype=np.float32)
    positions[rows] = fit_map(latents[rows], seed)
    others = np.setdiff1d(np.arange(n), rows)
    if len(others):
        tell(f"placing {len(others):,} objects")
        positions[others] = Placer(latents[rows], positions[rows], seed).place(latents[others])
    tell("finding clusters")
    clusters = find_clusters(latents[rows], latents, seed)
    said = {**wanted, "method": "UMAP of landmarks, distilled network for the rest",
             "n_clusters": int(clusters.max()) + 1,
             **_check(latents, positions, rows, seed)}  # fmt: skip
    _write(folder, positions, clusters, said)
    return said


def _count_rows(catalog: Path) -> dict[str, int]:
    paths = sorted(catalog.glob(BATCH_PATTERN))
    if not paths:
        raise StoreError(f"{catalog} holds no catalog batches: run `anomaly-explorer scan` first")
    try:
        return {path.name: pq.read_metadata(path).num_rows for path in paths}
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"a batch of {catalog} cannot be read ({error}): scan again") from None


def _read_objects(
    catalog: Path, names: list[str]
) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
    """Return latents (N, 128), and `score_mse`, `population` and strata, (N,), of all batches."""
    parts = [_read_batch(catalog / name) for name in names]
    latents = np.concatenate([block for block, _ in parts])
    return latents, {name: np.concatenate([facts[name] for _, facts in parts])
                     for name in parts[0][1]}  # fmt: skip


def _read_batch(path: Path) -> tuple[NDArray[np.float32], dict[str, NDArray[Any]]]:
    columns = [BY_NAME[name].catalog_name for name in LATENT_NAMES]
    score = BY_NAME["score_mse"].catalog_name
    file = pq.ParquetFile(path)
    present = set(file.schema_arrow.names)
    if missing := [name for name in (score, *columns) if name not in present]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise StoreError(
            f"{path} lacks the column {missing[0]}{more}: a map needs scores and latents, "
            "scan these spectra again"
        )
    optional = [name for name in ("spectype", "population") if name in present]
    table = file.read([*columns, score, *optional])
    block = np.stack([table[column].to_numpy() for column in columns], axis=1)
    text = {name: np.full(len(table), "", dtype=object) for name in ("spectype", "population")}
    for name in optional:
        text[name][:] = [value or "" for value in table[name].to_pylist()]
    population = text["population"]
    return np.nan_to_num(block.astype(np.float32)), {
        "score_mse": table[score].to_numpy().astype(np.float32),
        "strata": (text["spectype"] + population).astype(str),
        "population": np.where(population == "", UNKNOWN, population),
    }


def _check(
    latents: NDArray[np.float32],
    positions: NDArray[np.float32],
    landmarks: NDArray[np.int64],
    seed: int,
) -> dict[str, Any]:
    """Measure the map on a sample: held-out rows where there are enough, else the landmarks."""
    others = np.setdiff1d(np.arange(len(latents)), landmarks)
    is_held_out = len(others) >= MIN_OBJECTS
    rows = others if is_held_out else landmarks
    n = min(CHECKED_ROWS, len(rows))
    sample = np.random.default_rng(seed).choice(rows, n, replace=False)
    k = min(10, n // 2 - 1)
    return {
        "checked_on": f"{n} {'held-out objects' if is_held_out else 'landmarks'}",
        "trustworthiness": round(trustworthiness(latents[sample], positions[sample], k), 4),
        "neighbor_preservation": round(
            neighbor_preservation(latents[sample], positions[sample], k), 4
        ),
    }


def _read_ready(folder: Path) -> dict[str, Any] | None:
    try:
        facts = json.loads((folder / "embedding.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if (folder / "positions.parquet").exists() else None


def _write(
    folder: Path,
    positions: NDArray[np.float32],
    clusters: NDArray[np.int32],
    facts: dict[str, Any],
) -> None:
    """Write positions first and the facts last: only the facts say that the embedding is whole."""
    folder.mkdir(exist_ok=True)
    (folder / "embedding.json").unlink(missing_ok=True)
    table = pa.table({"umap_x": positions[:, 0], "umap_y": positions[:, 1], "cluster": clusters})
    temporary = folder / ".positions.parquet.tmp"
    pq.write_table(table, temporary)
    os.replace(temporary, folder / "positions.parquet")
    temporary = folder / ".embedding.json.tmp"
    temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, folder / "embedding.json")
