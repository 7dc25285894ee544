"""Figures of a summary of trials, as data: whoever has paper draws them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from anomaly_explorer.engine.insights.insight import Figure, Series, series
from anomaly_explorer.engine.scoring.figures import N_DECILES, N_QUINTILES, STRENGTHS

from .tables import OURS, best_other

_ALL = "sigma_all"


def plots(summary: Mapping[str, Any]) -> dict[str, tuple[str, Figure]]:
    """Return figures by name, each with its title, of `report.summarize`."""
    return {
        "noise": ("A score that follows the noise finds little", _noise(summary)),
        "strength": ("What is found, by how strong it is", _strength(summary)),
        "snr": ("What is found, by how bright the spectrum is", _quintiles(summary)),
        "deciles": ("False positives at nominal 1 %", _deciles(summary)),
    }


def _noise(summary: Mapping[str, Any]) -> Figure:
    groups: dict[str, list[str]] = {"ours": [], "others": [], "others, calibrated": []}
    for name in summary["scores"]:
        is_ours, is_calibrated = name.startswith("sigma_"), "calibrated" in name
        groups["ours" if is_ours else "others, calibrated" if is_calibrated else "others"].append(
            name
        )

    def values(names: list[str], figure: str) -> list[float]:
        return [summary["scores"][name][figure] for name in names]

    drawn = tuple(
        series(label, "points", np.abs(values(names, "rho")), values(names, "recall_1pct"),
               names=names)
        for label, names in groups.items()
    )  # fmt: skip
    return Figure("|Spearman with S/N|", "recall at 1 % false positives", drawn)


def _strength(summary: Mapping[str, Any]) -> Figure:
    ends = [*STRENGTHS, 2 * STRENGTHS[-1]]
    middles = np.sqrt(np.maximum(ends[:-1], ends[1] / 2) * np.array(ends[1:], float))
    return Figure(
        "ideal S/N of what was put in", "recall at 1 % false positives",
        _curves(summary, middles, "recall_1pct_by_strength"), x_scale="log",
    )  # fmt: skip


def _quintiles(summary: Mapping[str, Any]) -> Figure:
    places = np.arange(1, N_QUINTILES + 1)
    return Figure(
        "quintile of S/N of the spectrum, faint to bright", "recall at 1 % false positives",
        _curves(summary, places, "recall_1pct_by_snr_quintile"),
    )  # fmt: skip


def _curves(summary: Mapping[str, Any], x: Any, figure: str) -> tuple[Series, ...]:
    scores = summary["scores"]
    names = (OURS, _ALL, best_other(scores))
    return tuple(
        series(name, "line", x, [np.nan if v is None else v for v in scores[name][figure]])
        for name in names
    )


def _deciles(summary: Mapping[str, Any]) -> Figure:
    rows = {OURS: summary["fpr_by_snr_decile"]}
    if summary["drifted"] is not None:
        rows["drifted survey, not calibrated again"] = summary["drifted"][OURS]["fpr_by_snr_decile"]
    places = np.arange(1, N_DECILES + 1)
    drawn = tuple(series(k, "line", places, 100 * np.array(v)) for k, v in rows.items())
    nominal = series("nominal", "line", [1, N_DECILES], [1, 1])
    return Figure(
        "decile of S/N, faint to bright", "normals with p < 0.01, %", (*drawn, nominal),
        y_scale="log",
    )  # fmt: skip
