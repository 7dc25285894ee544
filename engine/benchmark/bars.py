"""What the calibrated score must reach, and whether a summary of trials does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

# What a run must reach that is not refused, least and most: recall below its bars, so that chance
# does not decide, and classes wider, some of which are small; the rest chance does not come near.
GATES = {
    "recall_1pct": (0.50, 1.0), "recall_01pct": (0.25, 1.0), "auc": (0.87, 1.0),
    "rho": (-0.1, 0.1), "rho_by_class": (-0.15, 0.15), "fpr_by_snr_decile": (0.003, 0.025),
}  # fmt: skip
# So many times as much as the best of the others, which get our calibration too.
RATIO = 1.4
_OVER_OTHERS = "over that of the best other"


@dataclass(frozen=True)
class Bar:
    """One figure of a summary and the limits it is held to.

    Parameters
    ----------
    name : str
        In plain words.
    value : float
    error : float or None
        Standard error of the mean over the trials.
    least, most : float
    """

    name: str
    value: float
    error: float | None
    least: float
    most: float

    @property
    def is_met(self) -> bool:
        """Return whether the figure lies between the limits."""
        return self.least <= self.value <= self.most

    @property
    def limits(self) -> str:
        """Return the limits in plain words."""
        if self.most == float("inf"):
            return f"≥ {self.least:g}"
        return f"{self.least:g} to {self.most:g}"


def bars(summary: Mapping[str, Any]) -> list[Bar]:
    """Return the bars of `report.summarize`."""
    no_limit = float("inf")
    rivals = [each for name, each in summary["scores"].items() if not name.startswith("sigma_")]
    rho, deciles, errors = summary["rho_by_class"], summary["fpr_by_snr_decile"], summary["errors"]
    worst = max(rho, key=lambda name: abs(rho[name]))
    fewest, most = int(np.argmin(deciles)), int(np.argmax(deciles))
    found = [
        Bar("Spearman with S/N", summary["rho"], errors["rho"], -0.1, 0.1),
        Bar(f"the same in the class where it is largest ({worst})", rho[worst],
            errors["rho_by_class"][worst], -0.1, 0.1),
        Bar("AUC", summary["auc"], errors["auc"], 0.885, no_limit),
        Bar("normals called at nominal 1 %, decile of S/N with fewest", deciles[fewest],
            errors["fpr_by_snr_decile"][fewest], 0.003, 0.025),
        Bar("the same, decile with most", deciles[most], errors["fpr_by_snr_decile"][most],
            0.003, 0.025),
        Bar("trials of three with uniform p-values (KS p > 0.01)",
            3 * summary["share_uniform"], None, 2, no_limit),
    ]  # fmt: skip
    for figure, name, least in (
        ("recall_1pct", "recall at 1 % false positives", 0.55),
        ("recall_01pct", "recall at 0.1 % false positives", 0.28),
    ):
        best = max(rivals, key=lambda each: each[figure])
        found.append(Bar(name, summary[figure], errors[figure], least, no_limit))
        found.append(
            Bar(
                f"{name} {_OVER_OTHERS}",
                *_ratio(summary, best, figure),
                RATIO,
                no_limit,
            )
        )
    return [
        *found, *_redshift_bars(summary), *_change_bars(summary), *_speed_bars(summary)
    ]  # fmt: skip


def _ratio(
    ours: Mapping[str, Any], other: Mapping[str, Any], figure: str
) -> tuple[float, float | None]:
    """Return how many times another's figure ours is, and the error of that."""
    if not other[figure] > 0:
        return float("inf"), None
    if not ours[figure] > 0:
        return 0.0, None
    ratio = ours[figure] / other[figure]
    errors = [each["errors"][figure] for each in (ours, other)]
    if None in errors:
        return ratio, None
    shares = (errors[0] / ours[figure], errors[1] / other[figure])
    return ratio, float(ratio * np.hypot(*shares))


def _redshift_bars(summary: Mapping[str, Any]) -> list[Bar]:
    redshift = summary["redshift"]
    if redshift is None:
        return []
    errors = redshift["errors"]
    return [
        Bar("redshift from latents, σ_NMAD", redshift["sigma_nmad"], errors["sigma_nmad"],
            0, 0.021),
        Bar("redshift from latents, R²", redshift["r2"], errors["r2"], 0.97, 1),
        Bar("redshift from latents, share off by more than 0.15", redshift["outliers_15"],
            errors["outliers_15"], 0, 0.013),
    ]  # fmt: skip


def _change_bars(summary: Mapping[str, Any]) -> list[Bar]:
    changes = summary["changes"]
    if changes is None:
        return []
    return [
        Bar("largest change when flux × 10 has ivar × 0.01", changes["unit"], None, 0, 0.001),
        Bar("middle change when 5 % of the pixels are masked", changes["masks"], None, 0, 1),
    ]


def _speed_bars(summary: Mapping[str, Any]) -> list[Bar]:
    return [
        Bar("MB of the larger file of weights", summary["weights_mb"], None, 0, 4),
        Bar("minutes of training", summary["training_s"] / 60, None, 0, 5),
        Bar("thousand spectra/s, compatible score alone of spectra in bins",
            summary["compatible_per_s"] / 1000, None, 20, float("inf")),
        Bar("thousand spectra/s, all statistics of spectra in bins",
            summary["measured_per_s"] / 1000, None, 8, float("inf")),
    ]  # fmt: skip


def missed_gates(summary: Mapping[str, Any]) -> list[str]:
    """Return a phrase for each gate that a summary misses: of `GATES`, and the ratios."""
    missed = []
    for figure, (least, most) in GATES.items():
        found = summary[figure]
        values = np.atleast_1d(list(found.values()) if isinstance(found, Mapping) else found)
        missed += [f"{figure} is {value:.3f}, not {least:g} to {most:g}"
                   for value in values if not least <= value <= most]  # fmt: skip
    ratios = (bar for bar in bars(summary) if bar.name.endswith(_OVER_OTHERS))
    return missed + [f"{bar.name} is {bar.value:.3f}, not {bar.limits}"
                     for bar in ratios if not bar.is_met]  # fmt: skip
