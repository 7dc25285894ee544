"""A whole scan: plan, batches, summary; atomic, resumable, nothing silently dropped.

On disk: ``plan.json`` (what will be scanned), ``desi_dr1_catalog_batch_NNNN.parquet`` (renamed
into place when complete), ``scan.json`` (counts and every skipped input, when all is done).
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch

from anomaly_explorer.engine.catalog.folder import BATCH_NAME
from anomaly_explorer.engine.errors import ExplorerError, InputError, StoreError
from anomaly_explorer.engine.model.network import best_device
from anomaly_explorer.engine.model.weights import TrainedModel

from .plan import FAILURE, SUPERSEDED, WITHOUT_SPECTRA, ScanPlan, Skipped
from .worker import SKIPPED_KEY, scan_batch

SCAN_FORMAT = 1
PLAN = "plan.json"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ScanResult:
    """What a run did: batches made now and found ready, and the summary of the whole catalog."""

    n_made: int
    n_ready: int
    summary: dict[str, Any]


def batch_path(catalog: Path, number: int) -> Path:
    """Return the file of a batch."""
    return catalog / BATCH_NAME.format(f"{number:04d}")


def run_scan(
    plan: ScanPlan,
    catalog: Path,
    model: TrainedModel,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> ScanResult:
    """Scan what the plan says into a catalog folder, batch by batch.

    Batches that are there already are left alone; an interrupted one is made again.

    Parameters
    ----------
    plan : ScanPlan
    catalog : Path
        Folder to write; made when absent.
    model : TrainedModel
    device : torch.device, optional
        Default: the best there is.
    progress : callable, optional
        Called with (objects done, objects).

    Raises
    ------
    StoreError
        The folder holds a catalog of other spectra or of another model.
    ExplorerError
        The disk is full.
    """
    _claim(catalog, plan, model)
    device = device or best_device()
    total = sum(spectra.n_scanned for spectra in plan.inputs)
    done = n_made = 0

    def advance(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total)

    for number, inputs in enumerate(plan.batches):
        target = batch_path(catalog, number)
        if target.exists():
            advance(sum(spectra.n_scanned for spectra in inputs))
            continue
        table = scan_batch(plan.root, inputs, model, device, advance)
        _write_atomically(target, lambda path, table=table: pq.write_table(
            table, path, compression="zstd"
        ))  # fmt: skip
        n_made += 1
    summary = _summarize(plan, catalog, model)
    text = json.dumps(summary, indent=2) + "\n"
    _write_atomically(catalog / "scan.json", lambda path: path.write_text(text, encoding="utf-8"))
    return ScanResult(n_made, len(plan.batches) - n_made, summary)


def _claim(catalog: Path, plan: ScanPlan, model: TrainedModel) -> None:
    """Write the plan, or check that the folder was begun with the same one."""
    described = {
        "format": SCAN_FORMAT,
        "model": model.card.model_id,
        "batches": [
            [[spectra.path, spectra.fingerprint, spectra.n_scanned] for spectra in batch]
            for batch in plan.batches
        ],
    }
    target = catalog / PLAN
    if not target.exists():
        _make_folder(catalog)
        text = json.dumps(described) + "\n"
        _write_atomically(target, lambda path: path.write_text(text, encoding="utf-8"))
        return
    try:
        begun = json.loads(target.read_text(encoding="utf-8"))
        differs = _what_differs(begun, described)
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{target} cannot be read: delete {catalog} and scan again") from None
    if differs is not None:
        raise StoreError(
            f"{catalog} was begun with {differs}: name another --out, or delete it first"
        )


def _make_folder(catalog: Path) -> None:
    """Make the folder of a new catalog; what a killed scan left of its plan may stand there."""
    try:
        catalog.mkdir(parents=True, exist_ok=True)
        present = {path.name for path in catalog.iterdir()}
    except OSError as error:
        raise InputError(
            f"{catalog} cannot be made a folder ({error.strerror}): name another --out"
        ) from None
    if present - {_temporary(catalog / PLAN).name}:
        raise StoreError(f"{catalog} is not empty and holds no catalog: name another --out")


def _what_differs(begun: dict[str, Any], described: dict[str, Any]) -> str | None:
    if begun == described:
        return None
    if begun["format"] != described["format"]:
        return f"another format of plan ({begun['format']})"
    if begun["model"] != described["model"]:
        return f"another model ({begun['model']})"
    before, now = (sorted(chain(*plan["batches"])) for plan in (begun, described))
    return "another --batch-rows" if before == now else "other spectra"


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp")


def _write_atomically(target: Path, write: Callable[[Path], Any]) -> None:
    temporary = _temporary(target)
    try:
        write(temporary)
        with open(temporary, "rb+") as opened:
            os.fsync(opened.fileno())
        os.replace(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ExplorerError(
            f"cannot write {target.name}: {error.strerror or error}; make room and run again, "
            "finished batches are kept"
        ) from None


def _summarize(plan: ScanPlan, catalog: Path, model: TrainedModel) -> dict[str, Any]:
    """Count what the batches hold and list every input that gave nothing."""
    skipped, populations, surveys = list(plan.skipped), Counter[str](), Counter[str]()
    batches: dict[str, int] = {}
    no_data = 0
    for number in range(len(plan.batches)):
        path = batch_path(catalog, number)
        table = read_batch(path, ["population", "survey", "coverage"])
        metadata = pq.read_schema(path).metadata or {}
        skipped += [Skipped(**item) for item in json.loads(metadata.get(SKIPPED_KEY, b"[]"))]
        populations.update(table["population"].to_pylist())
        surveys.update(table["survey"].to_pylist())
        no_data += pc.sum(pc.equal(table["coverage"], 0)).as_py() or 0
        batches[path.name] = len(table)
    n_objects = sum(batches.values())
    if n_objects == 0:
        _forget(plan, catalog)
        raise InputError(f"no object could be read: {skipped[-1].reason}")
    kinds = Counter(item.kind for item in skipped)
    simulation = plan.simulation
    card = model.card
    return {
        "format": SCAN_FORMAT,
        "model": {"id": card.model_id, "name": card.name, "sha256": card.sha256},
        "grid": card.grid.name,
        "preprocessing": card.preprocessing,
        "counts": {
            "objects": n_objects,
            "files": sum(1 for _ in plan.inputs) - _n_late_failures(plan, skipped),
            "without_spectra": kinds[WITHOUT_SPECTRA],
            "superseded": kinds[SUPERSEDED],
            "failures": kinds[FAILURE],
            "objects_without_data": int(no_data),
        },
        "populations": dict(populations),
        "surveys": dict(surveys),
        "simulated": simulation
        and {"generator_version": simulation[0], "seed": simulation[1]},
        "root": str(plan.root),
        "batches": batches,
        "skipped": [asdict(item) for item in skipped],
        "notes": [f"{s.path}: {note}" for s in plan.inputs for note in s.notes],
    }  # fmt: skip


def _forget(plan: ScanPlan, catalog: Path) -> None:
    """Remove a catalog without objects, so that the repaired files can be scanned into it."""
    for number in range(len(plan.batches)):
        batch_path(catalog, number).unlink(missing_ok=True)
    (catalog / PLAN).unlink(missing_ok=True)
    with suppress(OSError):  # not empty: something else stands there, and may stay
        catalog.rmdir()


def _n_late_failures(plan: ScanPlan, skipped: list[Skipped]) -> int:
    planned = {spectra.path for spectra in plan.inputs}
    return sum(item.kind == FAILURE and item.path in planned for item in skipped)


def read_batch(path: Path, names: list[str]) -> pa.Table:
    """Read columns of a batch file under their catalog names.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    try:
        return pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): delete it and scan again, the others are kept"
        ) from None
