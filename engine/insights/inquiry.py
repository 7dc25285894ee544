"""What findings are asked of: a store, a tier, a seed, and the spectra where they are at hand."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.conditions import Tier
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.explain.explanation import MEMBER
from anomaly_explorer.engine.scoring.gate import SCIENCE
from anomaly_explorer.engine.scoring.tiers import (
    RANKED_BY,
    TIERS,
    is_covered_enough,
    stated_population,
)
from anomaly_explorer.engine.spectra.source import SpectrumArchive

from .insight import Insight
from .strata import Strata

_CALIBRATED_TIER, _PUBLISHED_TIER = "sigma_top_1", "top_1"
SEEDS = 1 << 31
UNCLASSIFIED = "unclassified"


def default_tier(store: Store) -> str:
    """Return the tier to ask about: by the calibrated score, where objects have it."""
    has_any = store.manifest.counts["tiers_stated"].get(_CALIBRATED_TIER)
    return _CALIBRATED_TIER if has_any else _PUBLISHED_TIER


@dataclass(frozen=True)
class Inquiry:
    """A store of N objects, and how it is asked; M targets of them are the stated population.

    Parameters
    ----------
    store : Store
    tier : str
        Whose objects the findings are about.
    seed : int
        Of every sample and permutation; 0 to 2^31 - 1.
    archive : SpectrumArchive, optional
        The spectra behind the store; None where they are not at hand.
    is_about_tier : bool
        Whether only those count that the tier could hold; the rest of the population does, too,
        where a finding is not about the tier.

    Raises
    ------
    InputError
        When there is no such tier, the seed is out of range, or the population has no object.
    """

    store: Store
    tier: str
    seed: int = 0
    archive: SpectrumArchive | None = None
    is_about_tier: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.seed < SEEDS:
            raise InputError(f"A seed is a number from 0 to 2^31 - 1, got {self.seed}.")
        Tier(self.tier).mask(self.store)
        if len(self.members) == 0:
            raise InputError(
                f"The store {self.store.path} has no {self.population} object with {self.asked}, "
                "which a tier asks for: scan spectra that have it, and build it again."
            )

    @cached_property
    def population(self) -> str:
        """Return the stated population: science, or unknown where there is none of science."""
        counts = self.store.manifest.counts["populations"]
        return stated_population([name for name, n in counts.items() if n])

    @cached_property
    def members(self) -> NDArray[np.int64]:
        """Return the rows of the population that have what is `asked`, (M,) sorted.

        A target that was observed several times is one of them, at its highest S/N: observations
        of one target are no independent witnesses.
        """
        legend = self.store.legend("population")
        if self.population not in legend or self.ranked_by not in self.store.column_names:
            return np.empty(0, np.int64)
        able = self.store.column("population") == legend.index(self.population)
        if self.is_about_tier:
            able &= np.isfinite(self.store.column(self.ranked_by))
        able &= is_covered_enough({"coverage": self.store.column("coverage")})
        rows = np.flatnonzero(able)
        return _best_of_targets(self.store, rows)

    @property
    def asked(self) -> str:
        """Return what an object must have to be a member, in words."""
        score = f"{self.ranked_by} and " if self.is_about_tier else ""
        return f"{score}90 % of a spectrum"

    @cached_property
    def in_tier(self) -> NDArray[np.bool_]:
        """Return which members are of the tier, (M,)."""
        bit = np.uint32(1 << self.store.manifest.tiers.index(self.tier))
        return (self.store.column("tier_bits")[self.members] & bit) != 0

    @property
    def tier_label(self) -> str:
        """Return what the tier is called on screen."""
        return next((tier.label for tier in TIERS if tier.name == self.tier), self.tier)

    @property
    def ranked_by(self) -> str:
        """Return the score that the tier is about."""
        return next((t.column for t in TIERS if t.name == self.tier), RANKED_BY[0])

    @cached_property
    def scores(self) -> tuple[str, ...]:
        """Return which of the scores that objects are ranked by the members have."""
        return tuple(name for name in RANKED_BY if self.has(name))

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Return the names that `class_codes` stand for; the last is for objects without class."""
        return (*(name for name in self.store.legend("spectype") if name), UNCLASSIFIED)

    @cached_property
    def class_codes(self) -> NDArray[np.int8]:
        """Return the class of each member, (M,): an index into `classes`."""
        legend = self.store.legend("spectype")
        names = [self.classes.index(name or UNCLASSIFIED) for name in legend]
        table = np.array([*names, len(self.classes) - 1], np.int8)
        codes = self.store.column("spectype")[self.members].astype(np.int64)
        return table[np.where(codes < 0, len(legend), codes)]

    @cached_property
    def strata(self) -> Strata:
        """Return the members by survey, class and S/N: those that are alike but for their score."""
        surveys = self.store.column("survey")[self.members].astype(np.int64) + 1
        return Strata.of(surveys * len(self.classes) + self.class_codes, self.numbers("snr"))

    def has(self, name: str) -> bool:
        """Return whether the store has a column with at least one value among the members."""
        if name not in self.store.column_names:
            return False
        column = self.store.describe(name)
        values = self.store.column(name)[self.members]
        if column.kind == "float":
            return bool(np.isfinite(values).any())
        return column.null is None or bool((values != column.null).any())

    def numbers(self, name: str, rows: NDArray[np.integer] | None = None) -> NDArray[Any]:
        """Return a column of numbers of the members, or of some rows, (n,): NaN for null."""
        values = self.store.column(name)[self.members if rows is None else rows]
        column = self.store.describe(name)
        if column.kind == "float":
            return values
        numbers = values.astype(np.float64)
        if column.null is not None:
            numbers[values == column.null] = np.nan
        return numbers

    def generator(self, purpose: str) -> np.random.Generator:
        """Return a source of chance of its own for each purpose, so that no card moves another."""
        return np.random.default_rng([self.seed, *purpose.encode()])

    def draw(self, places: NDArray[np.integer], n_most: int, purpose: str) -> NDArray[np.integer]:
        """Return at most so many of some places, (n,), drawn evenly, in their order."""
        if len(places) <= n_most:
            return places
        drawn = self.generator(purpose).choice(len(places), n_most, replace=False, shuffle=False)
        return places[np.sort(drawn)]

    @property
    def network(self) -> str:
        """Return whose latents the store has, in words."""
        known = self.store.manifest.model.get("id")
        return f"the compatible network{f' {known}' if known else ''}"

    @property
    def judge(self) -> str:
        """Return what was trained: the network behind the score that the finding is about."""
        return "the measurer" if self._is_measured else "the compatible network"

    @property
    def _is_measured(self) -> bool:
        return self.is_about_tier and self.ranked_by != RANKED_BY[0]

    def n_training(self, rows: NDArray[np.integer]) -> int | None:
        """Return how many of some rows, (n,), the `judge` was trained on; None = not known."""
        column = MEMBER[self._is_measured]
        if not self.has(column):
            return None
        return int(np.count_nonzero(self.store.column(column)[rows] == 1))

    def whom(self, n: int, what: str = "") -> str:
        """Return the population of a number in words, with N and *simulated* where it is so."""
        made = f"{self.store.manifest.made} ".lstrip()
        kind = "science targets" if self.population == SCIENCE else "objects of unknown status"
        return f"{n:,} {made}{kind}{' ' + what if what else ''}"

    def too_few(self, key: tuple[str, str], reason: str, n: int) -> Insight:
        """Return a finding that could not be made; `key` is its name and title."""
        return Insight(
            *key, population=self.whom(n), n_objects=n, n_training=0, sentences=(reason,),
            control="Nothing was measured, so nothing was compared.", is_measured=False,
        )  # fmt: skip


def _best_of_targets(store: Store, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one of the rows, (n,) sorted, for each TARGETID: the one with the highest S/N."""
    ids = store.column("target_id")[rows]
    order = np.argsort(ids, kind="stable")
    is_same = ids[order][1:] == ids[order][:-1]
    if not is_same.any():
        return rows
    snr = np.nan_to_num(store.column("snr")[rows], nan=-np.inf)
    order = np.lexsort((-snr, ids))  # stable: of equals the first row
    is_first = np.r_[True, ids[order][1:] != ids[order][:-1]]
    is_first |= ids[order] == store.describe("target_id").null
    return np.sort(rows[order[is_first]])
