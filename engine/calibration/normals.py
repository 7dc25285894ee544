"""Which objects a calibration is fitted to, and which others it is judged by.

A hash of the id decides, so that the same object is always on the same side, whatever the catalog.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.tiers import stated_population

from .stream import Rows

_HALF = np.uint64(1)
_SHIFTS = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27),
           np.uint64(0x94D049BB133111EB)))  # fmt: skip
_STEP, _LAST = np.uint64(0x9E3779B97F4A7C15), np.uint64(31)


@dataclass(frozen=True)
class Census:
    """How many objects each survey of a catalog has to calibrate with.

    Parameters
    ----------
    populations : mapping of str to str
        By survey: whose percentiles are stated, science targets, or unknown where there are none.
    normals : mapping of (str, str) to int
        By survey and class, those of that population that count as normals.
    """

    populations: Mapping[str, str]
    normals: Mapping[tuple[str, str], int]

    def n_normals(self, survey: str) -> int:
        """Return how many normals a survey has in all classes."""
        return sum(n for (name, _), n in self.normals.items() if name == survey)


def take_census(parts: Iterable[Rows]) -> Census:
    """Count the normals of every survey and class, by population, then choose the population."""
    present: dict[str, set[str]] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for rows in parts:
        for survey, population in _pairs(rows.surveys, rows.populations):
            present.setdefault(survey, set()).add(population)
        usable = np.flatnonzero(_is_usable(rows))
        names = (rows.surveys[usable], rows.populations[usable], rows.classes[usable])
        found, n = np.unique(np.stack(names, axis=1), axis=0, return_counts=True)
        counts.update({tuple(map(str, key)): int(k) for key, k in zip(found, n, strict=True)})
    populations = {survey: stated_population(names) for survey, names in sorted(present.items())}
    normals = {
        (survey, class_name): n
        for (survey, population, class_name), n in sorted(counts.items())
        if populations[survey] == population
    }
    return Census(populations, normals)


def are_normals(rows: Rows, census: Census) -> NDArray[np.bool_]:
    """Return which of N objects count as normals, (N,).

    Of the stated population, with a class, 90 % coverage, and not among those the measurer was
    trained on: to these it is closer than to others. Rare anomalies among them do little harm; of
    a simulated survey, which has a hundred times more than the sky, those put in are left out.
    """
    stated = np.zeros(len(rows), np.bool_)
    for survey, population in census.populations.items():
        stated |= (rows.surveys == survey) & (rows.populations == population)
    return stated & _is_usable(rows)


def are_for_fitting(target_ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which half of N ids, (N,), is fitted to; the other half judges."""
    return (_hash(target_ids) & _HALF) == 0


def are_drawn(target_ids: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Return a share of N ids, (N,): whatever the share, the same ones first."""
    places = (_hash(target_ids) >> np.uint64(1)).astype(np.float64) / 2.0**63
    return places < share


def _is_usable(rows: Rows) -> NDArray[np.bool_]:
    return rows.is_covered & ~rows.is_member & ~rows.is_injected & (rows.classes != "")


def _pairs(first: NDArray[np.str_], second: NDArray[np.str_]) -> set[tuple[str, str]]:
    found = np.unique(np.stack([first, second], axis=1), axis=0)
    return {(str(a), str(b)) for a, b in found}


def _hash(target_ids: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return 64 bits of each id, (N,), that look random (splitmix64, Steele et al. 2014)."""
    bits = np.asarray(target_ids, np.int64).view(np.uint64) + _STEP
    for shift, factor in _SHIFTS:
        bits = (bits ^ (bits >> shift)) * factor
    return bits ^ (bits >> _LAST)
