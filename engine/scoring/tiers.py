"""Tiers: named, versioned rules in one table, published, percentile and calibrated side by side.

Published cuts apply to `score_mse`, which is the published `anomaly_score`. Percentile tiers count
ranks within a stated population: science targets, or unknown where a catalog holds no others; of
`score_mse` or, where the name says sigma, of `sigma_astro`.
Source of the published rules: section 1.5 of the published catalog's code and pages.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .gate import MIN_COVERAGE, SCIENCE, UNKNOWN

TIERS_VERSION = 2
# A tail of 5 sigma is one in 3.5 million: fewer normals than this say nothing of it.
EARNS_GOLD = 10_000_000
# Columns that objects are ranked by, and those that hold the ranks.
RANK_COLUMNS = {"score_mse": "score_rank", "sigma_astro": "sigma_rank"}
RANKED_BY = tuple(RANK_COLUMNS)
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
        ``published``, ``percentile`` or ``calibrated``.
    score : tuple of float
        Lower (inclusive for the display tiers, exclusive otherwise) and upper limit of `score_mse`.
    min_snr : float
        Lower limit of the largest arm S/N, exclusive.
    needs_redshift : bool
        Whether `redshift_warning` must be 0.
    top_share : float
        Share of the population, for percentile tiers.
    column : str
        What percentile tiers rank by: one of `RANKED_BY`.
    min_sigma : float
        Lower limit of `sigma_astro`, exclusive, for calibrated tiers.
    """

    name: str
    label: str
    rule: str
    kind: str = "published"
    score: tuple[float, float] = (-np.inf, np.inf)
    min_snr: float = -np.inf
    needs_redshift: bool = False
    top_share: float = 0.0
    column: str = "score_mse"
    min_sigma: float = np.inf

    @property
    def is_calibrated(self) -> bool:
        """Return whether the rule is on the calibrated score."""
        return self.column == "sigma_astro"


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
    Tier("sigma_top_10", "Sigma top 10 %", "highest 10 % of sigma_astro", "percentile",
         top_share=0.1, column="sigma_astro"),
    Tier("sigma_top_1", "Sigma top 1 %", "highest 1 % of sigma_astro", "percentile",
         top_share=0.01, column="sigma_astro"),
    Tier("sigma_top_01", "Sigma top 0.1 %", "highest 0.1 % of sigma_astro", "percentile",
         top_share=0.001, column="sigma_astro"),
    Tier("gold_sigma", "Gold (sigma)", "sigma_astro > 5, compared with 10,000,000 normals or more",
         "calibrated", column="sigma_astro", min_sigma=5),
)  # fmt: skip
TIER_NAMES: tuple[str, ...] = tuple(tier.name for tier in TIERS)
_INCLUSIVE = frozenset({"mild", "moderate", "high", "extreme"})


def stated_population(present: Collection[str]) -> str:
    """Return the population that percentiles count: science, or unknown if there is none of it.

    >>> stated_population({"unknown", "gated"})
    'unknown'
    """
    return SCIENCE if SCIENCE in present else UNKNOWN


def least_fitted(calibration: Mapping[str, Any]) -> int:
    """Return how many normals the smallest group has that objects of any survey are compared with.

    Parameters
    ----------
    calibration : mapping
        What `calibration.json` says; 0 for an empty one.
    """
    surveys = calibration.get("surveys", {}).values()
    known = (survey.get("least_fitted", 0) for survey in surveys if survey["n_fitted"])
    return min(known, default=0)


def why_no_gold(n_fitted: int) -> str:
    """Return why 5 sigma cannot be claimed with so many normals; empty where it can.

    >>> why_no_gold(20_000_000)
    ''
    """
    if n_fitted >= EARNS_GOLD:
        return ""
    return (
        f"Gold (sigma) needs {EARNS_GOLD:,} normals to compare an object with, the smallest group "
        f"of this calibration has {n_fitted:,}: beyond them sigma is the shape of a tail that "
        "nobody has seen."
    )


