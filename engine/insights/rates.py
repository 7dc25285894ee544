"""The rate of a tier in groups of objects, such as pixels of the sky, clusters, tiles or fibers.

What is expected of a group is what objects of its surveys, classes and S/N have elsewhere; what
chance does is shown by permutations of who is in the tier within each such stratum.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from .chance import outliers, p_value
from .strata import Strata

# Hypergeometric draws in all: a third of a microsecond each.
_MOST_DRAWS = 60_000_000
_FEWEST = 99
# With fewer objects of a tier nothing is said of where they are.
FEWEST_IN_TIER = 20
# Permutations whose outliers are counted: tails of binomials cost more than draws.
_FOR_OUTLIERS = 99


@dataclass(frozen=True)
class GroupRates:
    """Counts of G groups, and of P permutations.

    Parameters
    ----------
    n_objects, n_tier : (G,) int64
        Objects of each group, and those of the tier.
    expected, spread : (G,) float64
        Mean and standard deviation of `n_tier` over permutations within strata, computed exactly.
    drawn : (P, G) int32
        `n_tier` in each permutation.
    """

    n_objects: NDArray[np.int64]
    n_tier: NDArray[np.int64]
    expected: NDArray[np.float64]
    spread: NDArray[np.float64]
    drawn: NDArray[np.int32]

    @property
    def n_permutations(self) -> int:
        """Return P."""
        return len(self.drawn)

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Return how many standard deviations each group is above what is expected, (G,)."""
        return self._deviations(self.n_tier)

    @property
    def drawn_deviations(self) -> NDArray[np.float64]:
        """Return the same of each permutation, (P, G)."""
        return self._deviations(self.drawn)

    def _deviations(self, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        spread = np.where(self.spread > 0, self.spread, np.inf)
        return (counts - self.expected) / spread

    def dispersion(self) -> tuple[float, float]:
        """Return the mean squared deviation of the groups that can differ, and its p-value.

        1 is what chance gives; the p-value says how often permutations are as uneven.
        """
        able = self.spread > 0
        if not able.any():
            return float("nan"), 1.0
        drawn = (self.drawn_deviations[:, able] ** 2).mean(axis=1)
        found = float((self.deviations[able] ** 2).mean())
        return found, p_value(found, drawn)

    def largest(self) -> tuple[int, float]:
        """Return the group with the largest deviation, and how often any permuted group has it."""
        deviations = self.deviations
        worst = int(np.argmax(deviations))
        return worst, p_value(deviations[worst], self.drawn_deviations.max(axis=1))

    def outliers(self) -> tuple[NDArray[np.bool_], float]:
        """Return which groups are too rich, (G,), and how many chance makes on average.

        By binomial tails at the expected rate, with at most 5 % false ones among those found
        (Benjamini & Hochberg); the mean is over permutations.
        """
        found = outliers(self._tails(self.n_tier))
        by_chance = outliers(self._tails(self.drawn[:_FOR_OUTLIERS])).sum(axis=1).mean()
        return found, float(by_chance)

    def _tails(self, counts: NDArray[np.integer]) -> NDArray[np.float64]:
        rate = self.expected / np.maximum(self.n_objects, 1)
        return np.where(self.spread > 0, binom.sf(counts - 1, self.n_objects, rate), 1.0)


def measure_rates(
    groups: NDArray[np.integer],
    strata: Strata,
    in_tier: NDArray[np.bool_],
    rng: np.random.Generator,
    n_permutations: int = 999,
) -> GroupRates:
    """Count the tier in groups, and in permutations within strata.

    Parameters
    ----------
    groups : (M,) integer
        Group of each object, 0 to G - 1; -1 = in none, which takes no part.
    strata : Strata
        Of the same M objects.
    in_tier : (M,) bool
    rng : numpy.random.Generator
    n_permutations : int
        At most; fewer where groups and strata are many.

    Returns
    -------
    GroupRates
    """
    kept = groups >= 0
    n_groups = int(groups.max(initial=-1)) + 1
    cells = strata.codes[kept].astype(np.int64) * n_groups + groups[kept]
    size = strata.n_strata * n_groups
    objects = np.bincount(cells, minlength=size).reshape(strata.n_strata, n_groups)
    tier = np.bincount(cells[in_tier[kept]], minlength=size).reshape(strata.n_strata, n_groups)
    of_tier, of_all = tier.sum(axis=1), objects.sum(axis=1)
    active = np.flatnonzero((of_tier > 0) & (of_tier < of_all))
    n_cells = max(int(np.count_nonzero(objects[active])), 1)
    n_drawn = int(np.clip(_MOST_DRAWS // n_cells, _FEWEST, n_permutations))
    fixed = tier[of_tier == of_all].sum(axis=0)  # a stratum all of the tier leaves no choice
    expected = fixed.astype(np.float64)
    variance = np.zeros(n_groups)
    drawn = np.tile(fixed.astype(np.int32), (n_drawn, 1))
    for stratum in active:
        here = np.flatnonzero(objects[stratum])
        n, total, chosen = objects[stratum, here], of_all[stratum], of_tier[stratum]
        share = chosen / total
        expected[here] += n * share
        variance[here] += n * share * (1 - share) * (total - n) / max(total - 1, 1)
        drawn[:, here] += rng.multivariate_hypergeometric(
            n, int(chosen), size=n_drawn, method="marginals"
        ).astype(np.int32)
    return GroupRates(objects.sum(axis=0), tier.sum(axis=0), expected, np.sqrt(variance), drawn)
