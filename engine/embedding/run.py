"""Embeds a catalog: reads its latents, writes positions and clusters beside the batches.

Memory holds one row group of latents, whatever the number of batches. What is worked out is kept
in `embedding/unfinished` until all of it is, so an embedding that was killed goes on.
"""

import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.lock import exclusive
from anomaly_explorer.engine.errors import ExplorerError, InputError, StoreError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.threads import one_thread

from .cluster import Clusters, find_clusters
from .landmarks import choose_landmarks
from .project import Placer, fit_map, neighbor_preservation, trustworthiness
from .stream import count_rows, read_facts, read_latents, take_latents
from .unfinished import Arrays, Unfinished

EMBEDDING_FORMAT = 2
DEFAULT_LANDMARKS = 20_000
MIN_OBJECTS = 20
CHECKED_ROWS = 2000
METHOD = "UMAP of landmarks, distilled network for the rest"
_THREADS = 2
_BLOCK = 16_384
Progress = Callable[[str, int, int], None]


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
        Called with (step, parts done, parts in all).

    Returns
    -------
    dict
        What ``embedding.json`` says: method, seed, trustworthiness and the like.

    Raises
    ------
    StoreError
        No batches, fewer than 20 objects, a batch without latents or score, or another process
        embeds this catalog.
    InputError
        Fewer than 20 landmarks.
    ExplorerError
        When it cannot be written, as on a full disk; a second call goes on.
    """
    wanted = _wanted(catalog, n_landmarks, seed)
    folder = catalog / "embedding"
    lock, left = folder / ".lock", folder / "unfinished"
    ready = _read_ready(folder, wanted)
    if ready is not None and not (left.exists() or lock.exists()):
        return ready
    held = f"{catalog} is being embedded by another process; wait for it, or stop it first."
    try:
        folder.mkdir(exist_ok=True)
        with exclusive(lock, held):
            said = _read_ready(folder, wanted)  # killed at its very end, or made by another process
            if said is None:
                tell = progress or (lambda step, done, total: None)
                unfinished = Unfinished(left, wanted)
                with one_thread():
                    said = _Work(catalog, wanted, unfinished, tell).run()
            shutil.rmtree(left, ignore_errors=True)
            return said
    except OSError as error:
        raise ExplorerError(
            f"the embedding of {catalog} cannot be written ({error}): make room and run again, "
            "what is finished is kept"
        ) from error


def _wanted(catalog: Path, n_landmarks: int, seed: int) -> dict[str, Any]:
    """Return everything an embedding depends on, as `embedding.json` says it."""
    batches = count_rows(catalog)
    n = sum(batches.values())
    if n < MIN_OBJECTS:
        raise StoreError(f"{catalog} has {n} objects: a map needs at least {MIN_OBJECTS}")
    if n_landmarks < MIN_OBJECTS:
        raise InputError(f"{n_landmarks} landmarks are too few: a map needs at least {MIN_OBJECTS}")
    return {
        "format": EMBEDDING_FORMAT,
        "seed": seed,
        "n_landmarks": min(n, n_landmarks),
        "catalog": batches,
        "fingerprints": {name: fingerprint(catalog / name) for name in batches},
    }


@dataclass
class _Work:
    catalog: Path
    wanted: dict[str, Any]
    unfinished: Unfinished
    tell: Progress

    def run(self) -> dict[str, Any]:
        batches, seed = self.wanted["catalog"], self.wanted["seed"]
        chosen = self.unfinished.keep("chosen", self._choose)
        latents = self.unfinished.keep("latents", lambda: self._take(chosen))
        landmarks, n = latents["landmarks"], sum(batches.values())
        fitted = self._kept(
            f"fitting the map on {len(landmarks):,} landmarks",
            "map",
            lambda: {"positions": fit_map(landmarks, seed)},
        )["positions"]
        placer = None
        if len(landmarks) < n:
            step = "teaching a network the map"
            made = self._kept(step, "placer", lambda: Placer(landmarks, fitted, seed).arrays())
            placer = Placer.of_arrays(made)
        step = "finding clusters"
        made = self._kept(step, "clusters", lambda: find_clusters(landmarks, seed).arrays())
        clusters = Clusters.of_arrays(made)
        self._place(chosen["landmarks"], fitted, placer, clusters)
        said = {**self.wanted, "method": METHOD, "n_clusters": clusters.n_clusters,
                **self._check(latents, fitted, placer)}  # fmt: skip
        self._write(said)
        return said

    def _kept(self, step: str, name: str, make: Callable[[], Arrays]) -> Arrays:
        self.tell(step, 0, 1)
        kept = self.unfinished.keep(name, make)
        self.tell(step, 1, 1)
        return kept

    def _choose(self) -> Arrays:
        """Choose landmarks, and the held-out rows the map is checked on: none where too few."""
        self.tell("choosing landmarks", 0, 1)
        facts, seed = read_facts(self.catalog, self.wanted["catalog"]), self.wanted["seed"]
        n_landmarks = self.wanted["n_landmarks"]
        rows = choose_landmarks(facts.scores, facts.strata, facts.is_stated, n_landmarks, seed)
        is_other = np.ones(len(facts.scores), np.bool_)
        is_other[rows] = False
        others = np.flatnonzero(is_other)
        n_checked = min(CHECKED_ROWS, len(others)) if len(others) >= MIN_OBJECTS else 0
        checked = np.random.default_rng(seed).choice(others, n_checked, replace=False)
        self.tell("choosing landmarks", 1, 1)
        return {"landmarks": rows, "checked": np.sort(checked)}

    def _take(self, chosen: Arrays) -> Arrays:
        """Read the latents of the chosen rows."""
        taken: dict[str, list[NDArray[np.float32]]] = {name: [] for name in chosen}
        batches, start = self.wanted["catalog"], 0
        for done, (batch, n_rows) in enumerate(batches.items()):
            self.tell("reading landmarks", done, len(batches))
            here = [rows[slice(*np.searchsorted(rows, (start, start + n_rows)))] - start
                    for rows in chosen.values()]  # fmt: skip
            both = np.union1d(*here)
            latents = take_latents(self.catalog / batch, both)
            for name, rows in zip(chosen, here, strict=True):
                taken[name].append(latents[np.searchsorted(both, rows)])
            start += n_rows
        self.tell("reading landmarks", len(batches), len(batches))
        return {name: np.concatenate(parts) for name, parts in taken.items()}

    def _place(
        self,
        rows: NDArray[np.int64],
        fitted: NDArray[np.float32],
        placer: Placer | None,
        clusters: Clusters,
    ) -> None:
        """Place every object, batch by batch; landmarks stay where the map has them."""
        batches, start = self.wanted["catalog"], 0
        step = f"placing {sum(batches.values()):,} objects"
        for done, (batch, n_rows) in enumerate(batches.items()):
            self.tell(step, done, len(batches))
            mine = slice(*np.searchsorted(rows, (start, start + n_rows)))

            def place(batch: str = batch, mine: slice = mine, start: int = start) -> Arrays:
                part = _place_batch(self.catalog / batch, placer, clusters)
                part["positions"][rows[mine] - start] = fitted[mine]
                return part

            self.unfinished.keep(batch, place)
            start += n_rows
        self.tell(step, len(batches), len(batches))

    def _check(
        self, latents: Arrays, fitted: NDArray[np.float32], placer: Placer | None
    ) -> dict[str, Any]:
        """Measure the map on held-out objects where there are enough, else on landmarks."""
        self.tell("checking the map", 0, 1)
        sample, what = latents["checked"], "held-out objects"
        if len(sample) and placer is not None:
            positions = placer.place(sample)
        else:
            rows = np.random.default_rng(self.wanted["seed"]).permutation(len(fitted))
            rows, what = rows[:CHECKED_ROWS], "landmarks"
            sample, positions = latents["landmarks"][rows], fitted[rows]
        k = min(10, len(sample) // 2 - 1)
        said = {
            "checked_on": f"{len(sample)} {what}",
            "trustworthiness": round(trustworthiness(sample, positions, k), 4),
            "neighbor_preservation": round(neighbor_preservation(sample, positions, k), 4),
        }
        self.tell("checking the map", 1, 1)
        return said

    def _write(self, facts: dict[str, Any]) -> None:
        """Write positions first and the facts last: only the facts say that all is whole."""
        folder = self.catalog / "embedding"
        (folder / "embedding.json").unlink(missing_ok=True)
        temporary = folder / ".positions.parquet.tmp"
        schema = pa.schema({"umap_x": pa.float32(), "umap_y": pa.float32(), "cluster": pa.int32()})
        with pq.ParquetWriter(temporary, schema) as writer:
            for batch in self.wanted["catalog"]:
                part = self.unfinished.get(batch)
                assert part is not None, batch
                columns = [*part["positions"].T, part["clusters"]]
                writer.write_table(pa.table([pa.array(c) for c in columns], schema=schema))
        os.replace(temporary, folder / "positions.parquet")
        temporary = folder / ".embedding.json.tmp"
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, folder / "embedding.json")


def _place_batch(
    path: Path, placer: Placer | None, clusters: Clusters
) -> dict[str, NDArray[np.generic]]:
    """Return ``positions``, (n, 2), and ``clusters``, (n,), of the objects of a batch."""

    def place(block: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        nowhere = np.full((len(block), 2), np.nan, np.float32)
        return placer.place(block) if placer else nowhere, clusters.assign(block)

    positions, labels = [np.empty((0, 2), np.float32)], [np.empty(0, np.int32)]
    with ThreadPoolExecutor(_THREADS) as threads:
        for latents in read_latents(path):
            blocks = (latents[i : i + _BLOCK] for i in range(0, len(latents), _BLOCK))
            for placed, labelled in threads.map(place, blocks):
                positions.append(placed)
                labels.append(labelled)
    return {"positions": np.concatenate(positions), "clusters": np.concatenate(labels)}


def _read_ready(folder: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a finished embedding of the wanted kind says; None where there is none."""
    try:
        facts = json.loads((folder / "embedding.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = (folder / "positions.parquet").exists()
    return facts if is_whole and wanted.items() <= facts.items() else None
