"""Columns of a store that no catalog carries: ranks, tiers, and what old catalogs leave out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.gate import UNKNOWN
from anomaly_explorer.engine.scoring.tiers import TIER_NAMES, rank_scores, tier_masks

from .schema import BY_NAME, Column
from .staging import NULL_CODE, Staging


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
SCORE_PERCENTILE = _extra(
    "score_percentile",
    "float32",
    "share of the ranked objects of its own population that rank no higher, in percent",
)


def derive_snr(staging: Staging) -> bool:
    """Fill `snr` where the catalog has none with the largest S/N of the three arms.

    Returns whether anything was filled: the published catalog has the arms' S/N only.
    """
    snr = staging.numbers(BY_NAME["snr"])
    is_missing = np.isnan(snr)
    for arm in ("b", "r", "z"):
        snr[is_missing] = np.fmax(snr[is_missing], staging.get(f"snr_{arm}")[is_missing])
    staging.add(BY_NAME["snr"], snr, "float")
    return bool(np.any(is_missing & ~np.isnan(snr)))


def derive_population(staging: Staging) -> bool:
    """Call unknown what the catalog does not sort; return whether there was any."""
    staging.gather(BY_NAME["population"])
    legend = staging.legends["population"]
    codes = np.array(staging.get("population"))
    is_missing = codes == NULL_CODE
    codes[is_missing] = legend.index(UNKNOWN)
    staging.add_category(BY_NAME["population"], codes, legend)
    return bool(is_missing.any())


def derive_ranks(staging: Staging) -> dict[str, Any]:
    """Add ranks, percentiles and tiers; return what the manifest says of them.

    Returns
    -------
    dict
        ``ranked`` (population -> objects with a rank) and ``tiers`` (tier -> objects).
    """
    names = ("score_mse", "snr", "redshift_warning", "coverage", "target_id")
    columns: dict[str, NDArray[Any]] = {name: staging.get(name) for name in names}
    columns["population"] = staging.text("population")
    ranks = rank_scores(columns)
    percentiles = np.full(len(ranks), np.nan, np.float32)
    n_ranked: dict[str, int] = {}
    for code, population in enumerate(staging.legends["population"]):
        rows = np.flatnonzero((staging.get("population") == code) & (ranks > 0))
        n_ranked[population] = len(rows)
        percentiles[rows] = 100 * (len(rows) + 1 - ranks[rows].astype(np.float64)) / len(rows)
    ranks[ranks == 0] = np.iinfo(np.int32).min
    staging.add(SCORE_RANK, ranks, "integer")
    staging.add(SCORE_PERCENTILE, percentiles, "float")
    masks = tier_masks(columns)
    bits = np.zeros(len(ranks), np.uint32)
    for bit, name in enumerate(TIER_NAMES):
        bits[masks[name]] |= np.uint32(1 << bit)
    staging.add(TIER_BITS, bits, "bits")
    n_in_tier = {name: int(np.count_nonzero(masks[name])) for name in TIER_NAMES}
    return {"ranked": n_ranked, "tiers": n_in_tier}
