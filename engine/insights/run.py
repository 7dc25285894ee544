"""All findings of a store, one after the other."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from anomaly_explorer.engine.errors import InputError

from . import clusters, confident, crowding, fibers, neuron, noise, quasars, recoverability, sky
from .inquiry import Inquiry
from .insight import Insight

# In the order of the page.
FINDERS: dict[str, tuple[str, Callable[[Inquiry], Insight]]] = {
    key[0]: (key[1], find)
    for key, find in (
        (noise.KEY, noise.correlate_with_noise),
        (recoverability.KEY, recoverability.measure_recoverability),
        (neuron.KEY, neuron.look_for_neuron),
        (crowding.KEY, crowding.measure_crowding),
        (clusters.KEY, clusters.describe_clusters),
        (sky.KEY, sky.map_rates),
        (fibers.KEY, fibers.compare_fibers),
        (confident.KEY, confident.find_confident),
        (quasars.KEY, quasars.list_quasars),
    )
}
NAMES = tuple(FINDERS)
# The others ask of every object what no tier decides.
ABOUT_TIER = frozenset({"crowding", "clusters", "sky", "fibers", "confident"})
Tell = Callable[[str, int, int], None]


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of findings to make, in the order of the page; of none, all.

    Raises
    ------
    InputError
        When one is unknown.
    """
    wrong = [name for name in names if name not in FINDERS]
    if wrong:
        raise InputError(f"There is no card {wrong[0]!r}: the cards are {', '.join(NAMES)}.")
    return tuple(name for name in NAMES if not names or name in names)


def find_insights(
    inquiry: Inquiry, names: Iterable[str], tell: Tell = lambda title, done, total: None
) -> dict[str, dict[str, Any]]:
    """Return findings by name as JSON values, with tier, seed, seconds and the time of day.

    Parameters
    ----------
    inquiry : Inquiry
    names : iterable of str
        Of `FINDERS`.
    tell : callable
        Told (what is being done, 0 or 1, 1).
    """
    found: dict[str, dict[str, Any]] = {}
    everyone = replace(inquiry, is_about_tier=False)
    for name in names:
        tell(FINDERS[name][0], 0, 1)
        started = time.monotonic()
        asked = inquiry if name in ABOUT_TIER else everyone
        insight = FINDERS[name][1](asked)
        found[name] = {
            **insight.to_dict(),
            "population": f"{insight.population}; a target counts once, with {asked.asked}",
            "judge": asked.judge, "tier": inquiry.tier, "tier_label": inquiry.tier_label,
            "seed": inquiry.seed, "seconds": round(time.monotonic() - started, 1),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        tell(FINDERS[name][0], 1, 1)
    return found
