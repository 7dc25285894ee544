"""Measure and write the page: `python -m benchmarks [SECTION ...] [--store STORE | --rows N]`.

Without a store one of N simulated objects is built once, in the folder of the results. Each section
leaves its figures as JSON there; the page is written from all that are there, so that sections may
be measured on different days.
"""

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .machine import describe_machine, load_average
from .page import write_page
from .stages import LOG_NAME, make_store

# A map of few objects needs few landmarks.
_LANDMARKS = 20_000


def main() -> int:
    """Measure the sections asked for and write the page."""
    options = _options()
    options.results.mkdir(parents=True, exist_ok=True)
    store = options.store or _store(options.results, options.rows)
    for name in options.sections or SECTIONS:
        before = load_average()
        found = SECTIONS[name](store, options)
        facts = {
            "command": f"python -m benchmarks {name}", "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "machine": describe_machine(), "load": [before, load_average()],
        }  # fmt: skip
        content = json.dumps({**facts, **found}, indent=1) + "\n"
        (options.results / f"{name}.json").write_text(content, encoding="utf-8")
        print(f"{name}: measured", flush=True)
    write_page(options.results, options.out)
    print(f"{options.out}: written")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("sections", nargs="*", help=", ".join(SECTIONS) + " (default: all)")
    parser.add_argument("--store", type=Path, help="a store that is there")
    parser.add_argument("--rows", type=int, default=20_000, help="objects of a store to build")
    parser.add_argument("--spectra", type=Path, help="root of the spectra of the store")
    parser.add_argument("--gestures", type=int, default=20, help="gestures of each kind")
    parser.add_argument("--cycles", type=int, default=200, help="sessions opened and closed")
    parser.add_argument("--results", type=Path, default=Path("build/benchmarks"))
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks.md"))
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    return options


def _store(results: Path, n_rows: int) -> Path:
    """Return a store of N objects, built when it is not there."""
    folder = results / f"rows-{n_rows}"
    store = folder / "store"
    if not (store / "manifest.json").is_file():
        stages = make_store(folder, n_rows, seed=1, n_landmarks=min(_LANDMARKS, n_rows // 10 + 50))
        if stages[-1].code:
            raise SystemExit(f"{stages[-1].name} failed: see above")
    return store


def _server(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from anomaly_explorer.dashboard.measuring.run import Wish, measure_store

    return {"figures": measure_store(Wish(store, options.spectra))}


def _spectra(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from .spectra import spectra_lines

    return {"lines": spectra_lines()}


def _browser(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from .journeys import browser_figures

    return {"figures": _with_rows(store, browser_figures(store, options.spectra, options.gestures))}


def _crowd(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from .crowd import crowd_figures

    return {"figures": _with_rows(store, crowd_figures(store, options.spectra, options.gestures))}


def _sessions(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from .sessions import session_figures

    return {"figures": _with_rows(store, session_figures(store, options.cycles))}


def _growth(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    import tempfile

    from anomaly_explorer.engine.catalog.store import Store

    from .growth import growth_figures

    with tempfile.TemporaryDirectory(dir=options.results) as folder:
        return {"figures": growth_figures(Store.open(store).plane("umap"), Path(folder))}


def _insights(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    from .insights import insight_lines

    return {"lines": insight_lines(store, int(_with_rows(store, {})["rows"]))}


def _build(store: Path, options: argparse.Namespace) -> dict[str, Any]:
    log = store.parent / LOG_NAME
    return json.loads(log.read_text(encoding="utf-8")) if log.is_file() else {}


def _with_rows(store: Path, figures: dict[str, float]) -> dict[str, float]:
    manifest = json.loads((store / "manifest.json").read_text(encoding="utf-8"))
    return {"rows": float(manifest["n_objects"]), **figures}


SECTIONS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Any]]] = {
    "server": _server, "browser": _browser, "crowd": _crowd, "sessions": _sessions,
    "growth": _growth, "build": _build, "insights": _insights, "spectra": _spectra,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
