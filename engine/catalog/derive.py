"""Columns of a store that no catalog carries: ranks, tiers, and what old catalogs leave out."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.gate import UNKNOWN
from anomaly_explorer.engine.scoring.tiers import (
    RANK_COLUMNS,
    RANKED_BY,
    TIER_NAMES,
    rank_scores,
    stated_population,
    tier_masks,
)

from .gather import NULL_CODE
from .schema import BY_NAME, CALIBRATED, Column
from .staging import Staging

_COUNT_ROWS = 1 << 20
# What ranks and tiers look at.
_RULED_BY = (*RANKED_BY, "snr", "redshift_warning", "coverage", "target_id", "population")


def _extra(name: str, dtype: str, meaning: str) -> Column:
    return Column(name, name, dtype, "", meaning, published=False)


UMAP_X = _extra("umap_x", "float32", "first coordinate of the embedding")
UMAP_Y = _extra("umap_y", "float32", "second coordinate of the embedding")
CLUSTER = _extra("cluster", "int32", "machine-made group in latent space; -1 = in none")
TIER_BITS = _extra("tier_bits", "uint32", "one bit per tier, in the order of the manifest's tiers")
SCORE_RANK = _extra(
    "score_rank",
    "int32",
    "rank of score_mse within the object's own population, 1 = largest; ties by target_id",
)
SIGMA_RANK = _extra(
    "sigma_rank",
    "int32",
    "rank of sigma_astro within the object's own population, 1 = largest; ties by target_id",
)
SCORE_PERCENTILE = _extra(
    "score_percentile",
    "float32",
    "share of the ranked objects of its own population that rank no higher, in percent",
)
_RANKS = {each.name: each for each in (SCORE_RANK, SIGMA_RANK)}
EXTRAS = (
    UMAP_X, UMAP_Y, CLUSTER, *CALIBRATED, SIGMA_RANK, SCORE_RANK, SCORE_PERCENTILE, TIER_BITS,
)  # fmt: skip


def derive_snr(staging: Staging, places: NDArray[np.integer]) -> bool:
    """Fill `snr` where the catalog has none with the largest S/N of the three arms.

    Returns whether anything was filled: the published catalog has the arms' S/N only.
    `places` is (N,), the store row of each catalog row.
    """
    snr = staging.numbers(BY_NAME["snr"], places)
    is_missing = np.isnan(snr)
    for arm in ("b", "r", "z"):
        snr[is_missing] = np.fmax(snr[is_missing], staging.get(f"snr_{arm}")[is_missing])
    staging.add(BY_NAME["snr"], snr, "float")
    return bool(np.any(is_missing & ~np.isnan(snr)))


def derive_population(staging: Staging, places: NDArray[np.integer]) -> bool:
    """Call unknown what the catalog does not sort; return whether there was any.

    `places` is (N,), the store row of each catalog row.
    """
    column = BY_NAME["population"]
    codes, legend = staging.codes(column, places)
    is_missing = codes == NULL_CODE
    codes[is_missing] = legend.index(UNKNOWN)
    staging.add_category(column, codes, legend)
    return bool(is_missing.any())


def derive_ranks(
    staging: Staging, by_target: NDArray[np.integer], n_fitted: int = 0
) -> dict[str, Any]:
    """Add ranks, percentiles and tiers; return what the manifest says of them.

    Parameters
    ----------
    staging : Staging
        With all columns of the catalog.
    by_target : (N,) integer
        Rows sorted by `target_id`.
    n_fitted : int
        Normals the calibrated score was fitted to; 0 where there is no such score.

    Returns
    -------
    dict
        ``ranked`` (population -> objects with a rank) and ``counts`` (of the manifest).
    """
    columns: dict[str, NDArray[Any]] = {name: staging.get(name) for name in _RULED_BY}
    populations = count_codes(columns["population"], staging.legend("population"))
    stated = stated_population([name for name, n in populations.items() if n])
    is_stated = columns["population"] == staging.legend("population").index(stated)
    ranks = {name: rank_scores(columns, by_target, name) for name in RANKED_BY}
    for name, place in ranks.items():
        stored = np.where(place == 0, np.iinfo(np.int32).min, place)
        staging.add(_RANKS[RANK_COLUMNS[name]], stored.astype(np.int32), "integer")
    n_ranked = _add_percentiles(staging, ranks["score_mse"])
    masks = tier_masks(columns, ranks, is_stated, n_fitted)
    tiers, tiers_stated = _add_tiers(staging, masks, is_stated)
    worst_arm, arms = staging.get("worst_arm"), staging.legend("worst_arm")
    counts = {
        "tiers": tiers,
        "tiers_stated": tiers_stated,
        "populations": populations,
        "arms": count_codes(worst_arm, arms),
        "arms_stated": count_codes(worst_arm[is_stated], arms),
        "surveys": count_codes(staging.get("survey"), staging.legend("survey")),
    }
    return {"ranked": n_ranked, "counts": counts}


def _add_percentiles(staging: Staging, ranks: NDArray[np.int32]) -> dict[str, int]:
    """Add percentiles; return how many objects of each population have one."""
    percentiles = np.full(len(ranks), np.nan, np.float32)
    populations, n_ranked = staging.get("population"), {}
    for code, population in enumerate(staging.legend("population")):
        rows = np.flatnonzero((populations == code) & (ranks > 0))
        n_ranked[population] = len(rows)
        percentiles[rows] = 100 * (len(rows) + 1 - ranks[rows].astype(np.float64)) / len(rows)
    staging.add(SCORE_PERCENTILE, percentiles, "float")
    return n_ranked


def _add_tiers(
    staging: Staging,
    masks: Iterator[tuple[str, NDArray[np.bool_]]],
    is_stated: NDArray[np.bool_],
) -> tuple[dict[str, int], dict[str, int]]:
    """Add the bits of the tiers; return how many objects each has, of all and of the stated."""
    bits = np.zeros(len(is_stated), np.uint32)
    n_all, n_stated = {}, {}
    for name, mask in masks:
        bits |= mask * np.uint32(1 << TIER_NAMES.index(name))
        n_all[name] = int(np.count_nonzero(mask))
        n_stated[name] = int(np.count_nonzero(mask & is_stated))
    staging.add(TIER_BITS, bits, "bits")
    return n_all, n_stated


def count_codes(codes: NDArray[np.signedinteger], legend: tuple[str, ...]) -> dict[str, int]:
    """Return how many of the codes, (N,), stand for each word of a legend; null is not counted."""
    found = np.zeros(len(legend) + 1, np.int64)
    for start in range(0, len(codes), _COUNT_ROWS):
        part = codes[start : start + _COUNT_ROWS].astype(np.int64) - NULL_CODE
        found += np.bincount(part, minlength=len(found))
    return {word: int(n) for word, n in zip(legend, found[1:], strict=True)}
