"""The command `benchmark`: how good the score is, judged on fresh simulated surveys."""

import json
import os
import platform
import secrets
from argparse import Namespace

from .progress import say

# Trees take seeds of 32 bits.
_SEEDS = 1 << 31


def benchmark(options: Namespace) -> None:
    """Run trials, print what they come to, and write it where it is asked for."""
    from anomaly_explorer.engine.benchmark.bars import missed_gates
    from anomaly_explorer.engine.benchmark.report import summarize, write_page
    from anomaly_explorer.engine.benchmark.trial import SMALL, TrialSize, run_trial
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.model.weights import load_model
    from anomaly_explorer.engine.scan.atomic import replace_file

    first = options.seed if options.seed is not None else secrets.randbelow(_SEEDS)
    if not 0 <= first < _SEEDS:
        raise InputError(f"a seed of the benchmark is a number from 0 to 2^31 - 1, got {first}")
    for path in (options.out, options.json):  # said now, and not when all is done
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{path.parent} is no folder: make it, or name another file")
    size = SMALL if options.small else TrialSize()
    compatible = load_model().network
    trials = [run_trial(first + i, size, compatible, say) for i in range(options.trials)]
    summary = summarize(trials)
    command = f"anomaly-explorer benchmark score --trials {options.trials} --seed {first}"
    page = write_page(summary, _machine(), command + (" --small" if options.small else ""))
    say(page)
    if options.out is not None:
        replace_file(options.out, lambda path: path.write_text(page + "\n", encoding="utf-8"))
    if options.json is not None:
        figures = json.dumps(summary, indent=1, allow_nan=False)
        replace_file(options.json, lambda path: path.write_text(figures + "\n", encoding="utf-8"))
    missed = missed_gates(summary)
    if options.gate and missed:
        raise InputError(f"the score is worse than it must be: {'; '.join(missed)}")


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), no GPU used"
