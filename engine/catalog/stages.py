"""The stages of a build, in order: each writes its files and is then listed in the journal."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.contrast.totals import write_totals
from anomaly_explorer.engine.mapped import mapped
from anomaly_explorer.engine.plane.histogram import write_histograms
from anomaly_explorer.engine.plane.plane import map_order, write_plane
from anomaly_explorer.engine.scoring.tiers import TIER_NAMES, TIERS_VERSION, least_fitted

from .checksums import hash_files, sync_files
from .derive import CLUSTER, EXTRAS, UMAP_X, UMAP_Y, derive_population, derive_ranks, derive_snr
from .folder import CatalogFolder
from .gather import NULL_CODE
from .journal import Journal
from .latents import BLOCK_ROWS
from .manifest import Manifest
from .scatter import LatentScatter
from .schema import COLUMNS, LATENT_NAMES, schema_hash
from .staging import Staging

# Below these an object lies on the frame: the logarithm of noise is not worth the paper.
SNR_FLOOR = 0.01
SCORE_FLOOR = 1e-4
# Columns read in one pass: they share the reading of a batch, and lie in memory together.
COLUMNS_PER_PASS = 6
Progress = Callable[[str, int, int], None]
_DERIVED = ("snr", "population")


class Stages:
    """Everything a build does between an opened catalog and a finished directory.

    Parameters
    ----------
    folder : CatalogFolder
    path : Path
        The unfinished store, inside the folder of the journal.
    journal : Journal
        What is done already is not done again.
    progress : callable
        Called with (what is being made, parts done, parts in all).
    """

    def __init__(
        self, folder: CatalogFolder, path: Path, journal: Journal, progress: Progress
    ) -> None:
        self.folder = folder
        self.path = path
        self._journal = journal
        self._progress = progress
        path.mkdir(exist_ok=True)
        self._staging = Staging(path, folder, journal)
        self._scatter = LatentScatter(folder, journal)

    def run(self) -> None:
        """Do what is not done, and write the manifest."""
        steps = list(self._steps())
        for done, (name, work) in enumerate(steps):
            if name not in self._journal:
                self._progress("building: " + name, done, len(steps))
                self._journal.finish(name, work())
        self._progress("building: done", len(steps), len(steps))
        self._write_manifest()

    def _steps(self) -> Iterator[tuple[str, Callable[[], dict[str, Any] | None]]]:
        yield "map order", self._find_order
        yield "columns", self._gather
        yield "calibrated scores", lambda: self._staging.gather_calibrated(self._places)
        yield "derived", self._derive
        yield "target order", self._order_targets
        yield "ranks", self._rank
        yield "plane umap", self._write_umap
        yield "plane score_snr", self._write_score_snr
        yield "histograms", self._write_histograms
        yield "totals", self._write_totals
        yield "columns.arrow", self._seal
        yield "latents", self._lay_latents_aside
        yield "latents.f16", self._write_latents
        yield "checksums", self._hash

    @property
    def _places(self) -> NDArray[np.uint32]:
        """Return the store row of each catalog row, (N,), mapped."""
        return mapped(self._journal.folder / "places.npy")

    def _load(self, name: str) -> NDArray[Any]:
        return mapped(self.path / name)

    def _find_order(self) -> None:
        positions = self.folder.positions()
        x, y = (positions.column(n).fill_null(np.nan).to_numpy() for n in ("umap_x", "umap_y"))
        has_position = np.isfinite(x) & np.isfinite(y)
        x, y = (np.where(has_position, values, np.float32(np.nan)) for values in (x, y))
        order = _store_order(x, y)
        places = np.empty(len(order), np.uint32)
        places[order] = np.arange(len(order), dtype=np.uint32)
        np.save(self._journal.folder / "places.npy", places)
        cluster = positions.column("cluster").fill_null(NULL_CODE).to_numpy()
        for column, values in ((UMAP_X, x), (UMAP_Y, y), (CLUSTER, cluster)):
            kind = "integer" if column is CLUSTER else "float"
            self._staging.add(column, values[order], kind)

    def _gather(self) -> None:
        wanted = [c for c in COLUMNS if c.name not in LATENT_NAMES and c.name not in _DERIVED]
        missing = [column for column in wanted if not self._staging.has(column)]
        for first in range(0, len(missing), COLUMNS_PER_PASS):
            done = len(wanted) - len(missing) + first
            self._progress("building: columns", done, len(wanted))
            self._staging.gather(missing[first : first + COLUMNS_PER_PASS], self._places)
        self._progress("building: columns", len(wanted), len(wanted))

    def _derive(self) -> dict[str, Any]:
        is_derived = {
            "snr": derive_snr(self._staging, self._places),
            "population": derive_population(self._staging, self._places),
        }
        return {"derived": [name for name in _DERIVED if is_derived[name]]}

    def _order_targets(self) -> None:
        order = np.argsort(self._staging.get("target_id"), kind="stable")
        np.save(self.path / "target_order.npy", order.astype(np.uint32))

    def _rank(self) -> dict[str, Any]:
        n_fitted = least_fitted(self.folder.calibration)
        return derive_ranks(self._staging, self._load("target_order.npy"), n_fitted)

    def _write_umap(self) -> None:
        umap = (self._staging.get("umap_x"), self._staging.get("umap_y"))
        self._write_plane("umap", umap, ("UMAP 1", "UMAP 2"))

    def _write_score_snr(self) -> None:
        x = np.log10(np.maximum(self._staging.get("snr"), np.float32(SNR_FLOOR)))
        y = np.log10(np.maximum(self._staging.get("score_mse"), np.float32(SCORE_FLOOR)))
        labels = (
            f"log10 of S/N (at least {SNR_FLOOR})",
            f"log10 of score (at least {SCORE_FLOOR})",
        )
        self._write_plane("score_snr", (x, y), labels)

    def _write_plane(
        self, name: str, xy: tuple[NDArray[np.float32], ...], labels: tuple[str, str]
    ) -> None:
        path = self.path / "planes" / name
        shutil.rmtree(path, ignore_errors=True)  # a kill may have left half of it
        write_plane(path, *xy, labels)

    def _write_histograms(self) -> None:
        shutil.rmtree(self.path / "histograms", ignore_errors=True)
        write_histograms(self.path, self._staging.get)

    def _write_totals(self) -> None:
        write_totals(self.path, self._staging.get, self._staging.columns)

    def _seal(self) -> None:
        known = self._staging.columns
        names = [column.name for column in (*COLUMNS, *EXTRAS) if column.name in known]
        self._staging.seal(names)

    def _lay_latents_aside(self) -> dict[str, Any]:
        self._staging.drop()
        n_clipped = self._scatter.lay_aside(self._places, self._advance("latents, batches"))
        return {"n_clipped": n_clipped}

    def _write_latents(self) -> None:
        advance = self._advance("latents, blocks")
        self._scatter.write(self.path / "latents.f16", self.folder.n_objects, advance)

    def _advance(self, name: str) -> Callable[[int, int], None]:
        return lambda done, total: self._progress("building: " + name, done, total)

    def _files(self) -> list[str]:
        files = sorted(path for path in self.path.rglob("*") if path.is_file())
        names = (path.relative_to(self.path).as_posix() for path in files)
        return [name for name in names if name != "manifest.json"]

    def _hash(self) -> dict[str, Any]:
        self._scatter.drop()
        names = self._files()
        sync_files(self.path, names)
        return {"checksums": hash_files(self.path, names, self._advance("checksums, MiB"))}

    def _write_manifest(self) -> None:
        scan, embedding = self.folder.scan, dict(self.folder.embedding)
        embedding.pop("catalog", None)  # the batches say it
        journal, known = self._journal, self._staging.columns
        Manifest(
            n_objects=self.folder.n_objects,
            columns=tuple(known[c.name] for c in (*COLUMNS, *EXTRAS) if c.name in known),
            files={name: (self.path / name).stat().st_size for name in self._files()},
            checksums=journal["checksums"]["checksums"],
            batches=self.folder.batches,
            schema_hash=schema_hash(),
            tiers=TIER_NAMES,
            tiers_version=TIERS_VERSION,
            counts=journal["ranks"]["counts"],
            ranked=journal["ranks"]["ranked"],
            model=scan.get("model") or {"id": None, "name": None, "sha256": None},
            measurer=scan.get("measurer") or {"id": None, "name": None, "sha256": None},
            calibration=_said_of_calibration(self.folder.calibration),
            simulated=scan.get("simulated"),
            embedding=embedding,
            skipped=dict(Counter(str(s.get("kind")) for s in scan.get("skipped", ()))),
            derived=tuple(journal["derived"]["derived"]),
            ignored_columns=self.folder.ignored_columns,
            n_latents_clipped=journal["latents"]["n_clipped"],
            latent_block=BLOCK_ROWS,
            notes=tuple(scan.get("notes", ())),
        ).write(self.path)


def _said_of_calibration(said: dict[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of a calibration; the batches say the rest."""
    return {name: value for name, value in said.items() if name not in ("catalog", "fingerprints")}


def _store_order(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the catalog row of each store row: map order, then the objects without position."""
    _, order, _ = map_order(x, y)
    has_position = np.zeros(len(x), np.bool_)
    has_position[order] = True
    return np.concatenate([order, np.flatnonzero(~has_position)])
