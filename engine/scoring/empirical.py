"""The calibrated score of a survey of few spectra: ranks among its own, and no tail.

With a hundred spectra nobody has seen the hundredth part of a percent. So a p-value is the rank of
a spectrum among those of its group, and never below 1 / their number (conformal p-values: Vovk,
Gammerman & Shafer 2005, Algorithmic Learning in a Random World, chapter 2). The trend of a
statistic with the signal-to-noise ratio is taken out first, by the slope of Theil (1950) and Sen
(1968, JASA 63, 1379), which outliers do not move.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from .calibrated import SETS
from .combine import combine, to_sigma
from .measurer import Measured

# Below so many there is no trend to speak of.
_LEAST_FOR_TREND = 8
_ENDS = (0.05, 0.95)
_NINETY = 1.2815515655446004
_LEAST_SPREAD = 1e-6
# Above this a rank says that others are odder, and no more: among few spectra the most ordinary
# value of one statistic would weigh more than the oddest of another, and hide it.
_ORDINARY = 0.5


@dataclass(frozen=True)
class Reference:
    """One statistic of the spectra of one group.

    Parameters
    ----------
    own : (N,) int64
        Ascending numbers of the spectra, to leave one out by.
    values : (N,) float64
        ln of the statistic without its trend.
    slope, intercept : float
        Of the trend with ln S/N.
    ends : tuple of float
        5th and 95th percentile of ln S/N: beyond, nobody knows the trend, and it stays level.
    spread : float
        90th percentile of the values above their median, in standard deviations.
    """

    own: NDArray[np.int64]
    values: NDArray[np.float64]
    slope: float
    intercept: float
    ends: tuple[float, float]
    spread: float

    @classmethod
    def fit(
        cls, own: NDArray[np.int64], values: NDArray[np.floating], snr: NDArray[np.floating]
    ) -> "Reference":
        """Fit to positive values and S/N, (N,) each, of spectra with the numbers `own`, (N,)."""
        log_value, log_snr = np.log(np.asarray(values, np.float64)), np.log(snr)
        low, high = (float(end) for end in np.quantile(log_snr, _ENDS))
        log_snr = np.clip(log_snr, low, high)
        slope, intercept = 0.0, float(np.median(log_value))
        if len(own) >= _LEAST_FOR_TREND and np.ptp(log_snr) > 0:
            slope, intercept = (float(each) for each in theilslopes(log_value, log_snr)[:2])
        left = log_value - slope * log_snr - intercept
        spread = (np.quantile(left, 0.9) - np.median(left)) / _NINETY
        return cls(own, left, slope, intercept, (low, high), max(float(spread), _LEAST_SPREAD))

    def standardize(
        self, values: NDArray[np.floating], snr: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return ln of values (M,) without the trend at S/N (M,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            log_value, log_snr = np.log(values), np.clip(np.log(snr), *self.ends)
        return log_value - self.slope * log_snr - self.intercept

    def p_values(self, own: NDArray[np.int64], left: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (1 + how many others are at least as large) / (1 + how many others), (M,).

        The spectrum whose number is in `own`, (M,), is not among the others.
        """
        place = np.minimum(np.searchsorted(self.own, own), len(self.own) - 1)
        is_in = self.own[place] == own
        order = np.sort(self.values)
        above = len(order) - np.searchsorted(order, left, side="left")
        above = above - (is_in & (self.values[place] >= left))
        p = (1 + above) / (1 + len(order) - is_in)
        return np.where(np.isnan(left), np.nan, p)


@dataclass(frozen=True)
class EmpiricalScores:
    """What the score says of M spectra by ranks alone.

    Parameters
    ----------
    sigma, p_value : mapping of str to (M,) float64
        For each of `SETS`; NaN where the group is unknown.
    p_values, excess : mapping of str to (M,) float64
        Of each statistic; and how far it is above the median, in standard deviations of its group.
    oddness : mapping of str to (M,) float64
        Minus the log of the combined p-value, by which equal p-values may be told apart.
    """

    sigma: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    p_values: Mapping[str, NDArray[np.float64]]
    excess: Mapping[str, NDArray[np.float64]]
    oddness: Mapping[str, NDArray[np.float64]]

    def winner(self, name: str) -> NDArray[np.str_]:
        """Return the least likely statistic of a set, (M,), of equal ones the farthest out."""
        members = np.array([*SETS[name], ""])
        p = np.stack([np.nan_to_num(self.p_values[each], nan=2.0) for each in members[:-1]])
        far = np.stack([np.nan_to_num(self.excess[each], nan=-99.0) for each in members[:-1]])
        place = np.where(p == p.min(axis=0), far, -np.inf).argmax(axis=0)
        return members[np.where(p.min(axis=0) > 1, len(members) - 1, place)]


