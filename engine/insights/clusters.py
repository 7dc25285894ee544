"""What the clusters of the latents are: who is in them, how they look, and how odd they are."""

import numpy as np
from numpy.typing import NDArray

from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, counted, percent, series
from .rates import FEWEST_IN_TIER, GroupRates, measure_rates

KEY = ("clusters", "What are the clusters, and where are the odd ones?")
_LISTED = 30
_FEWEST = 50


def describe_clusters(inquiry: Inquiry) -> Insight:
    """Count classes, medians and the rate of a tier in every cluster of the embedding."""
    cluster = np.nan_to_num(inquiry.numbers("cluster"), nan=-1).astype(np.int64)
    n = int((cluster >= 0).sum())
    if n < _FEWEST:
        return inquiry.too_few(
            KEY, f"{inquiry.whom(n, 'are in a cluster')}: too few to describe one ({_FEWEST} are "
            "needed).", n,
        )  # fmt: skip
    n_tier = int(inquiry.in_tier.sum())
    if n_tier < FEWEST_IN_TIER:
        return inquiry.too_few(
            KEY, f"{inquiry.tier_label} holds {inquiry.whom(n_tier)}: too few to be richer here "
            f"than there ({FEWEST_IN_TIER} are needed; name a larger --tier).", n_tier,
        )  # fmt: skip
    everyone = np.maximum(cluster, -1) + 1  # group 0 = in no cluster
    rates = measure_rates(everyone, inquiry.strata, inquiry.in_tier, inquiry.generator("clusters"))
    is_rich, by_chance = rates.outliers()
    medians = {name: _medians(everyone, inquiry.numbers(name), len(rates.n_objects))
               for name in ("redshift", "snr", *inquiry.scores)}  # fmt: skip
    n_training = inquiry.n_training(inquiry.members)
    return Insight(
        *KEY,
        population=inquiry.whom(len(cluster), f"of which {n:,} are in a cluster"),
        n_objects=len(cluster),
        n_training=n_training,
        sentences=_sentences(inquiry, rates, is_rich, n_training),
        control=f"{rates.n_permutations:,} permutations of who is in the tier among objects of the "
        f"same survey, class and S/N; {by_chance:.2f} groups are called rich then, on average.",
        numbers={
            "n_clusters": int((rates.n_objects[1:] > 0).sum()), "n_in_none": len(cluster) - n,
            "rich": (np.flatnonzero(is_rich) - 1).tolist(), "rich_by_chance": by_chance,
            "dispersion": rates.dispersion()[0], "dispersion_p": rates.dispersion()[1],
        },
        figure=_figure(rates),
        table=_table(inquiry, everyone, rates, medians),
    )  # fmt: skip


def _medians(
    groups: NDArray[np.int64], values: NDArray[np.floating], n_groups: int
) -> NDArray[np.float64]:
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(groups[known], kind="stable")]
    ends = np.searchsorted(groups[order], np.arange(n_groups + 1))
    parts = [values[order[ends[g] : ends[g + 1]]] for g in range(n_groups)]
    return np.array([np.median(part) if len(part) else np.nan for part in parts])


def name_of(group: int) -> str:
    """Return what a group is called: 0 is of those in no cluster."""
    return f"cluster {group - 1}" if group else "no cluster"


def _sentences(
    inquiry: Inquiry, rates: GroupRates, is_rich: NDArray[np.bool_], n_training: int | None
) -> tuple[str, ...]:
    n_found = int((rates.n_objects[1:] > 0).sum())
    worst, chance = rates.largest()
    dispersion, dispersion_chance = rates.dispersion()
    largest = int(np.argmax(rates.n_objects[1:])) + 1
    share = percent(rates.n_objects[1:].sum() / rates.n_objects.sum())
    hold = "clusters hold" if n_found > 1 else "cluster holds"
    return (
        f"{n_found} {hold} {share} of the population; the largest, {name_of(largest)}, "
        f"holds {rates.n_objects[largest]:,}.",
        f"{inquiry.tier_label} is richest, for its classes and S/N, in {name_of(worst)}: "
        f"{rates.n_tier[worst]:,} of {rates.n_objects[worst]:,} where {rates.expected[worst]:.1f} "
        f"are expected ({chance_text(chance)} that some cluster is by chance); groups "
        f"richer than chance allows: {is_rich.sum()}; squared deviations average {dispersion:.1f} "
        f"times what counting gives ({chance_text(dispersion_chance)}).",
        f"{counted(n_training)} of the population are training members of {inquiry.judge}.",
    )  # fmt: skip


def _table(
    inquiry: Inquiry, groups: NDArray[np.int64], rates: GroupRates,
    medians: dict[str, NDArray[np.float64]],
) -> Table:  # fmt: skip
    n_classes = len(inquiry.classes)
    cells = np.bincount(groups * n_classes + inquiry.class_codes,
                        minlength=len(rates.n_objects) * n_classes)  # fmt: skip
    mix = cells.reshape(-1, n_classes)
    rows = tuple(
        (name_of(g), int(rates.n_objects[g]), _mix(inquiry.classes, mix[g]),
         *(_rounded(median[g]) for median in medians.values()),
         int(rates.n_tier[g]), percent(rates.n_tier[g] / rates.n_objects[g]),
         round(float(rates.expected[g]), 1))
        for g in np.argsort(-rates.n_objects)[:_LISTED] if rates.n_objects[g]
    )  # fmt: skip
    scores = (f"median {name}" for name in inquiry.scores)
    return Table(("cluster", "objects", "classes", "median z", "median S/N", *scores,
                  "in tier", "share", "expected"), rows)  # fmt: skip


def _mix(classes: tuple[str, ...], counts: NDArray[np.int64]) -> str:
    shares = counts / max(counts.sum(), 1)
    return ", ".join(
        f"{classes[i]} {percent(shares[i])}" for i in np.argsort(-shares)[:3] if shares[i] >= 0.005
    )


def _rounded(value: float) -> float | None:
    return float(f"{value:.3g}") if np.isfinite(value) else None


def _figure(rates: GroupRates) -> Figure:
    shown = [g for g in np.argsort(-rates.n_objects)[:_LISTED] if rates.n_objects[g]]
    n = np.maximum(rates.n_objects[shown], 1)
    low, high = ((rates.expected[shown] + sign * 2 * rates.spread[shown]) / n for sign in (-1, 1))
    x = np.arange(len(shown))
    return Figure(
        "clusters from the largest to the smallest", "share in the tier",
        (series("found", "points", x, rates.n_tier[shown] / n, names=[name_of(g) for g in shown]),
         series("expected by class and S/N, ± 2σ", "points", x + 0.25, rates.expected[shown] / n,
                low=np.maximum(low, 0), high=high)),
        x_scale="names", x_names=tuple("–" if g == 0 else str(g - 1) for g in shown),
    )  # fmt: skip
