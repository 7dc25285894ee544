"""Whether some fibers, petals or tiles make more strange spectra than others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, counted, series
from .rates import FEWEST_IN_TIER, GroupRates, measure_rates

KEY = ("fibers", "Do some fibers, petals or tiles make strange spectra?")
# What is asked for, the column that has it, and how many of its numbers are one group.
PANELS = {"tile": ("tile_id", 1), "petal": ("location", 1000), "location": ("location", 1)}
_FEWEST_OBJECTS, _LISTED = 10, 5
# Kinds that get a sentence, the least even first; the table has all.
_TOLD = 2


@dataclass(frozen=True)
class _Panel:
    """Counts of one kind of group: `values` are the tiles, petals or locations.

    `groups` is the place in them of every member, -1 = in none.
    """

    kind: str
    values: NDArray[np.int64]
    groups: NDArray[np.int64]
    rates: GroupRates

    @property
    def n_members(self) -> int:
        """Return how many members are in a group."""
        return int((self.groups >= 0).sum())


def compare_fibers(inquiry: Inquiry) -> Insight:
    """Count a tier by tile, petal and location, whichever the store has."""
    panels, missing = [], []
    for kind in PANELS:
        panel = _count(inquiry, kind)
        if panel is None:
            missing.append(kind)
        else:
            panels.append(panel)
    absent = _absent(missing)
    if not panels:
        reason = f"{absent} Nothing can be said of the instrument: scan coadds that carry them."
        return inquiry.too_few(KEY, reason, len(inquiry.members))
    n_tier = int(inquiry.in_tier.sum())
    if n_tier < FEWEST_IN_TIER:
        return inquiry.too_few(
            KEY, f"{inquiry.tier_label} holds {inquiry.whom(n_tier)}: too few to be richer here "
            f"than there ({FEWEST_IN_TIER} are needed; name a larger --tier). {absent}".strip(),
            n_tier,
        )  # fmt: skip
    least_even = sorted(panels, key=lambda panel: panel.rates.dispersion()[1])
    rows = inquiry.members
    n_training = inquiry.n_training(rows)
    return Insight(
        *KEY,
        population=inquiry.whom(max(panel.n_members for panel in panels),
                                f"with a {' or '.join(panel.kind for panel in panels)}"),
        n_objects=max(panel.n_members for panel in panels),
        n_training=n_training,
        sentences=(
            *(_sentence(inquiry, panel) for panel in least_even[:_TOLD]),
            f"{absent} {counted(n_training)} of the population are training members of "
            f"{inquiry.judge}.".strip(),
        ),
        control=" ".join(
            f"{panel.kind.capitalize()}: {panel.rates.n_permutations:,} permutations of who is in "
            "the tier among objects of the same survey, class and S/N call "
            f"{panel.rates.outliers()[1]:.2f} groups rich on average."
            for panel in panels
        ),
        numbers={"missing": missing, **{panel.kind: _numbers(panel) for panel in panels}},
        figure=_figure(inquiry, least_even[0]),
        table=Table(("where", "in tier", "objects", "expected", "deviation σ", "too rich",
                     "tiles in tier"),
                    tuple(row for panel in panels for row in _rows(inquiry, panel))),
    )  # fmt: skip


def _count(inquiry: Inquiry, kind: str) -> _Panel | None:
    """Return the counts, or None where there are not two groups to compare."""
    column, step = PANELS[kind]
    if not inquiry.has(column):
        return None
    numbers = inquiry.numbers(column)
    known = np.flatnonzero(np.isfinite(numbers) & (numbers >= 0))
    values, groups = np.unique(numbers[known].astype(np.int64) // step, return_inverse=True)
    is_large = np.bincount(groups, minlength=len(values)) >= _FEWEST_OBJECTS
    if np.count_nonzero(is_large) < 2:
        return None
    places = np.where(is_large, np.cumsum(is_large) - 1, -1)[groups]
    every = np.full(len(numbers), -1, np.int64)
    every[known] = places
    rates = measure_rates(every, inquiry.strata, inquiry.in_tier, inquiry.generator(kind))
    return _Panel(kind, values[is_large], every, rates)


def _absent(missing: list[str]) -> str:
    if not missing:
        return ""
    return (
        f"This store does not say by {', '.join(missing)} (the column is missing, empty, or has "
        "not two values to compare)."
    )


def _sentence(inquiry: Inquiry, panel: _Panel) -> str:
    rates = panel.rates
    dispersion, chance = rates.dispersion()
    worst, worst_chance = rates.largest()
    n_rich = int(rates.outliers()[0].sum())
    verdict = "no more uneven than chance" if chance > 0.05 else "more uneven than chance"
    return (
        f"By {panel.kind}: {len(panel.values):,} groups, {verdict} (squared deviations average "
        f"{dispersion:.2f}, {chance_text(chance)}), {n_rich} too rich; the richest is {panel.kind} "
        f"{panel.values[worst]} with {rates.n_tier[worst]:,} of {rates.n_objects[worst]:,} in "
        f"{inquiry.tier_label}, {rates.expected[worst]:.1f} expected "
        f"({chance_text(worst_chance)} for any)."
    )


def _numbers(panel: _Panel) -> dict[str, object]:
    rates = panel.rates
    is_rich, by_chance = rates.outliers()
    dispersion, chance = rates.dispersion()
    return {
        "n_groups": len(panel.values), "n_objects": panel.n_members, "dispersion": dispersion,
        "p": chance, "rich": panel.values[is_rich].tolist(), "rich_by_chance": by_chance,
        "largest_p": rates.largest()[1],
    }  # fmt: skip


def _rows(inquiry: Inquiry, panel: _Panel) -> list[tuple[object, ...]]:
    rates = panel.rates
    deviations, is_rich = rates.deviations, rates.outliers()[0]
    return [
        (f"{panel.kind} {panel.values[i]}", int(rates.n_tier[i]), int(rates.n_objects[i]),
         round(float(rates.expected[i]), 1), round(float(deviations[i]), 1),
         "yes" if is_rich[i] else "no", _tiles(inquiry, panel, int(i)))
        for i in np.argsort(-deviations)[:_LISTED]
    ]  # fmt: skip


def _tiles(inquiry: Inquiry, panel: _Panel, group: int) -> int | None:
    """Return on how many tiles a group has objects of the tier; None where nobody knows.

    A bad fiber repeats on many, a bad exposure is on one.
    """
    if not inquiry.has("tile_id"):
        return None
    tiles = inquiry.numbers("tile_id")[(panel.groups == group) & inquiry.in_tier]
    return len(np.unique(tiles[np.isfinite(tiles)]))


def _figure(inquiry: Inquiry, panel: _Panel) -> Figure:
    rates = panel.rates
    return Figure(
        f"expected in {inquiry.tier_label}, by {panel.kind}", "found",
        (series(f"every {panel.kind}", "points", rates.expected, rates.n_tier,
                names=[f"{panel.kind} {value}" for value in panel.values]),
         series("equal", "line", [0, rates.expected.max()], [0, rates.expected.max()])),
    )  # fmt: skip