@dataclass(frozen=True)
class EmpiricalCalibration:
    """Statistics and their combinations among the spectra of a survey, group by group.

    Parameters
    ----------
    statistics, combined : mapping of str to mapping of str to Reference
        By statistic or set, then by group.
    """

    statistics: Mapping[str, Mapping[str, Reference]]
    combined: Mapping[str, Mapping[str, Reference]]

    @classmethod
    def fit(cls, measured: Measured, groups: NDArray[np.str_]) -> "EmpiricalCalibration":
        """Fit to N spectra of groups (N,), odd ones among them: nobody says which they are."""
        own = np.arange(len(groups))
        made = cls(
            {name: _references(own, values, groups, measured.snr)
             for name, values in measured.values.items()}, {},
        )  # fmt: skip
        oddness = made._oddness(made._p_values(measured, groups, own)[0])
        return cls(made.statistics, {
            name: _references(own, values, groups, measured.snr)
            for name, values in oddness.items()
        })  # fmt: skip

    def score(
        self, measured: Measured, groups: NDArray[np.str_], own: NDArray[np.integer]
    ) -> EmpiricalScores:
        """Return what M measured spectra of groups (M,) amount to.

        `own`, (M,), are their numbers among the N the calibration was fitted to, which they are not
        compared with; -1 for one that was not among them.
        """
        p_values, excess = self._p_values(measured, groups, own)
        oddness = self._oddness(p_values)
        found = {
            name: _ranks(self.combined[name], values, (groups, measured.snr, own))[0]
            for name, values in oddness.items()
        }
        sigma = {name: to_sigma(p) for name, p in found.items()}
        return EmpiricalScores(sigma, found, p_values, excess, oddness)

    def _p_values(
        self, measured: Measured, groups: NDArray[np.str_], own: NDArray[np.integer]
    ) -> tuple[dict[str, NDArray[np.float64]], dict[str, NDArray[np.float64]]]:
        pairs = {
            name: _ranks(references, measured.values[name], (groups, measured.snr, own))
            for name, references in self.statistics.items()
        }
        return ({name: pair[0] for name, pair in pairs.items()},
                {name: pair[1] for name, pair in pairs.items()})  # fmt: skip

    def _oddness(
        self, p_values: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        return {
            name: -np.log(combine(np.stack([np.minimum(p_values[each], _ORDINARY)
                                            for each in weights]), np.array([*weights.values()])))
            for name, weights in SETS.items()
        }  # fmt: skip


def _references(
    own: NDArray[np.int64],
    values: NDArray[np.floating],
    groups: NDArray[np.str_],
    snr: NDArray[np.floating],
) -> dict[str, Reference]:
    usable = np.isfinite(values) & (values > 0) & np.isfinite(snr) & (snr > 0)
    found = {}
    for name in np.unique(groups[groups != ""]):
        rows = usable & (groups == name)
        if rows.any():
            found[str(name)] = Reference.fit(own[rows], values[rows], snr[rows])
    return found


def _ranks(
    references: Mapping[str, Reference], values: NDArray[np.floating], of: tuple
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return p-values and excesses, (M,) each, of values (M,) of (groups, S/N, numbers)."""
    groups, snr, own = of
    p, excess = np.full(len(values), np.nan), np.full(len(values), np.nan)
    for name, reference in references.items():
        rows = np.flatnonzero(groups == name)
        left = reference.standardize(values[rows], snr[rows])
        p[rows] = reference.p_values(np.asarray(own)[rows], left)
        excess[rows] = left / reference.spread
    return p, excess
