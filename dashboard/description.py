"""What `info` prints: what a store holds, statistics, and whether every byte is as it was built."""

import json
import math
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .progress import progress, say

if TYPE_CHECKING:
    from anomaly_explorer.engine.catalog.store import Store

STATISTICS = ("score_mse", "snr", "redshift")


def describe_store(options: Namespace) -> None:
    """Say what is in a store; `options` are those of the command ``info``."""
    from anomaly_explorer.engine.catalog.checksums import verify_store
    from anomaly_explorer.engine.catalog.store import Store, info

    store = Store.open(options.store)
    facts = info(store)
    if options.verify:
        with progress("verifying, MiB") as advance:
            facts["verified_files"] = verify_store(options.store, advance)
    statistics = _statistics(store, options.statistics)
    if options.json:
        asked = {} if statistics is None else {"statistics": statistics}
        say(json.dumps({**facts, **asked}, indent=2))
        return
    for name, value in facts.items():
        shown = (
            ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        )
        say(f"{name.replace('_', ' '):>16}  {shown if value is not None else 'no'}")
    for line in _statistics_table(statistics or {}):
        say(line)


def _statistics(store: "Store", names: list[str] | None) -> dict[str, dict[str, Any]] | None:
    """Ask vaex about columns; None where nobody asked, None for a number that is not there."""
    if names is None:
        return None
    from anomaly_explorer.engine.query.query import QUANTILES, CatalogQuery

    query = CatalogQuery(store)
    try:
        found = query.statistics(names or STATISTICS)
    finally:
        query.close()
    described = {}
    for name, known in found.items():
        numbers = {"mean": known.mean, "minimum": known.minimum}
        numbers |= {f"{share:.0%}": v for share, v in zip(QUANTILES, known.quantiles, strict=True)}
        numbers["maximum"] = known.maximum
        described[name] = {"count": known.count}
        described[name] |= {k: None if math.isnan(v) else v for k, v in numbers.items()}
    return described


def _statistics_table(statistics: dict[str, dict[str, Any]]) -> Iterator[str]:
    for place, (name, numbers) in enumerate(statistics.items()):
        if place == 0:
            yield "\n" + " " * 16 + "".join(f"{title:>13}" for title in numbers)
        shown = (
            "-" if v is None else f"{v:,}" if isinstance(v, int) else f"{v:.6g}"
            for v in numbers.values()
        )  # fmt: skip
        yield f"{name:>16}" + "".join(f"{text:>13}" for text in shown)
