"""The command `benchmark`: how good the score is, judged by spectra whose truth is known."""

import json
import os
import platform
import secrets
import shlex
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .progress import say

if TYPE_CHECKING:
    from anomaly_explorer.engine.benchmark.material import Material, TrialSize
    from anomaly_explorer.engine.model.card import ModelCard

# Trees take seeds of 32 bits.
_SEEDS = 1 << 31


def benchmark(options: Namespace) -> None:
    """Run trials, print what they come to, and write it where it is asked for."""
    from anomaly_explorer.engine.benchmark.bars import missed_gates
    from anomaly_explorer.engine.benchmark.material import SMALL, TrialSize
    from anomaly_explorer.engine.benchmark.report import card_figures, summarize, write_page
    from anomaly_explorer.engine.benchmark.shipped import Shipped
    from anomaly_explorer.engine.benchmark.trial import run_trial
    from anomaly_explorer.engine.errors import InputError
    from anomaly_explorer.engine.insights.insight import plain
    from anomaly_explorer.engine.model.card import write_card
    from anomaly_explorer.engine.scan.atomic import replace_file

    first = options.seed if options.seed is not None else secrets.randbelow(_SEEDS)
    _check_files(options)  # said now, and not when all is done
    size = SMALL if options.small else TrialSize()
    shipped = Shipped.load()
    trials = [
        run_trial(seed, material, size.epochs, shipped, say)
        for seed, material in _materials(options, first, size)
    ]
    summary = summarize(trials)
    pictures = {} if options.out is None else _draw(options.out, summary)
    page = write_page(summary, _machine(), _command(options, first), list(pictures.items()))
    say(page)
    if options.out is not None:
        replace_file(options.out, lambda path: path.write_text(page + "\n", encoding="utf-8"))
    if options.json is not None:
        figures = json.dumps(plain(summary), indent=1, allow_nan=False)
        replace_file(options.json, lambda path: path.write_text(figures + "\n", encoding="utf-8"))
    if options.card is not None:
        card, score = _card_of(options.card)
        figures = card_figures(summary, _command(options, first), score)
        write_card(options.card, replace(card, benchmark=figures))
    missed = missed_gates(summary)
    if options.gate and missed:
        raise InputError(f"the score is worse than it must be: {'; '.join(missed)}")


def _check_files(options: Namespace) -> None:
    from anomaly_explorer.engine.errors import InputError

    for path in (options.out, options.json):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{path.parent} is no folder: make it, or name another file")
    if options.card is not None:
        _card_of(options.card)


def _card_of(weights: Path) -> "tuple[ModelCard, str]":
    """Return the card of a measurer or of the shipped compatible weights, and which score it is."""
    from anomaly_explorer.engine.benchmark.report import COMPATIBLE
    from anomaly_explorer.engine.benchmark.tables import OURS
    from anomaly_explorer.engine.benchmark.trial import AS_SHIPPED
    from anomaly_explorer.engine.model.card import SHIPPED, SHIPPED_MEASURER, check_card
    from anomaly_explorer.engine.model.weighing import WEIGHING_VERSION

    if weights.resolve() == SHIPPED:  # these the trials judge themselves
        return check_card(weights), COMPATIBLE
    is_shipped = weights.resolve() == SHIPPED_MEASURER
    return check_card(weights, WEIGHING_VERSION), AS_SHIPPED if is_shipped else OURS


def _materials(
    options: Namespace, first: int, size: "TrialSize"
) -> Iterator[tuple[int, "Material"]]:
    """Yield the seed and the spectra of each trial, made when their turn comes."""
    from anomaly_explorer.engine.benchmark.material import SurveyFiles, simulated_material

    deal: Callable[[int, TrialSize], Material] = simulated_material
    if options.survey is not None:
        say(f"reading {options.survey}")
        deal = SurveyFiles.read(options.survey, size, say).material
    for seed in range(first, first + options.trials):
        say(f"seed {seed}: drawing spectra")
        yield seed, deal(seed, size)


def _draw(page: Path, summary: Mapping[str, Any]) -> dict[str, str]:
    """Write the figures into `images` beside a page; return their places by their titles."""
    from anomaly_explorer.engine.benchmark.plots import plots
    from anomaly_explorer.engine.benchmark.report import whom_of
    from anomaly_explorer.engine.insights.insight import plain
    from anomaly_explorer.engine.scan.atomic import replace_file

    from .insights.chart import write_chart

    folder = page.parent / "images"
    folder.mkdir(exist_ok=True)
    places = {}
    for name, (title, figure) in plots(summary).items():
        svg = write_chart(plain(asdict(figure)), title, f"{title}. {whom_of(summary)}.")
        file = folder / f"{page.stem}-{name}.svg"
        replace_file(file, lambda path, text=svg: path.write_text(text, encoding="utf-8"))
        places[title] = f"images/{file.name}"
    return places


def _command(options: Namespace, first: int) -> str:
    words = ["anomaly-explorer benchmark score"]
    words += ["--survey", shlex.quote(str(options.survey))] if options.survey is not None else []
    words += ["--trials", str(options.trials), "--seed", str(first)]
    return " ".join([*words, "--small"] if options.small else words)


def _machine() -> str:
    import torch

    from anomaly_explorer.engine.scoring.learn import best_device

    gpu = torch.cuda.get_device_name() if best_device().type == "cuda" else "no GPU"
    return f"{len(os.sched_getaffinity(0))} cores ({platform.machine()}), {gpu} used"
