"""Tiers: named, versioned rules in one table, published and percentile side by side.

Published cuts apply to `score_mse`, which is the published `anomaly_score`. Percentile tiers count
ranks within a stated population: science targets, or unknown where a catalog holds no others.
Source of the published rules: section 1.5 of the published catalog's code and pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gate import MIN_COVERAGE, SCIENCE, UNKNOWN

TIERS_VERSION = 1
Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Tier:
    """A named rule.

    Parameters
    ----------
    name, label : str
        Key in code and text on screen.
    rule : str
        The rule in words, as shown to people.
    kind : str
        ``published`` or ``percentile``.
    score : tuple of float
        Lower (inclusive for the display tiers, exclusive otherwise) and upper limit of `score_mse`.
    min_snr : float
        Lower limit of the largest arm S/N, exclusive.
    needs_redshift : bool
        Whether `redshift_warning` must be 0.
    top_share : float
        Share of the population, for percentile tiers.
    """

    name: str
    label: str
    rule: str
    kind: str = "published"
    score: tuple[float, float] = (-np.inf, np.inf)
    min_snr: float = -np.inf
    needs_redshift: bool = False
    top_share: float = 0.0


TIERS: tuple[Tier, ...] = (
    Tier("top_10", "Top 10 %", "highest 10 % of scores", "percentile", top_share=0.1),
    Tier("top_1", "Top 1 %", "highest 1 % of scores", "percentile", top_share=0.01),
    Tier("top_01", "Top 0.1 %", "highest 0.1 % of scores", "percentile", top_share=0.001),
    Tier("mild", "Mildly unusual", "5 ≤ score < 7", score=(5, 7)),
    Tier("moderate", "Moderately unusual", "7 ≤ score < 10", score=(7, 10)),
    Tier("high", "Highly unusual", "10 ≤ score < 15", score=(10, 15)),
    Tier("extreme", "Extreme", "score ≥ 15", score=(15, np.inf)),
    Tier("silver_page", "Silver (page)", "score > 3, S/N > 0.5", score=(3, np.inf), min_snr=0.5),
    Tier("gold_page", "Gold (page)", "score > 5, S/N > 0.5", score=(5, np.inf), min_snr=0.5),
    Tier("gold_paper", "Gold (paper)", "score > 3, S/N > 2, ZWARN = 0",
         score=(3, np.inf), min_snr=2, needs_redshift=True),
)  # fmt: skip
TIER_NAMES: tuple[str, ...] = tuple(tier.name for tier in TIERS)
_INCLUSIVE = frozenset({"mild", "moderate", "high", "extreme"})


def stated_population(population: NDArray[Any]) -> str:
    """Return the population that percentiles count: science, or unknown if none of (N,) is.

    >>> import numpy as np
    >>> stated_population(np.array(["unknown", "gated"], dtype=object))
    'unknown'
    """
    return SCIENCE if np.any(population == SCIENCE) else UNKNOWN


def rank_scores(columns: Columns) -> NDArray[np.int32]:
    """Rank each object by score within its own population; 1 = largest, 0 = no score.

    Ties go to the smaller TARGETID, so a rank does not depend on the order of the rows. Objects
    with less than 90 % coverage are not ranked, except in catalogs that carry no coverage at all.

    Parameters
    ----------
    columns : mapping of str to (N,) array
        `score_mse`, `target_id`, `population` (text) and `coverage`.

    Returns
    -------
    (N,) int32
    """
    score = np.asarray(columns["score_mse"], dtype=np.float64)
    has_rank = np.isfinite(score) & _is_covered_enough(columns)
    ranks = np.zeros(len(score), dtype=np.int32)
    for population in np.unique(np.asarray(columns["population"], dtype=str)):
        rows = np.flatnonzero(has_rank & (columns["population"] == population))
        order = np.lexsort((np.asarray(columns["target_id"])[rows], -score[rows]))
        ranks[rows[order]] = np.arange(1, len(rows) + 1, dtype=np.int32)
    return ranks


def tier_masks(columns: Columns) -> dict[str, NDArray[np.bool_]]:
    """Return which objects are in which tier.

    Parameters
    ----------
    columns : mapping of str to (N,) array
        `score_mse`, `snr`, `redshift_warning`, `coverage`, `population` (text), `target_id`.
        Coverage below 90 % or unknown keeps an object out of every tier, except in catalogs that
        carry no coverage at all (all NaN), where nothing is known against it.

    Returns
    -------
    dict of str to (N,) bool
        One mask per tier, in the order of `TIERS`.
    """
    ranks = rank_scores(columns)
    is_counted = (columns["population"] == stated_population(columns["population"])) & (ranks > 0)
    eligible = _is_covered_enough(columns)
    return {
        tier.name: _top_share(ranks, is_counted, tier.top_share)
        if tier.kind == "percentile"
        else eligible & _follows_rule(tier, columns)
        for tier in TIERS
    }


def _is_covered_enough(columns: Columns) -> NDArray[np.bool_]:
    """Return which of N objects have 90 % coverage; all where the catalog knows no coverage."""
    coverage = np.asarray(columns["coverage"])
    return (coverage >= MIN_COVERAGE) | bool(np.isnan(coverage).all())


def _top_share(
    ranks: NDArray[np.int32], is_counted: NDArray[np.bool_], share: float
) -> NDArray[np.bool_]:
    n_top = int(np.ceil(share * np.count_nonzero(is_counted)))
    return is_counted & (ranks <= n_top)


def _follows_rule(tier: Tier, columns: Columns) -> NDArray[np.bool_]:
    score = np.asarray(columns["score_mse"])
    low, high = tier.score
    mask = (score >= low) if tier.name in _INCLUSIVE else (score > low)
    mask &= score < high
    if np.isfinite(tier.min_snr):
        mask &= np.asarray(columns["snr"]) > tier.min_snr
    if tier.needs_redshift:
        mask &= np.asarray(columns["redshift_warning"]) == 0
    return np.asarray(mask, dtype=bool)
