"""The command `benchmark`: how good the score is, judged on fresh simulated surveys."""

import json
import os
import platform
import secrets
from argparse import Namespace
from pathlib import Path

from .progress import say

# Below this every survey of a trial has a seed of its own.
_SEEDS = 1 << 31


def benchmark(options: Namespace) -> None:
    """Run trials, print what they come to, and write it where it is asked for."""
    from anomaly_explorer.engine.benchmark.report import summarize, write_page
    from anomaly_explorer.engine.benchmark.trial import SMALL, TrialSize, run_trial
    from anomaly_explorer.engine.model.weights import load_model

    first = options.seed if options.seed is not None else secrets.randbelow(_SEEDS)
    size = SMALL if options.small else TrialSize()
    compatible = load_model().network
    trials = [run_trial(first + i, size, compatible, say) for i in range(options.trials)]
    summary = summarize(trials)
    command = f"anomaly-explorer benchmark score --trials {options.trials} --seed {first}"
    page = write_page(summary, _machine(), command + (" --small" if options.small else ""))
    say(page)
    if options.out is not None:
        _write(options.out, page)
    if options.json is not None:
        _write(options.json, json.dumps(summary, indent=1))


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), no GPU used"


def _write(path: Path, text: str) -> None:
    whole = path.with_name(path.name + ".part")
    whole.write_text(text + "\n", encoding="utf-8")
    whole.replace(path)
