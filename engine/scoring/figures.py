"""What a score is worth, in figures: does it follow the noise, and does it find what was put in."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest, rankdata, spearmanr

NORMAL = ""
N_DECILES, N_QUINTILES = 10, 5
# Strengths between which recall is stated.
STRENGTHS = (0, 5, 10, 20, 40, 80, 160)
# Uniformity is asked of so many p-values: of many more, any calibration fails by a hair.
N_UNIFORM = 10_000


@dataclass(frozen=True)
class Labels:
    """What is true of N spectra.

    Parameters
    ----------
    injected : (N,) array of str
        Type of the anomaly; empty for a normal spectrum.
    classes : (N,) array of str
        As the pipeline has it.
    snr : (N,) float64
        Signal-to-noise ratio of a bin.
    strength : (N,) float64
        Ideal S/N of what was put in, √Σ ivar δ²; 0 = nothing.
    """

    injected: NDArray[np.str_]
    classes: NDArray[np.str_]
    snr: NDArray[np.float64]
    strength: NDArray[np.float64]

    def take(self, rows: NDArray[np.integer]) -> "Labels":
        """Return the labels of some spectra, given by their (K,) places."""
        return Labels(self.injected[rows], self.classes[rows], self.snr[rows], self.strength[rows])

    def joined(self, *others: "Labels") -> "Labels":
        """Return these labels and others after them."""
        names = ("injected", "classes", "snr", "strength")
        parts = (self, *others)
        return Labels(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def is_normal(self) -> NDArray[np.bool_]:
        """Return which spectra are normal, (N,)."""
        return self.injected == NORMAL

    @property
    def types(self) -> list[str]:
        """Return the types of anomalies, sorted."""
        return sorted(set(self.injected.tolist()) - {NORMAL})


def figures(
    score: NDArray[np.floating],
    labels: Labels,
    p_value: NDArray[np.floating] | None = None,
    headline: Collection[str] = (),
) -> dict[str, Any]:
    """Return the figures of one score.

    Parameters
    ----------
    score : (N,) array
        Larger is odder; NaN is no score, which finds nothing and alarms nobody.
    labels : Labels
        Of the same N spectra.
    p_value : (N,) array, optional
        Of a score that claims how rare it is.
    headline : collection of str, optional
        Types that means are taken over; all when none is named.

    Returns
    -------
    dict
        ``rho`` and ``rho_by_class`` (Spearman's with S/N among normals), ``auc``, ``recall_1pct``
        and ``recall_01pct`` at the score that 1 and 0.1 % of the normals exceed, each the mean over
        the headline types (none of these without an anomaly), ``_by_type``, ``_by_class`` (of the
        headline anomalies of a class, at the same score; ``auc`` against the normals of the class;
        None where a class has none), ``recall_1pct_by_snr_quintile`` (of the anomalies, faint to
        bright), ``recall_1pct_by_strength`` (between `STRENGTHS`, None where no anomaly is) and
        ``n_normals``. With
        p-values, among normals: ``fpr_1pct`` and ``fpr_by_snr_decile`` (share of p < 0.01, faint to
        bright) and ``ks_p`` (of the first 10,000 against uniform); without, ``fpr_by_snr_decile``
        at the score that 1 % exceed.
    """
    score = np.nan_to_num(np.asarray(score, np.float64), nan=-np.inf)
    normal = labels.is_normal
    limit_1, limit_01 = np.quantile(score[normal], (0.99, 0.999))
    found: dict[str, Any] = {
        "n_normals": int(normal.sum()),
        "rho": _rho(score[normal], labels.snr[normal]),
        "rho_by_class": {
            str(name): _rho(score[rows], labels.snr[rows])
            for name in np.unique(labels.classes[normal])
            for rows in [normal & (labels.classes == name)]
        },
    }
    names = list(headline) or labels.types
    if labels.types:
        found |= _finds(score, labels, (limit_1, limit_01), names)
    return found | _alarms(score > limit_1, labels, p_value)


def _finds(
    score: NDArray[np.float64], labels: Labels, limits: tuple[float, float], names: list[str]
) -> dict[str, Any]:
    """Return what is said of anomalies."""
    normal, odd = labels.is_normal, np.flatnonzero(np.isin(labels.injected, names))
    auc = _by_type(labels, lambda rows: _auc(score[normal], score[rows]))
    recall_1, recall_01 = (
        _by_type(labels, lambda rows, limit=limit: float((score[rows] > limit).mean()))
        for limit in limits
    )
    faint_to_bright = _shares(score[odd] > limits[0], labels.snr[odd], N_QUINTILES)
    found = {"auc": auc, "recall_1pct": recall_1, "recall_01pct": recall_01}
    return {
        **{figure: _mean(each, names) for figure, each in found.items()},
        **{f"{figure}_by_type": each for figure, each in found.items()},
        **_finds_by_class(score, labels, limits, odd),
        "recall_1pct_by_snr_quintile": faint_to_bright,
        "recall_1pct_by_strength": _by_strength(score[odd] > limits[0], labels.strength[odd]),
    }


def _finds_by_class(
    score: NDArray[np.float64],
    labels: Labels,
    limits: tuple[float, float],
    odd: NDArray[np.integer],
) -> dict[str, dict[str, float | None]]:
    """Return what is said of the anomalies of each class that has normals."""
    found: dict[str, dict[str, float | None]] = {
        "auc_by_class": {}, "recall_1pct_by_class": {}, "recall_01pct_by_class": {}
    }  # fmt: skip
    for name in map(str, np.unique(labels.classes[labels.is_normal])):
        normals = score[labels.is_normal & (labels.classes == name)]
        here = score[odd[labels.classes[odd] == name]]
        found["auc_by_class"][name] = _auc(normals, here) if len(here) else None
        found["recall_1pct_by_class"][name] = _share(here > limits[0])
        found["recall_01pct_by_class"][name] = _share(here > limits[1])
    return found


def _alarms(
    is_above: NDArray[np.bool_], labels: Labels, p_value: NDArray[np.floating] | None
) -> dict[str, Any]:
    """Return what is said of false positives."""
    normal = labels.is_normal
    snr = labels.snr[normal]
    if p_value is None:
        deciles = _shares(is_above[normal], snr, N_DECILES)
        return {"fpr_1pct": None, "fpr_by_snr_decile": deciles, "ks_p": None}
    p = np.asarray(p_value, np.float64)[normal]
    known = p[np.isfinite(p)]
    return {
        "fpr_1pct": float((p < 0.01).mean()),
        "fpr_by_snr_decile": _shares(p < 0.01, snr, N_DECILES),
        "ks_p": float(kstest(known[:N_UNIFORM], "uniform").pvalue),
    }


def _by_type(labels: Labels, of: Any) -> dict[str, float]:
    return {name: of(labels.injected == name) for name in labels.types}


def _by_strength(is_found: NDArray[np.bool_], strength: NDArray[np.floating]) -> list[float | None]:
    # An unknown strength would be sorted in above the largest.
    parts = np.where(np.isfinite(strength), np.digitize(strength, STRENGTHS) - 1, -1)
    return [_share(is_found[parts == part]) for part in range(len(STRENGTHS))]


def _share(is_in: NDArray[np.bool_]) -> float | None:
    return float(is_in.mean()) if len(is_in) else None


def _mean(values: Mapping[str, float], names: list[str]) -> float:
    return float(np.mean([values[name] for name in names]))


def _rho(score: NDArray[np.float64], snr: NDArray[np.float64]) -> float:
    known = np.isfinite(score)
    return float(spearmanr(score[known], snr[known]).statistic)


def _auc(normal: NDArray[np.float64], odd: NDArray[np.float64]) -> float:
    """Return how often an anomaly has the larger score of a pair; equal ones count half."""
    ranks = rankdata(np.concatenate([normal, odd]))
    above = ranks[len(normal) :].sum() - len(odd) * (len(odd) + 1) / 2
    return float(above / (len(normal) * len(odd)))


def _shares(is_in: NDArray[np.bool_], snr: NDArray[np.float64], n_parts: int) -> list[float]:
    """Return the share that is in, in parts of equal count, faint to bright."""
    parts = np.array_split(is_in[np.argsort(snr, kind="stable")], n_parts)
    return [float(part.mean()) for part in parts]
