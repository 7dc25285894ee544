"""What a finished scan says of itself in ``scan.json``: counts, and every input left out."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.card import ModelCard

from .batch import batch_path, read_batch
from .plan import FAILURE, SUPERSEDED, WITHOUT_SPECTRA, ScanPlan, Skipped
from .scorer import ScoreCards
from .worker import SKIPPED_KEY

# Of this file, of the plan beside it, and of what readers put into the columns of batches.
SCAN_FORMAT = 4


def summarize(plan: ScanPlan, catalog: Path, cards: ScoreCards) -> dict[str, Any]:
    """Count what the batches hold and list every input that gave nothing.

    Raises
    ------
    StoreError
        A batch is damaged.
    InputError
        No batch holds an object.
    """
    skipped, populations, surveys = list(plan.skipped), Counter[str](), Counter[str]()
    batches: dict[str, int] = {}
    no_data = 0
    for number in range(len(plan.batches)):
        path = batch_path(catalog, number)
        table = read_batch(path, ["population", "survey", "coverage"])
        metadata = pq.read_metadata(path).metadata or {}
        skipped += [Skipped(**item) for item in json.loads(metadata.get(SKIPPED_KEY, b"[]"))]
        populations.update(_counts(table["population"]))
        surveys.update(_counts(table["survey"]))
        no_data += pc.sum(pc.equal(table["coverage"], 0)).as_py() or 0
        batches[path.name] = len(table)
    n_objects = sum(batches.values())
    if n_objects == 0:
        raise InputError(f"no object could be read: {skipped[-1].reason}")
    kinds = Counter(item.kind for item in skipped)
    simulation = plan.simulation
    return {
        "format": SCAN_FORMAT,
        "model": _named(cards.model),
        "measurer": _named(cards.measurer),
        "grid": cards.model.grid.name,
        "preprocessing": cards.model.preprocessing,
        "counts": {
            "objects": n_objects,
            "files": _n_files(plan) - _n_late_failures(plan, skipped),
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


def _named(card: ModelCard) -> dict[str, str]:
    return {"id": card.model_id, "name": card.name, "sha256": card.sha256}


def _counts(column: Any) -> dict[str, int]:
    """Return how often each value stands in an Arrow column, (N,), without a Python row each."""
    return {item["values"]: item["counts"] for item in pc.value_counts(column).to_pylist()}


def _n_files(plan: ScanPlan) -> int:
    """Return the files behind the inputs: a survey simulated on the way has none."""
    return sum(spectra.kind != "simulated" for spectra in plan.inputs)


def _n_late_failures(plan: ScanPlan, skipped: Sequence[Skipped]) -> int:
    planned = {spectra.path for spectra in plan.inputs}
    return sum(item.kind == FAILURE and item.path in planned for item in skipped)
