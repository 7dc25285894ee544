"""A whole scan: plan, batches, summary; atomic, resumable, nothing silently dropped.

On disk: ``plan.json`` (what will be scanned), ``desi_dr1_catalog_batch_NNNN.parquet`` (renamed
into place when complete), ``scan.json`` (counts and every skipped input, when all is done).
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch

from anomaly_explorer.engine.errors import InputError, StoreError

from .atomic import is_leftover, remove_leftovers, replace_file
from .batch import PLAN, BatchTask, batch_path, plan_digest
from .batch import read_batch as read_batch
from .crew import Alone, Crew
from .lock import LOCK, ScanLock
from .plan import ScanPlan
from .scorer import ScoreCards, Scorer
from .summary import SCAN_FORMAT, summarize

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ScanResult:
    """What a run did: batches made now and found ready, and the summary of the whole catalog."""

    n_made: int
    n_ready: int
    summary: dict[str, Any]


def run_scan(
    plan: ScanPlan,
    catalog: Path,
    scorer: Scorer,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> ScanResult:
    """Scan what the plan says into a catalog folder, in this process: see `run_scan_with`.

    Parameters
    ----------
    plan : ScanPlan
    catalog : Path
    scorer : Scorer
    device : torch.device, optional
        Default: the best there is.
    progress : callable, optional
    """
    return run_scan_with(Alone(scorer, device), plan, catalog, scorer.cards, progress)


def run_scan_with(
    crew: Crew,
    plan: ScanPlan,
    catalog: Path,
    cards: ScoreCards,
    progress: Progress | None = None,
) -> ScanResult:
    """Scan what the plan says into a catalog folder, batch by batch.

    Batches that are there already are left alone; an interrupted one is made again.

    Parameters
    ----------
    crew : Crew
        Who makes the batches, with the networks of `cards`.
    plan : ScanPlan
    catalog : Path
        Folder to write; made when absent.
    cards : ScoreCards
    progress : callable, optional
        Called with (objects done, objects).

    Raises
    ------
    StoreError
        The folder holds a catalog of other spectra or of other networks, or another scan writes
        into it.
    ExplorerError
        The disk is full, or a batch could not be made.
    """
    if not (catalog / PLAN).exists():
        _make_folder(catalog)
    try:
        with ScanLock(catalog):
            remove_leftovers(catalog)
            _claim(catalog, plan, cards)
            result = _make_missing(crew, plan, catalog, progress)
            return ScanResult(*result, _write_summary(plan, catalog, cards))
    finally:
        with suppress(OSError):  # not empty, as nearly always
            catalog.rmdir()


def _make_missing(
    crew: Crew, plan: ScanPlan, catalog: Path, progress: Progress | None
) -> tuple[int, int]:
    """Make the batches that are not there; return how many were made and how many found."""
    root, folder, digest = str(plan.root), str(catalog.resolve()), plan_digest(catalog)
    tasks = [
        BatchTask(number, folder, root, inputs, digest)
        for number, inputs in enumerate(plan.batches)
    ]
    # One look at the folder: asking for each name would have NFS remember that it is not there.
    present = set(os.listdir(catalog))
    missing = [task for task in tasks if task.path.name not in present]
    total = sum(task.n_objects for task in tasks)
    done = total - sum(task.n_objects for task in missing)

    def advance(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total)

    if done:
        advance(0)
    crew.make(missing, advance)
    return len(missing), len(tasks) - len(missing)


def _write_summary(plan: ScanPlan, catalog: Path, cards: ScoreCards) -> dict[str, Any]:
    remove_leftovers(catalog)  # of workers that were killed
    try:
        summary = summarize(plan, catalog, cards)
    except InputError:
        _forget(plan, catalog)
        raise
    _write_json(catalog / "scan.json", summary, indent=2)
    return summary


def _write_json(path: Path, content: Any, indent: int | None = None) -> None:
    text = json.dumps(content, indent=indent) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _claim(catalog: Path, plan: ScanPlan, cards: ScoreCards) -> None:
    """Write the plan, or check that the folder was begun with the same one."""
    described = {
        "format": SCAN_FORMAT,
        "model": cards.model.model_id,
        "measurer": cards.measurer.model_id,
        "batches": [
            [[spectra.path, spectra.fingerprint, spectra.n_scanned] for spectra in batch]
            for batch in plan.batches
        ],
    }
    target = catalog / PLAN
    if not target.exists():
        _write_json(target, described)
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
    if PLAN in present:  # another scan was a little faster
        return
    if any(not (is_leftover(name) or name.startswith(LOCK)) for name in present):
        raise StoreError(f"{catalog} is not empty and holds no catalog: name another --out")


def _what_differs(begun: dict[str, Any], described: dict[str, Any]) -> str | None:
    if begun == described:
        return None
    if begun["format"] != described["format"]:
        return f"another format of plan ({begun['format']})"
    if begun["model"] != described["model"]:
        return f"another model ({begun['model']})"
    if begun["measurer"] != described["measurer"]:
        return f"another measurer ({begun['measurer']})"
    before, now = (sorted(chain(*plan["batches"])) for plan in (begun, described))
    return "another --batch-rows" if before == now else "other spectra"


def _forget(plan: ScanPlan, catalog: Path) -> None:
    """Remove a catalog without objects, so that the repaired files can be scanned into it."""
    for number in range(len(plan.batches)):
        batch_path(catalog, number).unlink(missing_ok=True)
    (catalog / PLAN).unlink(missing_ok=True)
