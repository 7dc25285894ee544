"""What the scores of a survey come to: plain rows for tables, without a word of text."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from anomaly_explorer.engine.benchmark.separation import Separation, auc, percentiles, separate
from anomaly_explorer.engine.scoring.filters import WIDTHS, filter_bank
from anomaly_explorer.engine.scoring.statistics import MATCHED
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .scoring import Choice, Scored

NOMINAL = 0.01
FOUND_AT = 0.05
_LEAST_MARKED = 3


@dataclass(frozen=True)
class Drift:
    """What the calibration of the simulated survey says of a group of real spectra.

    Parameters
    ----------
    name : str
    n : int
        Spectra with a class that was calibrated, and a redshift.
    astro, instrument : float
        Share that it gives p < 0.01.
    """

    name: str
    n: int
    astro: float
    instrument: float


def drifts(scored: Scored) -> list[Drift]:
    """Return the drift of each class of a survey."""
    known = scored.survey.collection.known
    found = []
    for name in np.unique(known.classes[known.classes != ""]):
        rows = (known.classes == name) & np.isfinite(known.redshift)
        rows &= np.isfinite(scored.simulated.p_value["astro"])
        shares = [float((scored.simulated.p_value[each][rows] < NOMINAL).mean())
                  for each in ("astro", "instrument")]  # fmt: skip
        found.append(Drift(str(name), int(rows.sum()), *shares))
    return found


@dataclass(frozen=True)
class Comparison:
    """One choice of a model on a survey.

    Parameters
    ----------
    misfit : float
        Median of the mean square of the residuals in their deviations.
    rho : float
        Spearman's of the rank with S/N.
    planted : mapping of str to tuple
        By what was planted: AUC with its bootstrap error over objects, and the share found at
        p <= 0.05 by sigma_all.
    """

    misfit: float
    rho: float
    planted: Mapping[str, tuple[float, float, float]]


def compare(choice: Choice) -> Comparison:
    """Return the figures of a choice."""
    p = choice.scores.p_value["astro"]
    planted = {name: _found(choice, name) for name in choice.planted}
    usable = np.isfinite(p)
    rho = float(spearmanr(-p[usable], choice.measured.snr[usable]).statistic)
    return Comparison(float(np.nanmedian(choice.measured.values["misfit"])), rho, planted)


def _found(choice: Choice, name: str) -> tuple[float, float, float]:
    before, after = choice.scores.oddness["all"], choice.planted[name].oddness["all"]
    touched = np.isfinite(before) & np.isfinite(after)
    # A supernova is planted in galaxies only: the others are what they were.
    excess, after_excess = choice.scores.excess, choice.planted[name].excess
    touched &= ~np.all([np.isclose(after_excess[each], excess[each], rtol=1e-6, equal_nan=True)
                        for each in excess], axis=0)  # fmt: skip
    before, after = before[touched], after[touched]
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(500):
        rows = rng.integers(0, len(before), len(before))
        draws.append(auc(after[rows], before[rows]))
    share = float((choice.planted[name].p_value["all"][touched] <= FOUND_AT).mean())
    return auc(after, before), float(np.std(draws)), share


def order_of(scored: Scored) -> NDArray[np.int64]:
    """Return the spectra from the oddest on, (N,): by p, of equal ones by the combination."""
    return np.argsort(-np.nan_to_num(standing(scored.taken), nan=-1.0), kind="stable")


def standing(choice: Choice) -> NDArray[np.float64]:
    """Return the place of N spectra from the most ordinary on, (N,), in that order; NaN without."""
    p, odd = choice.scores.p_value["astro"], choice.scores.oddness["astro"]
    order = np.lexsort((np.nan_to_num(odd, nan=-1.0), -np.nan_to_num(p, nan=2.0)))
    place = np.empty(len(p))
    place[order] = np.arange(len(p))
    return np.where(np.isfinite(p), place, np.nan)


def reason_of(scored: Scored, row: int) -> str:
    """Return the statistic that is farthest out, with its place where it has one."""
    winner = str(scored.taken.scores.winner("astro")[row])
    if winner == "line":
        pixels = scored.survey.collection.pixels
        return f"narrow line at {pixels.line_wavelength[row]:.0f} Å, {pixels.line[row]:.0f} σ"
    if winner not in MATCHED:
        return winner
    number = MATCHED.index(winner)
    bank = filter_bank(COMPATIBLE_GRID)
    at = bank.center[scored.taken.measured.filters[row, number]]
    wavelength = COMPATIBLE_GRID.centers[round(float(at))]
    fwhm = max(2.355 * WIDTHS[number], 1.0) * COMPATIBLE_GRID.bin_width
    size = float(scored.taken.measured.values[winner][row])
    return f"bump {fwhm:.0f} Å wide at {wavelength:.0f} Å, {size:.0f} σ"


@dataclass(frozen=True)
class Marked:
    """One spectrum that is known to be odd."""

    file: str
    note: str
    group: str
    p_value: float
    percentile: float
    compatible: float
    reason: str


def marked_of(scored: Scored) -> list[Marked]:
    """Return the known oddities of a survey, percentiles among the spectra of their group."""
    collection, found = scored.survey.collection, []
    for row in np.flatnonzero(collection.notes != ""):
        group = scored.survey.groups == scored.survey.groups[row]
        rows = np.flatnonzero(group)
        place = int(np.searchsorted(rows, row))
        found.append(Marked(
            str(collection.files[row]), str(collection.notes[row]),
            str(scored.survey.groups[row]),
            float(scored.taken.scores.p_value["astro"][row]),
            float(percentiles(standing(scored.taken)[rows])[place]),
            float(percentiles(scored.compatible[rows])[place]), reason_of(scored, row),
        ))  # fmt: skip
    return found


def separations(scored: Scored) -> dict[str, Separation]:
    """Return how the known oddities stand to the others, by choice and by the compatible score.

    Scores are percentiles within each group, so that groups may be taken together.
    """
    marked = scored.survey.collection.notes != ""
    scores = {name: standing(choice) for name, choice in scored.choices.items()}
    scores["compatible score"] = scored.compatible
    found = {}
    for name, values in scores.items():
        within = within_groups(values, scored.survey.groups)
        usable = np.isfinite(within)
        if (marked & usable).sum() >= _LEAST_MARKED:
            found[name] = separate(within[marked & usable], within[~marked & usable])
    return found


def within_groups(values: NDArray[np.floating], groups: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return percentiles, (N,), of values (N,) among those of the same group (N,)."""
    found = np.full(len(values), np.nan)
    for name in np.unique(groups):
        rows = groups == name
        found[rows] = percentiles(values[rows])
    return found


def kinds_of(scored: Scored) -> dict[str, tuple[float, float, int]]:
    """Return median percentiles by calibrated and compatible score, and the number, by type.

    A type is the first letter of the spectral type.
    """
    collection, groups = scored.survey.collection, scored.survey.groups
    letters = np.array([kind[:1].upper() for kind in collection.kinds])
    ours = within_groups(standing(scored.taken), groups)
    theirs = within_groups(scored.compatible, groups)
    return {
        str(letter): (float(np.nanmedian(ours[rows])), float(np.nanmedian(theirs[rows])),
                      int(rows.sum()))
        for letter in np.unique(letters[letters != ""])
        for rows in [(letters == letter) & np.isfinite(ours)] if rows.any()
    }  # fmt: skip


def compatible_rho(scored: Scored) -> float:
    """Return Spearman's of the compatible score with S/N."""
    snr, usable = scored.taken.measured.snr, np.isfinite(scored.compatible)
    return float(spearmanr(scored.compatible[usable], snr[usable]).statistic)
