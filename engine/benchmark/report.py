"""Trials of several seeds as means with errors, as JSON and as a page."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np

from anomaly_explorer.engine.scoring.figures import STRENGTHS

from .bars import bars

OURS, COMPATIBLE = "sigma_astro", "compatible score"
# Of a line of prose on the page, in characters.
_WIDTH = 110
REDSHIFT_FIGURES = ("sigma_nmad", "r2", "outliers_15")
_COLUMNS = ("rho", "auc", "recall_1pct", "recall_01pct")


def summarize(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over the trials of `trial.run_trial`, and their standard errors.

    Figures of ``sigma_astro`` stand at the top by name, all other scores under ``scores``; each
    figure has its standard error beside it under ``errors`` (None when there is one trial).
    """
    names = trials[0]["scores"]
    scores = {name: _mean([trial["scores"][name] for trial in trials]) for name in names}
    errors = {name: _error([trial["scores"][name] for trial in trials]) for name in names}
    redshifts = [trial["redshift"] for trial in trials if trial["redshift"] is not None]
    drifted = [trial["drifted"] for trial in trials if trial["drifted"] is not None]
    return {
        **scores[OURS],
        "errors": errors[OURS],
        "scores": {name: {**scores[name], "errors": errors[name]} for name in names},
        "share_uniform": float(np.mean([trial["scores"][OURS]["ks_p"] > 0.01 for trial in trials])),
        "redshift": {**_mean(redshifts), "errors": _error(redshifts)} if redshifts else None,
        "drifted": _mean(drifted) if drifted else None,
        "headline": trials[0]["headline"],
        "seeds": [trial["seed"] for trial in trials],
        "size": trials[0]["size"],
        "training_s": _mean([trial["training_s"] for trial in trials]),
        "measured_per_s": _mean([trial["measured_per_s"] for trial in trials]),
    }


def _mean(values: Sequence[Any]) -> Any:
    """Return the mean of numbers, or of what stands at the same place of dicts and lists.

    None is no number; of nothing else the mean is None.
    """

    def mean(numbers: Sequence[Any]) -> float | None:
        known = [number for number in numbers if number is not None]
        return float(np.mean(known)) if known else None

    return _reduce(values, mean)


