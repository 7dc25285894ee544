"""Whether a tier crowds together in latent space, more than others as faint and of its classes."""

import numpy as np
from numpy.typing import NDArray

from .chance import either_side, p_value
from .inquiry import Inquiry
from .insight import Figure, Insight, Table, chance_text, counted, percent, series
from .strata import Strata

KEY = ("crowding", "Does the tier crowd together in latent space?")
N_NEIGHBORS, N_DRAWS = 5, 1_000
_FEWEST, _MOST, _POOL = 30, 800, 20_000
# Others of a stratum that are offered to draws for each object of the tier in it.
_OFFERED = 50
_BARS = 30


def measure_crowding(inquiry: Inquiry) -> Insight:
    """Compare how near the objects of a tier are to each other with matched draws."""
    tier = np.flatnonzero(inquiry.in_tier)
    if len(tier) < _FEWEST:
        return inquiry.too_few(
            KEY, f"{inquiry.tier_label} holds {inquiry.whom(len(tier))}: too few for distances "
            f"between them ({_FEWEST} are needed; name a larger --tier).", len(tier),
        )  # fmt: skip
    rng = inquiry.generator("crowding")
    chosen = inquiry.draw(tier, _MOST, "crowded")
    pool = inquiry.draw(np.arange(len(inquiry.members)), _POOL, "pool")
    strata = inquiry.strata
    offers = offered(strata, chosen, rng)
    latents = _Latents(inquiry, np.union1d(pool, np.concatenate([each for each, _ in offers])))
    found = neighbor_distance(latents.of(chosen))
    drawn = np.array([neighbor_distance(latents.of(draw_of(offers, rng))) for _ in range(N_DRAWS)])
    plain = np.array([
        neighbor_distance(latents.of(rng.choice(pool, len(chosen), replace=False)))
        for _ in range(_BARS)
    ])  # fmt: skip
    nearer, further = p_value(-found, -drawn), p_value(found, drawn)
    ratio, unmatched = float(np.median(drawn) / found), float(np.median(plain) / found)
    share = float(inquiry.in_tier[np.isin(strata.codes, strata.codes[chosen])].mean())
    n_training = inquiry.n_training(inquiry.members[chosen])
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    chance = either_side(nearer, further)
    verdict = (
        "neither closer together nor further apart" if chance > 0.05
        else "closer together" if nearer < further else "further apart"
    ) + f" than chance ({chance_text(chance)})"  # fmt: skip
    return Insight(
        *KEY,
        population=f"{inquiry.tier_label}: {inquiry.whom(len(chosen))} drawn of {len(tier):,}",
        n_objects=len(chosen),
        n_training=n_training,
        sentences=(
            f"The mean distance to the {N_NEIGHBORS}th nearest of the same tier is {found:.2f} in "
            f"latent space; draws of the same classes and S/N have {np.median(drawn):.2f} "
            f"(95 %: {low:.2f} to {high:.2f}), {ratio:.2f} times as much: the tier is {verdict}.",
            f"Draws that ignore class and S/N would have said {unmatched:.2f} times.",
            f"{counted(n_training)} of these {len(chosen):,} are training members of "
            f"{inquiry.judge}.",
        ),
        control=f"{N_DRAWS:,} draws, as many of every survey, class and narrow range of S/N as the "
        f"tier has there, where it holds {percent(share)} of the objects; they are drawn from "
        f"{sum(len(each) for each, _ in offers):,}, those of the tier among them.",
        numbers={
            "distance": found, "matched_median": float(np.median(drawn)), "ratio": ratio,
            "unmatched_ratio": unmatched, "p_nearer": nearer, "p_further": further, "p": chance,
            "matched": drawn, "tier_share_of_strata": share,
        },
        figure=_figure(found, drawn),
        table=Table(
            ("draws", "median distance", "draws / tier"),
            (("the tier itself", round(found, 3), 1.0),
             ("same classes and S/N", round(float(np.median(drawn)), 3), round(ratio, 3)),
             ("any of the population", round(float(np.median(plain)), 3), round(unmatched, 3))),
        ),
    )  # fmt: skip


def neighbor_distance(latents: NDArray[np.float32]) -> float:
    """Return the mean Euclidean distance of M objects, (M, L), to their fifth nearest."""
    squares = np.einsum("ij,ij->i", latents, latents)
    distances = squares[:, None] + squares - 2 * (latents @ latents.T)
    np.fill_diagonal(distances, np.inf)
    rank = min(N_NEIGHBORS, len(latents) - 1) - 1
    nearest = np.partition(distances, rank, axis=1)[:, rank]
    return float(np.sqrt(np.maximum(nearest, 0)).mean())


class _Latents:
    """The latents of some members, read once; unknown ones count as 0."""

    def __init__(self, inquiry: Inquiry, places: NDArray[np.integer]) -> None:
        self._places = places
        self._values = np.nan_to_num(inquiry.store.latents(inquiry.members[places]))
        self._values -= self._values.mean(axis=0)

    def of(self, places: NDArray[np.integer]) -> NDArray[np.float32]:
        return self._values[np.searchsorted(self._places, places)]


def offered(
    strata: Strata, chosen: NDArray[np.integer], rng: np.random.Generator
) -> list[tuple[NDArray[np.integer], int]]:
    """Return for each stratum of the chosen, (n,) places, who can be drawn and how many are.

    The chosen are among them: by chance they are a draw like any other, so that the test is exact
    however few the others are.
    """
    is_chosen = np.isin(np.arange(len(strata.codes)), chosen)
    order = np.argsort(strata.codes, kind="stable")
    ends = np.cumsum(np.r_[0, strata.counts()])
    wanted = strata.counts(is_chosen)
    offers = []
    for stratum in np.flatnonzero(wanted):
        here, n = order[ends[stratum] : ends[stratum + 1]], int(wanted[stratum])
        others = here[~is_chosen[here]]
        if len(others) > _OFFERED * n:
            others = rng.choice(others, _OFFERED * n, replace=False, shuffle=False)
        offers.append((np.concatenate([here[is_chosen[here]], others]), n))
    return offers


def draw_of(
    offers: list[tuple[NDArray[np.integer], int]], rng: np.random.Generator
) -> NDArray[np.integer]:
    """Return as many places as there are chosen, (n,), drawn evenly within each stratum."""
    return np.concatenate([
        rng.choice(places, n, replace=False, shuffle=False) for places, n in offers
    ])  # fmt: skip


def _figure(found: float, drawn: NDArray[np.float64]) -> Figure:
    counts, edges = np.histogram(drawn, _BARS)
    centers = (edges[1:] + edges[:-1]) / 2
    return Figure(
        f"mean distance to the {N_NEIGHBORS}th nearest", "matched draws",
        (series("matched draws", "bars", centers, counts),
         series("the tier", "line", [found, found], [0, counts.max()])),
    )  # fmt: skip
