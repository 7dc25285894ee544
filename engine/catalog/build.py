"""Build a store from a catalog: map order, mapped columns, latents and planes.

Memory holds one column at a time, whatever the number of batches. The store appears under its
name only when it is complete.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.plane.plane import map_order, write_plane
from anomaly_explorer.engine.scoring.tiers import TIER_NAMES, TIERS_VERSION

from .derive import CLUSTER, UMAP_X, UMAP_Y, derive_population, derive_ranks, derive_snr
from .folder import CatalogFolder
from .latents import BLOCK_ROWS, write_latents
from .manifest import Manifest, is_store
from .schema import BY_NAME, COLUMNS, LATENT_NAMES, N_LATENTS, schema_hash
from .staging import NULL_CODE, Staging
from .store import Store

# Below these an object lies on the frame: the logarithm of noise is not worth the paper.
SNR_FLOOR = 0.01
SCORE_FLOOR = 1e-4
Progress = Callable[[int, int], None]
_DERIVED = ("snr", "population")


def build_store(catalog: Path, store: Path, progress: Progress | None = None) -> Store:
    """Build a store and open it.

    Parameters
    ----------
    catalog : Path
        Folder of Parquet batches with an embedding. Catalogs with the 173 published columns only
        build as well: what they lack is null, except `snr` (from the three arms) and `population`
        (unknown).
    store : Path
        Directory to make. A store of ours that is there already is replaced, and stays whole until
        the new one is complete.
    progress : callable, optional
        Called with (columns done, columns in all).

    Raises
    ------
    StoreError
        When the catalog is incomplete, not embedded or unreadable, or `store` is something else
        than a store.
    """
    catalog, store = Path(catalog), Path(store).absolute()
    if store.exists() and not is_store(store):
        raise StoreError(f"{store} exists and is not a store; give another name or move it away.")
    folder = CatalogFolder.open(catalog)
    store.parent.mkdir(parents=True, exist_ok=True)
    unfinished = store.with_name(f".{store.name}.building-{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    try:
        _Build(folder, unfinished, progress or (lambda done, total: None)).run()
        Store.open(unfinished)  # a store that cannot be opened must not replace one that can
        _replace(unfinished, store)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Store.open(store)


@dataclass
class _Build:
    folder: CatalogFolder
    path: Path
    progress: Progress

    def run(self) -> None:
        positions = self.folder.positions()
        x, y = (_floats(positions.column(name)) for name in ("umap_x", "umap_y"))
        has_position = np.isfinite(x) & np.isfinite(y)
        x, y = (np.where(has_position, values, np.float32(np.nan)) for values in (x, y))
        order = _store_order(x, y)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        staging = Staging(self.path / "staging", self.folder, places)
        facts = self._gather(staging)
        cluster = positions.column("cluster").fill_null(NULL_CODE).to_numpy()
        for column, values in ((UMAP_X, x), (UMAP_Y, y), (CLUSTER, cluster)):
            staging.add(column, values[order], "float" if column is not CLUSTER else "integer")
        facts |= derive_ranks(staging)
        self._write_planes(staging)
        np.save(self.path / "target_order.npy", _target_order(staging.get("target_id")))
        self._write_legends(staging)
        facts["counts"] = _counts(staging, facts.pop("tiers"))
        facts["columns"] = tuple(staging.columns.values())
        staging.seal(self.path / "columns.arrow")
        facts["n_latents_clipped"] = self._write_latents(staging)
        self._write_manifest(facts)

    def _gather(self, staging: Staging) -> dict[str, Any]:
        columns = [c for c in COLUMNS if c.name not in LATENT_NAMES and c.name not in _DERIVED]
        for done, column in enumerate(columns):
            staging.gather(column)
            self.progress(done + 1, len(COLUMNS))
        is_derived = {"snr": derive_snr(staging), "population": derive_population(staging)}
        return {"derived": tuple(name for name in _DERIVED if is_derived[name])}

    def _write_planes(self, staging: Staging) -> None:
        umap = (staging.get("umap_x"), staging.get("umap_y"))
        write_plane(self.path / "planes" / "umap", *umap, ("UMAP 1", "UMAP 2"))
        x = np.log10(np.maximum(staging.get("snr"), np.float32(SNR_FLOOR)))
        y = np.log10(np.maximum(staging.get("score_mse"), np.float32(SCORE_FLOOR)))
        labels = (
            f"log10 of S/N (at least {SNR_FLOOR})",
            f"log10 of score (at least {SCORE_FLOOR})",
        )
        write_plane(self.path / "planes" / "score_snr", x, y, labels)

    def _write_legends(self, staging: Staging) -> None:
        (self.path / "legends").mkdir()
        for name, legend in staging.legends.items():
            (self.path / "legends" / f"{name}.json").write_text(json.dumps(legend), "utf-8")

    def _write_latents(self, staging: Staging) -> int:
        n_others = len(COLUMNS) - N_LATENTS

        def latent(index: int) -> NDArray[np.float32]:
            values = staging.numbers(BY_NAME[LATENT_NAMES[index]])
            self.progress(n_others + index + 1, len(COLUMNS))
            return values

        return write_latents(self.path / "latents.f16", self.folder.n_objects, latent)

    def _write_manifest(self, facts: dict[str, Any]) -> None:
        scan, embedding = self.folder.scan, dict(self.folder.embedding)
        embedding.pop("catalog", None)  # the batches say it
        files = sorted(p for p in self.path.rglob("*") if p.is_file())
        Manifest(
            n_objects=self.folder.n_objects,
            files={p.relative_to(self.path).as_posix(): p.stat().st_size for p in files},
            batches=self.folder.batches,
            schema_hash=schema_hash(),
            tiers=TIER_NAMES,
            tiers_version=TIERS_VERSION,
            model=scan.get("model") or {"id": None, "name": None, "sha256": None},
            simulated=scan.get("simulated"),
            embedding=embedding,
            skipped=dict(Counter(str(s.get("kind")) for s in scan.get("skipped", ()))),
            ignored_columns=self.folder.ignored_columns,
            latent_block=BLOCK_ROWS,
            notes=tuple(scan.get("notes", ())),
            **facts,
        ).write(self.path)


def _floats(column: Any) -> NDArray[np.float32]:
    return column.fill_null(np.nan).to_numpy()


def _store_order(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the catalog row of each store row: map order, then the objects without position."""
    _, order, _ = map_order(x, y)
    has_position = np.zeros(len(x), np.bool_)
    has_position[order] = True
    return np.concatenate([order, np.flatnonzero(~has_position)])


def _target_order(target_ids: NDArray[np.int64]) -> NDArray[np.uint32]:
    return np.argsort(target_ids, kind="stable").astype(np.uint32)


def _counts(staging: Staging, tiers: dict[str, int]) -> dict[str, dict[str, int]]:
    counts = {"tiers": tiers}
    for key, name in (("populations", "population"), ("arms", "worst_arm"), ("surveys", "survey")):
        codes = staging.get(name)
        counts[key] = {
            value: int(np.count_nonzero(codes == code))
            for code, value in enumerate(staging.legends[name])
        }
    return counts


def _replace(unfinished: Path, store: Path) -> None:
    """Give the finished store its name; put the old one back if that fails."""
    old = store.with_name(f".{store.name}.old-{os.getpid()}")
    had_one = store.exists()
    if had_one:
        store.rename(old)
    try:
        unfinished.rename(store)
    except OSError:
        if had_one:
            old.rename(store)
        raise
    if had_one:
        shutil.rmtree(old)
