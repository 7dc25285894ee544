"""Build a store from a catalog: map order, mapped columns, latents and planes.

Memory holds a few columns at a time, whatever the number of batches. The store appears under its
name only when it is complete. Until then it grows in `.STORE.building`, with a journal of what is
done: a build that was killed, or found the disk full, goes on from there.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from anomaly_explorer.engine.errors import ExplorerError, StoreError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.scoring.tiers import TIERS_VERSION

from .folder import CatalogFolder
from .journal import Journal
from .lock import exclusive
from .manifest import FORMAT_VERSION, is_store
from .schema import schema_hash
from .stages import Stages
from .store import Store

Progress = Callable[[str, int, int], None]


def build_store(catalog: Path, store: Path, progress: Progress | None = None) -> Store:
    """Build a store and open it.

    Parameters
    ----------
    catalog : Path
        Folder of Parquet batches with an embedding; without a calibration the columns of the
        calibrated score are null. Catalogs with the 173 published columns only
        build as well: what they lack is null, except `snr` (from the three arms) and `population`
        (unknown).
    store : Path
        Directory to make. A store of ours that is there already is replaced, and stays whole until
        the new one is complete.
    progress : callable, optional
        Called with (what is being made, parts done, parts in all).

    Raises
    ------
    StoreError
        When the catalog is incomplete, not embedded or unreadable, `store` is something else than
        a store, or another process is building it.
    ExplorerError
        When it cannot be written, as on a full disk; a second call goes on.
    """
    catalog, store = Path(catalog), Path(store).absolute()
    if store.exists() and not is_store(store):
        raise StoreError(f"{store} exists and is not a store; give another name or move it away.")
    folder = CatalogFolder.open(catalog)
    store.parent.mkdir(parents=True, exist_ok=True)
    building = store.with_name(f".{store.name}.building")
    held = f"{store} is being built by another process; wait for it, or stop it and build again."
    with exclusive(store.with_name(f"{building.name}.lock"), held):
        try:
            _build(folder, building, store, progress or (lambda stage, done, total: None))
        except StoreError:
            # The catalog is at fault: what was made of it is of no use.
            shutil.rmtree(building, ignore_errors=True)
            raise
        except (OSError, pa.ArrowException) as error:
            raise ExplorerError(
                f"The store {store} cannot be written ({error}); make room and build again, what "
                "is finished is kept."
            ) from error
    return Store.open(store)


def _build(folder: CatalogFolder, building: Path, store: Path, progress: Progress) -> None:
    journal = Journal(building, _plan(folder))
    unfinished = building / "store"
    if "manifest" not in journal:
        Stages(folder, unfinished, journal, progress).run()
        journal.finish("manifest")
    if unfinished.exists():  # not so when a kill came between the replacement and the clearing up
        Store.open(unfinished)  # a store that cannot be opened must not replace one that can
        _replace(unfinished, store, building / "replaced")
    shutil.rmtree(building)


def _plan(folder: CatalogFolder) -> dict[str, Any]:
    """Return everything the store depends on."""
    said = json.dumps([folder.scan, folder.embedding, folder.calibration], sort_keys=True)
    return {
        "format_version": FORMAT_VERSION,
        "schema": schema_hash(),
        "tiers": TIERS_VERSION,
        "batches": [asdict(batch) for batch in folder.batches],
        "positions": fingerprint(folder.positions_path),
        "scores": fingerprint(folder.scores_path) if folder.calibration else None,
        "said": hashlib.sha256(said.encode()).hexdigest(),
    }


def _replace(unfinished: Path, store: Path, old: Path) -> None:
    """Give the finished store its name; put the old one back if that fails."""
    if store.exists():
        shutil.rmtree(old, ignore_errors=True)
        store.rename(old)
    try:
        unfinished.rename(store)
    except OSError:
        if old.exists():
            old.rename(store)
        raise
