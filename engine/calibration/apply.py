"""Sigmas of every object: a calibration applied to the statistics of a catalog."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.calibrated import SETS, ScoreCalibration
from anomaly_explorer.engine.scoring.measurer import Measured

from .fit import Parts
from .stream import Rows, take_measured

# Column of the least likely statistic of a set, and what may stand in it.
WINNERS = {
    "winning_statistic": tuple(SETS["astro"]),
    "winning_instrument_statistic": tuple(SETS["instrument"]),
}
_SETS = dict(zip(WINNERS, ("astro", "instrument"), strict=True))
NOBODY = np.int8(-1)


def score_rows(
    rows: Rows, measured: Measured, surveys: Mapping[str, ScoreCalibration]
) -> dict[str, NDArray[Any]]:
    """Return the calibrated scores of N objects, each by the calibration of its own survey.

    Returns
    -------
    dict
        ``sigma_astro``, ``sigma_instrument``, ``sigma_all`` (N,) float32 and ``p_astro`` (N,)
        float64, NaN where nothing is known; ``is_extrapolated`` and, as an index, those of
        `WINNERS` (N,) int8, -1 where nothing is known.
    """
    n = len(rows)
    found: dict[str, NDArray[Any]] = {
        f"sigma_{name}": np.full(n, np.nan, np.float32) for name in SETS
    }
    found["p_astro"] = np.full(n, np.nan)
    found |= {name: np.full(n, NOBODY) for name in (*WINNERS, "is_extrapolated")}
    for survey, calibration in surveys.items():
        here = np.flatnonzero(rows.surveys == survey)
        if not len(here) or not calibration.combined:
            continue
        scores = calibration.score(take_measured(measured, here), rows.peers[here])
        for name in SETS:
            found[f"sigma_{name}"][here] = scores.sigma[name]
        known = np.isfinite(scores.sigma["astro"])
        found["p_astro"][here] = np.where(known, scores.p_value["astro"], np.nan)
        for name, words in WINNERS.items():
            winners, places = np.unique(scores.winner(_SETS[name]), return_inverse=True)
            codes = np.array([words.index(w) if w else NOBODY for w in winners.tolist()], np.int8)
            found[name][here] = np.where(known, codes[places], NOBODY)
        found["is_extrapolated"][here] = np.where(known, scores.is_extrapolated["astro"], NOBODY)
    return found


def score_parts(parts: Parts, surveys: Mapping[str, ScoreCalibration]) -> dict[str, NDArray[Any]]:
    """Return the same of all row groups of a batch, joined, (N,) each."""
    return _joined([score_rows(rows, measured, surveys) for rows, measured, _ in parts])


def _joined(parts: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    several = list(parts)
    return {name: np.concatenate([part[name] for part in several]) for name in several[0]}
