"""The command `explain`: the analysis note of an object, and the numbers it is made of."""

import json
import math
from argparse import Namespace
from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Any

from .progress import say
from .settings import Settings

if TYPE_CHECKING:
    from anomaly_explorer.engine.explain.explanation import Explanation


def explain(options: Namespace) -> None:
    """Print why an object is strange; all objects of the TARGETID, one after the other."""
    from anomaly_explorer.engine.catalog.store import Store
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.explain.note import plain_text, write_note

    from .live import load_inspector, measurer_of

    store = Store.open(options.store)
    rows = store.rows_of_target(options.target_id)
    if len(rows) == 0:
        raise InputError(f"TARGETID {options.target_id} is in no object of {options.store}")
    settings = Settings(options.store, options.spectra, options.weights, options.measurer)
    inspector, measurer = load_inspector(store, settings), measurer_of(store, settings)
    found = [_explain_row(inspector, measurer, int(row)) for row in rows]
    if options.json:
        say(json.dumps([{**numbers(each), "note": plain_text(write_note(each))} for each in found],
                       indent=2, allow_nan=False, ensure_ascii=False))  # fmt: skip
        return
    for each in found:
        say(plain_text(write_note(each)))
        for name, value in _flat(numbers(each)):
            say(f"{name:>32}  {'' if value is None else value}")


def _explain_row(inspector: Any, measurer: Any, row: int) -> "Explanation":
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.explain.explanation import explain
    from anomaly_explorer.engine.explain.twin import nearest_twin, normals_like

    store = inspector.store
    inspection = inspector.inspect(row)
    n_ranked = store.manifest.ranked.get(inspection.facts["population"], 0)
    try:
        twin = nearest_twin(store, row, normals_like(store, inspection.facts).mask(store))
    except InputError:  # it has no latents
        twin = None
    return explain(inspection, n_ranked, measurer).with_twin(twin)


def numbers(explanation: "Explanation") -> dict[str, Any]:
    """Return an explanation as JSON values; what is unknown is None."""
    facts = asdict(explanation)
    feature, twin = explanation.evidence.feature, facts["twin"]
    if feature is not None:
        found = facts["evidence"]["feature"]
        found |= {"width_angstrom": feature.width_angstrom, "width_kms": feature.width_kms}
        if explanation.redshift > -1:
            found["rest_wavelength"] = feature.wavelength / (1 + explanation.redshift)
    if twin is not None:
        del twin["latents"], twin["row"]
    return _plain(facts)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, Enum):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _flat(facts: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Return the numbers within numbers, each under its whole name."""
    found: list[tuple[str, Any]] = []
    for name, value in facts.items():
        whole = f"{before}{name}"
        found += _flat(value, f"{whole}.") if isinstance(value, dict) else [(whole, value)]
    return found