def _error(values: Sequence[Any]) -> Any:
    """Return the standard error of the mean as `_mean` returns the mean."""

    def error(numbers: Sequence[Any]) -> float | None:
        known = [number for number in numbers if number is not None]
        return float(np.std(known, ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None

    return _reduce(values, error)


def _reduce(values: Sequence[Any], how: Any) -> Any:
    first = values[0]
    if isinstance(first, Mapping):
        return {key: _reduce([value[key] for value in values], how) for key in first}
    if isinstance(first, list):
        return [_reduce(list(each), how) for each in zip(*values, strict=True)]
    return how(values)


def whom_of(summary: Mapping[str, Any]) -> str:
    """Return whom the figures of a summary count, in words."""
    size = summary["size"]
    return (
        f"{size['n_test']:,.0f} normals and {size['n_anomalies']:,.0f} anomalies a trial, "
        "all simulated"
    )


def card_figures(summary: Mapping[str, Any], command: str, score: str = OURS) -> dict[str, Any]:
    """Return what a model card says of the network behind a score.

    Parameters
    ----------
    summary : mapping
        Of `summarize`.
    command : str
        That printed it.
    score : str
        ``sigma_astro``, of weights made as those of the trials were, or ``compatible score``, of
        the very weights that every trial judges.
    """
    figures = ("rho", "auc", "recall_1pct", "recall_01pct")
    found = summary["scores"][score]
    said = {
        "of": "weights trained in the same way on other seeds, not of these"
        if score == OURS else "these weights, whose score is the mean square of the residual",
        "command": command,
        "population": whom_of(summary),
        **{name: _written(found[name]) for name in figures},
        "errors": {name: _written(found["errors"][name]) for name in figures},
    }  # fmt: skip
    if score != OURS:
        return said
    redshift = summary["redshift"] or {}
    return said | {
        "redshift": {name: _written(redshift[name]) for name in REDSHIFT_FIGURES if redshift},
        "training_s": _written(summary["training_s"]),
        "measured_per_s": _written(summary["measured_per_s"]),
    }


def _written(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def write_page(
    summary: Mapping[str, Any],
    machine: str,
    command: str,
    pictures: Sequence[tuple[str, str]] = (),
) -> str:
    """Return the page of a summary, in Markdown, with pictures given as (words, place)."""
    size, scores = summary["size"], summary["scores"]
    seeds = ", ".join(map(str, summary["seeds"]))
    n_types = len(summary["recall_1pct_by_type"])
    head = f"""# Is the score any good?

Everything here is simulated: spectra, anomalies and truth come from one generator, and real data
are harder. Printed by `{command}` on {machine}.

- Seeds: {seeds}.
- {size["n_training"]:,} spectra to train on for {size["epochs"]} rounds, {size["n_unlabelled"]:,} unlabelled
  anomalies among them, in {summary["training_s"]:,.0f} s; {size["n_sky"]:,} sky fibers.
- {size["n_modes"]:,} normals to fit error modes to, {size["n_calibration"]:,} to calibrate with, and further
  {size["n_redshift"]:,} to learn redshifts from.
- {size["n_test"]:,} normals and {size["n_anomalies"]:,} anomalies of {n_types} types to judge by; at 0.1 % false
  positives {size["n_test"] / 1000:,.0f} normals of a trial are above.
- ± is {_error_words(summary)}.
- All statistics of a spectrum that is in bins already (what is looked for on pixels is measured
  before): {summary["measured_per_s"]:,.0f} spectra/s.
"""  # noqa: E501
    return "\n".join([
        head, *_bar_lines(summary), "", *_redshift_lines(summary), *_score_lines(summary), "",
        *_type_lines(summary, scores), "", *_class_lines(scores), "", *_strength_lines(scores), "",
        *_decile_lines(summary), "", *(f"![{alt}]({path})\n" for alt, path in pictures),
    ])  # fmt: skip


def _error_words(summary: Mapping[str, Any]) -> str:
    if summary["drifted"] is not None:
        return "the standard error of the mean over the seeds"
    return (
        "the scatter of deals of the same spectra, over the root of their number: which objects\n"
        "  the survey happens to have is not in it"
    )


def _bar_lines(summary: Mapping[str, Any]) -> list[str]:
    lines = ["| `sigma_astro` | measured | bar | |", "|---|---|---|---|"]
    for bar in bars(summary):
        error = f" ± {bar.error:.3f}" if bar.error is not None else ""
        met = "met" if bar.is_met else "**missed**"
        lines.append(f"| {bar.name} | {bar.value:.3f}{error} | {bar.limits} | {met} |")
    return lines


def _with_error(figures: Mapping[str, Any], name: str) -> str:
    error = figures["errors"][name]
    return f"{figures[name]:.3f}" + (f" ± {error:.3f}" if error is not None else "")


def _redshift_lines(summary: Mapping[str, Any]) -> list[str]:
    redshift = summary["redshift"]
    if redshift is None:
        return []
    return [
        *wrap(
            f"Redshifts are those of {redshift['n_objects']:,.0f} normal galaxies and quasars with "
            "ZWARN = 0 and S/N > 2 per √Å, predicted from the 128 latents of the noise-aware "
            "network by another one, which learned from "
            f"{redshift['n_learned']:,.0f} others that the noise-aware one was not trained on. The "
            "input is a whole spectrum: this is redshift recoverability, not photometric "
            "redshift.", _WIDTH,
        ), "", *wrap(_neuron_text(redshift["neuron"], len(summary["seeds"])), _WIDTH), "",
    ]  # fmt: skip


def _neuron_text(neuron: Mapping[str, float], n_seeds: int) -> str:
    """Say whether the latent that knows most of the redshift is more than a lot, over seeds."""
    networks = f"in the networks of {n_seeds} training seeds" if n_seeds > 1 else "in this network"
    return (
        f"A redshift neuron? On average {networks} the latent that knows most of the redshift "
        f"({neuron['information']:.2f} nats) knows {neuron['ratio_to_second']:.2f} times as much "
        f"as the second (p {neuron['p_to_second']:.2g}) and {neuron['ratio_to_median']:.1f} times "
        f"the median (p {neuron['p_to_median']:.2g}); in randomly rotated latents the top knows "
        f"{neuron['rotated_ratio_to_second']:.2f} times the second."
    )


def _score_lines(summary: Mapping[str, Any]) -> list[str]:
    scores, n_types = summary["scores"], len(summary["headline"])
    lines = [
        f"Means over the {n_types} types that the bars are stated for.", "",
        "| score | Spearman with S/N | AUC | recall at 1 % | recall at 0.1 % |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, figures in scores.items():
        cells = " | ".join(_with_error(figures, column) for column in _COLUMNS)
        lines.append(f"| {name} | {cells} |")
    return lines


def best_other(scores: Mapping[str, Any]) -> str:
    """Return the name of the score with the largest recall at 1 % of all that are not ours."""
    rivals = [name for name in scores if not name.startswith("sigma_")]
    return max(rivals, key=lambda name: scores[name]["recall_1pct"])


def _type_lines(summary: Mapping[str, Any], scores: Mapping[str, Any]) -> list[str]:
    best = best_other(scores)
    lines = [
        f"Recall at 1 % false positives by type, beside the best of the others ({best}).", "",
        "| type | sigma_astro | sigma_instrument | sigma_all | best other |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for name in summary["recall_1pct_by_type"]:
        cells = [
            scores[each]["recall_1pct_by_type"][name]
            for each in (OURS, "sigma_instrument", "sigma_all", best)
        ]
        lines.append(f"| `{name}` | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return lines


def _class_lines(scores: Mapping[str, Any]) -> list[str]:
    """Return a table of every score for each figure that is stated by class."""
    tables = (
        ("rho", "Spearman with S/N among the normals of each class.", "+.3f"),
        ("auc", "AUC by class: the anomalies of a class against its normals.", ".3f"),
        ("recall_1pct", "Recall by class, at the score that 1 % of all normals exceed.", ".2f"),
        ("recall_01pct", "Recall by class, at the score that 0.1 % of them exceed.", ".2f"),
    )
    lines = []
    for figure, title, form in tables:
        classes = list(scores[OURS][f"{figure}_by_class"])
        lines += [title, "", f"| score | {' | '.join(classes)} |"]
        lines.append("|---" * (len(classes) + 1) + "|")
        for name, figures in scores.items():
            values = [figures[f"{figure}_by_class"][each] for each in classes]
            cells = " | ".join("" if value is None else format(value, form) for value in values)
            lines.append(f"| {name} | {cells} |")
        lines.append("")
    return lines[:-1]


def _strength_lines(scores: Mapping[str, Any]) -> list[str]:
    """Return what is found by how strong it is, and by how faint its spectrum is."""
    ends = [f"{low} to {high}" for low, high in pairwise(STRENGTHS)] + [f"over {STRENGTHS[-1]}"]
    lines = [
        "Recall at 1 % false positives by the ideal S/N of what was put in.", "",
        f"| | {' | '.join(ends)} |", "|---" * (len(ends) + 1) + "|",
    ]  # fmt: skip
    for name in (OURS, "sigma_all"):
        shares = scores[name]["recall_1pct_by_strength"]
        cells = " | ".join("" if share is None else f"{share:.2f}" for share in shares)
        lines.append(f"| {name} | {cells} |")
    lines += ["", "The same by quintile of S/N of the spectrum, faint to bright.", ""]
    lines += ["| | 1 | 2 | 3 | 4 | 5 |", "|---" * 6 + "|"]
    for name in (OURS, "sigma_all"):
        shares = scores[name]["recall_1pct_by_snr_quintile"]
        lines.append(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} |")
    return lines


def _decile_lines(summary: Mapping[str, Any]) -> list[str]:
    drifted = summary["drifted"]
    rows = {"calibrated survey": summary}
    if drifted is not None:
        rows["drifted survey, not calibrated again"] = drifted
    lines = ["Share of normals with p < 0.01, in deciles of S/N, faint to bright, in %.", ""]
    lines += ["| | " + " | ".join(map(str, range(1, 11))) + " | Spearman |", "|---" * 12 + "|"]
    for name, figures in rows.items():
        cells = " | ".join(f"{100 * share:.1f}" for share in figures["fpr_by_snr_decile"])
        lines.append(f"| {name} | {cells} | {figures['rho']:+.3f} |")
    return lines