def rank_scores(
    columns: Columns,
    by_target: NDArray[np.integer] | None = None,
    column: str = "score_mse",
) -> NDArray[np.int32]:
    """Rank each object by score within its own population; 1 = largest, 0 = no score.

    Ties go to the smaller TARGETID, so a rank does not depend on the order of the rows. Objects
    with less than 90 % coverage are not ranked, except in catalogs that carry no coverage at all.

    Parameters
    ----------
    columns : mapping of str to (N,) array
        The ranked column (float32), `target_id`, `population` (codes, whatever they stand for) and
        `coverage`.
    by_target : (N,) integer, optional
        Rows sorted by `target_id`, where they are known already.
    column : str
        What to rank by: one of `RANKED_BY`.

    Returns
    -------
    (N,) int32

    Examples
    --------
    >>> import numpy as np
    >>> rank_scores({"score_mse": np.float32([1, 9, 9]), "target_id": np.array([5, 8, 7]),
    ...              "population": np.int8([0, 0, 0]), "coverage": np.float32([1, 1, 1])})
    array([3, 2, 1], dtype=int32)
    """
    score, population = np.asarray(columns[column], np.float32), columns["population"]
    has_rank = np.isfinite(score) & is_covered_enough(columns)
    if by_target is None:
        by_target = np.argsort(columns["target_id"], kind="stable")
    ranks = np.zeros(len(score), np.int32)
    for code in np.unique(population):
        rows = by_target[(has_rank & (population == code))[by_target]]
        # One number per object, no two alike: a plain sort of them is several times faster than
        # a stable sort by two keys.
        keys = _descending(score[rows]).astype(np.uint64) << np.uint64(32)
        keys |= np.arange(len(rows), dtype=np.uint64)
        keys.sort()
        ranks[rows[keys & np.uint64(0xFFFFFFFF)]] = np.arange(1, len(rows) + 1, dtype=np.int32)
    return ranks


def _descending(scores: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return integers that sort as finite scores, (N,), do from the largest to the smallest."""
    bits = (scores + np.float32(0)).view(np.uint32)  # + 0 makes one zero of the two
    sign = np.uint32(1 << 31)
    return ~np.where(bits & sign, ~bits, bits | sign)


def tier_masks(
    columns: Columns,
    ranks: Mapping[str, NDArray[np.int32]],
    is_stated: NDArray[np.bool_],
    n_fitted: int = 0,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield which objects are in which tier, tier by tier in the order of `TIERS`.

    Parameters
    ----------
    columns : mapping of str to (N,) array
        `score_mse`, `sigma_astro`, `snr`, `redshift_warning` and `coverage`. Coverage below 90 % or
        unknown keeps an object out of every tier, except in catalogs that carry no coverage at all
        (all NaN), where nothing is known against it.
    ranks : mapping of str to (N,) int32
        Of `rank_scores`, for each of `RANKED_BY`.
    is_stated : (N,) bool
        Objects of the stated population.
    n_fitted : int
        Normals the calibrated score was fitted to: below `EARNS_GOLD` nobody is in `gold_sigma`.

    Yields
    ------
    name, (N,) bool
    """
    eligible = is_covered_enough(columns)
    for tier in TIERS:
        place = ranks[tier.column]
        if tier.kind == "percentile":
            yield tier.name, _top_share(place, is_stated & (place > 0), tier.top_share)
        elif tier.kind == "calibrated":
            is_above = np.asarray(columns["sigma_astro"]) > tier.min_sigma
            yield tier.name, is_stated & eligible & is_above & (n_fitted >= EARNS_GOLD)
        else:
            yield tier.name, eligible & _follows_rule(tier, columns)


def is_covered_enough(columns: Columns) -> NDArray[np.bool_]:
    """Return which of N objects have 90 % coverage, (N,); all where nobody knows any coverage."""
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
