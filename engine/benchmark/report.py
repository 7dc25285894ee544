"""Trials of several seeds as means with errors, as JSON and as a page."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from .bars import bars
from .tables import OURS, table_lines
from .trial import AS_SHIPPED

COMPATIBLE = "compatible score"
# Of a line of prose on the page, in characters.
_WIDTH = 110
REDSHIFT_FIGURES = ("sigma_nmad", "r2", "outliers_15")
_CARD_FIGURES = ("rho", "auc", "recall_1pct", "recall_01pct")
_WHOSE = {
    OURS: "networks trained in the same way on other seeds, with 1 % unlabelled anomalies among "
    "their spectra; not these weights",
    AS_SHIPPED: "these weights, with the shipped calibration",
    COMPATIBLE: "these weights, whose score is the mean square of the residual",
}
_MEASURED = ("training_s", "measured_per_s", "compatible_per_s", "weights_mb")


def summarize(trials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means over the trials of `trial.run_trial`, and their standard errors.

    Figures of ``sigma_astro`` stand at the top by name, all other scores under ``scores``; each
    figure has its standard error beside it under ``errors`` (None when there is one trial).
    """
    names = trials[0]["scores"]
    scores = {name: _mean([trial["scores"][name] for trial in trials]) for name in names}
    errors = {name: _error([trial["scores"][name] for trial in trials]) for name in names}
    redshifts = [trial["redshift"] for trial in trials if trial["redshift"] is not None]
    drifted, changes = (
        [trial[name] for trial in trials if trial[name] is not None]
        for name in ("drifted", "changes")
    )
    return {
        **scores[OURS],
        "errors": errors[OURS],
        "scores": {name: {**scores[name], "errors": errors[name]} for name in names},
        "share_uniform": float(np.mean([trial["scores"][OURS]["ks_p"] > 0.01 for trial in trials])),
        "redshift": {**_mean(redshifts), "errors": _error(redshifts)} if redshifts else None,
        "neurons": [found["neuron"] for found in redshifts],
        "drifted": _mean(drifted) if drifted else None,
        "changes": _mean(changes) if changes else None,
        "headline": trials[0]["headline"],
        "seeds": [trial["seed"] for trial in trials],
        "size": trials[0]["size"],
        **{name: _mean([trial[name] for trial in trials]) for name in _MEASURED},
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
        ``sigma_astro``, of weights made as those of the trials were, or one that every trial
        judges: `trial.AS_SHIPPED` (of spectra in files the first instead) or ``compatible score``.
    """
    score = score if score in summary["scores"] else OURS  # of files nobody judges what is shipped
    found = summary["scores"][score]
    said = {
        "of": _WHOSE[score],
        "command": command,
        "population": whom_of(summary),
        **{name: _written(found[name]) for name in _CARD_FIGURES},
        "errors": {name: _written(found["errors"][name]) for name in _CARD_FIGURES},
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
    size = summary["size"]
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
  before): {summary["measured_per_s"]:,.0f} spectra/s. The compatible score alone: {summary["compatible_per_s"]:,.0f}.
- The network of the compatible score comes with the program, and so does what is called shipped; all else is
  fitted to the trial's own spectra, 1 % of anomalies among them. Where narrow lines are to be expected (`line`)
  was learned once for all trials, from normals of other simulated surveys.
{_shipped_words(summary)}"""  # noqa: E501
    return "\n".join([
        head, *_bar_lines(summary), "", *_redshift_lines(summary), *table_lines(summary), "",
        *(f"![{alt}]({path})\n" for alt, path in pictures),
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


def _redshift_lines(summary: Mapping[str, Any]) -> list[str]:
    redshift = summary["redshift"]
    if redshift is None:
        return []
    return [
        *wrap(
            f"Redshifts are those of {redshift['n_objects']:,.0f} normal galaxies and quasars with "
            "ZWARN = 0 and S/N > 2 per √Å (the median over the spectrum), predicted from the 128 "
            "latents of the noise-aware network by another one, which learned the pipeline's from "
            f"{redshift['n_learned']:,.0f} others that the noise-aware one did not train on. They "
            "are held against the true ones where somebody knows them, else the pipeline's. The "
            "input is a whole spectrum: this is redshift recoverability, not photometric "
            "redshift.", _WIDTH,
        ), "", *wrap(_neuron_text(redshift["neuron"], summary["neurons"]), _WIDTH), "",
    ]  # fmt: skip


def _neuron_text(neuron: Mapping[str, float], neurons: Sequence[Mapping[str, float]]) -> str:
    """Say whether the latent that knows most of the redshift is more than a lot, over seeds."""
    n_seeds = len(neurons)
    networks = f"in the networks of {n_seeds} training seeds" if n_seeds > 1 else "in this network"

    def chances(name: str) -> str:
        return ", ".join(f"{each[name]:.2g}" for each in neurons)

    return (
        f"A redshift neuron? On average {networks} the latent that knows most of the redshift "
        f"({neuron['information']:.2f} nats) knows {neuron['ratio_to_second']:.2f} times as much "
        f"as the second (p {chances('p_to_second')}) and {neuron['ratio_to_median']:.1f} times "
        f"the median (p {chances('p_to_median')}); in randomly rotated latents the top knows "
        f"{neuron['rotated_ratio_to_second']:.2f} times the second."
    )


def _shipped_words(summary: Mapping[str, Any]) -> str:
    if AS_SHIPPED not in summary["scores"]:
        return ""
    return (
        f"- `{AS_SHIPPED}` are the weights and the calibration that come with the program, made of "
        "other simulated\n  surveys; 1 % of their training spectra were anomalies, too.\n"
    )
