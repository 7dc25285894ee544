"""What the calibrated score says of one object, and the evidence for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.calibrated import CalibratedScores, ScoreCalibration
from anomaly_explorer.engine.scoring.filters import filter_bank
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measured, Measurer
from anomaly_explorer.engine.scoring.statistics import MATCHED, Difference

from .evidence import Evidence, evidence_of
from .feature import Feature, feature_of_filter
from .leftover import leave
from .shares import shares_of_difference

# The set of statistics whose winner is named: what the sky above does.
NAMED = "astro"


@dataclass(frozen=True)
class Verdict:
    """The calibrated score of one object; NaN is unknown.

    Parameters
    ----------
    sigma_astro, sigma_instrument, sigma_all : float
    p_value : float
        Of `sigma_astro`.
    winner : str
        The least likely statistic of `statistics.NAMES`; empty where there is none.
    is_extrapolated : bool or None
        Whether fewer than three normals are as odd; None where nobody said.
    n_normals : int
        Normals of the class the score was calibrated with; 0 where nobody said.
    wavelength : float
        Where the winner is, in Å; NaN where it is no bump.
    """

    sigma_astro: float
    sigma_instrument: float
    sigma_all: float
    p_value: float
    winner: str
    is_extrapolated: bool | None = None
    n_normals: int = 0
    wavelength: float = float("nan")

    @property
    def n_as_odd(self) -> float:
        """Return how many of the normals are as odd, by the p-value."""
        return self.p_value * self.n_normals


@dataclass(frozen=True)
class Judgement:
    """What the noise-aware network says of one object: evidence, and a verdict if calibrated."""

    evidence: Evidence
    verdict: Verdict | None


def judge(
    measurer: Measurer,
    spectra: WeighedInput,
    known: Known,
    calibration: ScoreCalibration | None = None,
) -> list[Judgement]:
    """Judge N spectra, one after the other.

    Parameters
    ----------
    measurer : Measurer
    spectra : WeighedInput
        A few.
    known : Known
        Class and redshift of each.
    calibration : ScoreCalibration, optional
        Without it there are no verdicts, and the most significant bump of any width is named.
    """
    measured, left = measurer.measure(spectra, known), leave(measurer, spectra, known)
    scores = None if calibration is None else calibration.score(measured, known.peers)
    found = []
    for row in range(len(spectra)):
        winner = "" if scores is None else str(scores.winner(NAMED)[row])
        feature = _feature(measurer, left, (measured, row), winner)
        evidence = evidence_of(
            feature, shares_of_difference(left, row, measurer.grid), float(known.redshift[row])
        )
        verdict = None
        if calibration is not None and scores is not None:
            name = str(known.peers[row])
            verdict = _verdict(calibration, scores, (row, name), winner, feature)
        found.append(Judgement(evidence, verdict))
    return found


def verdict_of_record(record: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict that a decoded row of a store carries; None where it carries none.

    Read are `sigma_astro`, `sigma_instrument`, `sigma_all`, `p_astro`, `winning_statistic`,
    `is_extrapolated`, and `bump_wavelength` (Å) where a bump has won.
    """

    def number(name: str) -> float:
        value = record.get(name)
        return float("nan") if value is None else float(value)

    if np.isnan(number("sigma_astro")):
        return None
    winner, is_extrapolated = record.get("winning_statistic") or "", record.get("is_extrapolated")
    return Verdict(
        number("sigma_astro"), number("sigma_instrument"), number("sigma_all"),
        number("p_astro"), str(winner), None if is_extrapolated is None else bool(is_extrapolated),
        wavelength=number("bump_wavelength") if winner in MATCHED else float("nan"),
    )  # fmt: skip


def _feature(
    measurer: Measurer, left: Difference, at: tuple[Measured, int], winner: str
) -> Feature | None:
    """Return the bump that won, or the most significant one where something else did."""
    measured, row = at
    matches = np.array([measured.values[name][row] for name in MATCHED], np.float64)
    usable = np.isfinite(matches) & (measured.filters[row] >= 0)
    if not usable.any():
        return None
    best = int(np.where(usable, matches, -1.0).argmax())
    if winner in MATCHED and usable[MATCHED.index(winner)]:
        best = MATCHED.index(winner)
    number = int(measured.filters[row, best])
    return feature_of_filter(left, row, number, filter_bank(measurer.grid), measurer.grid)


def _verdict(
    calibration: ScoreCalibration,
    scores: CalibratedScores,
    at: tuple[int, str],
    winner: str,
    feature: Feature | None,
) -> Verdict | None:
    row, peers = at
    sigmas = {name: float(values[row]) for name, values in scores.sigma.items()}
    if np.isnan(sigmas[NAMED]):
        return None
    known = calibration.combined[NAMED].by_peers
    like = known.get(peers) or known[peers.split(" ")[0]]
    is_bump = winner in MATCHED and feature is not None
    return Verdict(
        sigmas["astro"], sigmas["instrument"], sigmas["all"], float(scores.p_value[NAMED][row]),
        winner, bool(scores.is_extrapolated[NAMED][row]), like.n_normals,
        feature.wavelength if is_bump else float("nan"),
    )  # fmt: skip
