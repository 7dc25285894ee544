"""Objects the pipeline is sure of although their spectra are strange."""

import numpy as np
from numpy.typing import NDArray

from .chance import either_side, p_value
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, counted, series
from .rates import GroupRates, measure_rates

KEY = ("confident", "Where is the pipeline sure and the spectrum strange?")
# Sure = ZWARN 0 and a gap to the second-best redshift as the best quarter of those have it.
SURE_LEVEL = 0.75
_FEWEST, _LISTED, _BINS = 50, 20, 20


def find_confident(inquiry: Inquiry) -> Insight:
    """List tier members with a sure redshift, and count how many are expected."""
    gap = inquiry.numbers("deltachi2") if inquiry.has("deltachi2") else None
    if gap is None:
        return inquiry.too_few(KEY, "This store has no deltachi2, so nobody knows how sure the "
                               "pipeline was: scan spectra that have redrock files.",
                               len(inquiry.members))  # fmt: skip
    has_no_warning = (inquiry.numbers("redshift_warning") == 0) & np.isfinite(gap)
    n_clean, n_tier = int(has_no_warning.sum()), int(inquiry.in_tier.sum())
    if n_clean < _FEWEST or n_tier == 0:
        return inquiry.too_few(
            KEY, f"{inquiry.whom(n_clean)} have ZWARN = 0 and a DELTACHI2, and {n_tier:,} of the "
            f"population are of {inquiry.tier_label}: too few to compare.", n_clean,
        )  # fmt: skip
    limit = float(np.quantile(gap[has_no_warning], SURE_LEVEL))
    is_sure = has_no_warning & (gap >= limit)
    rates = measure_rates(is_sure.astype(np.int64), inquiry.strata, inquiry.in_tier,
                          inquiry.generator("confident"))  # fmt: skip
    both = np.flatnonzero(is_sure & inquiry.in_tier)
    listed = both[np.argsort(-inquiry.numbers(inquiry.ranked_by)[both], kind="stable")[:_LISTED]]
    n_training = inquiry.n_training(inquiry.members[both])
    plain = n_tier * is_sure.mean()
    chance = _chances(rates)
    return Insight(
        *KEY,
        population=inquiry.whom(len(inquiry.members), f"of which {is_sure.sum():,} have ZWARN = 0 "
                                f"and DELTACHI2 ≥ {limit:.4g}"),
        n_objects=len(inquiry.members),
        n_training=n_training,
        sentences=(
            f"{len(both):,} objects of {inquiry.tier_label} have a redshift the pipeline is sure "
            f"of (ZWARN = 0 and DELTACHI2 ≥ {limit:.4g}, the upper quarter).",
            f"If both had nothing to do with each other {plain:.1f} were expected; at the same "
            f"class and S/N, {rates.expected[1]:.1f} ({_direction(len(both), rates, chance)}).",
            f"{counted(n_training)} of the {len(both):,} are training members of {inquiry.judge}; "
            f"the table lists the {len(listed)} with the highest {inquiry.ranked_by}.",
        ),
        control=f"{rates.n_permutations:,} permutations of who is in the tier among objects of the "
        f"same survey, class and S/N give {rates.expected[1]:.1f} ± {rates.spread[1]:.1f}.",
        numbers={"found": len(both), "expected_if_independent": plain, "limit": limit,
                 "expected_matched": rates.expected[1], "spread": rates.spread[1],
                 "p_more": chance[0], "p_fewer": chance[1], "p": either_side(*chance)},
        figure=_figure(inquiry, gap, has_no_warning),
        table=_table(inquiry, listed),
    )  # fmt: skip


def _chances(rates: GroupRates) -> tuple[float, float]:
    """Return how often chance has as many, and as few, each one-sided."""
    found, drawn = float(rates.n_tier[1]), rates.drawn[:, 1].astype(np.float64)
    return p_value(found, drawn), p_value(-found, -drawn)


def _direction(found: int, rates: GroupRates, chance: tuple[float, float]) -> str:
    is_more, p = found >= rates.expected[1], either_side(*chance)
    if p > 0.05:
        return f"no more and no fewer than chance, {chance_text(p)}"
    return f"{'more' if is_more else 'fewer'} than chance, {chance_text(p)}"


def _figure(
    inquiry: Inquiry, gap: NDArray[np.floating], has_no_warning: NDArray[np.bool_]
) -> Figure | None:
    known = np.flatnonzero(has_no_warning & (gap > 0))
    if len(known) == 0:
        return None
    parts = np.array_split(known[np.argsort(gap[known], kind="stable")], _BINS)
    parts = [part for part in parts if len(part)]
    shares = np.array([inquiry.in_tier[part].mean() for part in parts])
    sizes = np.array([len(part) for part in parts])
    error = np.sqrt(shares * (1 - shares) / sizes)
    return Figure(
        "DELTACHI2 (ZWARN = 0)", f"share in {inquiry.tier_label}",
        (series("found ± 1σ", "points", [np.median(gap[part]) for part in parts], shares,
                low=np.maximum(shares - error, 0), high=shares + error),
         series("whole population", "line", [gap[known].min(), gap[known].max()],
                [inquiry.in_tier.mean()] * 2)),
        x_scale="log",
    )  # fmt: skip


def _table(inquiry: Inquiry, places: NDArray[np.integer]) -> Table:
    names = ("target_id", "spectype", "redshift", "deltachi2", "snr", *inquiry.scores, "worst_arm")
    is_simulated = bool(inquiry.store.manifest.made)
    if is_simulated:
        names = (*names, "injected_type")
    records = inquiry.store.records(inquiry.members[places], names)
    rows = tuple(tuple(_cell(name, record[name]) for name in names) for record in records)
    headings = ("TARGETID", "class", "z", "DELTACHI2", "S/N", *inquiry.scores, "band")
    return Table((*headings, "put in (simulated)") if is_simulated else headings, rows)


def _cell(name: str, value: object) -> object:
    if name == "target_id":
        return str(value)  # above 2^53 no browser's number holds it
    return float(f"{value:.4g}") if isinstance(value, float) else value
