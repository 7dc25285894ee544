"""The calibrated score on one survey's spectra: four ways to get a model, one to calibrate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.separation import auc
from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.scoring.calibrated import CalibratedScores, ScoreCalibration
from anomaly_explorer.engine.scoring.crosswise import (
    fit_few_modes,
    folds,
    measure_crosswise,
    scale_noise,
)
from anomaly_explorer.engine.scoring.empirical import EmpiricalCalibration, EmpiricalScores
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measured, Measurer
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm

from .collections import Collection
from .network import trained_on, tuned_to
from .planting import PLANTED, plant

SIMULATED, REFITTED, TUNED, OWN = (
    "simulated, as it is", "simulated, refitted", "simulated, trained on", "its own alone",
)  # fmt: skip
# One of these is what the page reports of a survey.
_CANDIDATES = (REFITTED, TUNED)
N_FOLDS = 5
# Spectra that a network of a survey's own is tried with, where their noise is real.
LEAST_FOR_OWN = 150


@dataclass(frozen=True)
class Simulated:
    """A measurer with the modes of a simulated survey, and the calibration of that survey.

    Parameters
    ----------
    measurer : Measurer
    calibration : ScoreCalibration
    sky : WeighedInput
        Simulated sky fibers.
    """

    measurer: Measurer
    calibration: ScoreCalibration
    sky: WeighedInput


@dataclass(frozen=True)
class Survey:
    """N spectra to score among each other.

    Parameters
    ----------
    collection : Collection
    groups : (N,) array of str
        What is calibrated together.
    scales : mapping of Arm to float
        True noise of a bin over the stated one.
    companions : mapping of str to Collection
        Spectra of the same survey that are scored among the N, which they do not belong to.
    planted : mapping of str to WeighedInput
        The N spectra with something planted, noise as stated.
    """

    collection: Collection
    groups: NDArray[np.str_]
    scales: Mapping[Arm, float]
    companions: Mapping[str, Collection] = field(default_factory=dict)
    planted: Mapping[str, WeighedInput] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One way to get a model, on N spectra of a survey.

    Parameters
    ----------
    measured : Measured
        Of the N spectra.
    scores : EmpiricalScores
        Each among the others.
    planted : mapping of str to EmpiricalScores
        The same spectra with something planted, among the others as they are.
    """

    measured: Measured
    scores: EmpiricalScores
    planted: Mapping[str, EmpiricalScores]


@dataclass(frozen=True)
class Scored:
    """Everything said of the N spectra of a survey.

    Parameters
    ----------
    survey : Survey
    choices : mapping of str to Choice
    companions : mapping of str to EmpiricalScores
        By the choice that is taken.
    simulated : CalibratedScores
        By the calibration of the simulated survey: how far the survey has drifted from it.
    compatible : (N,) float64
        score_mse of the shipped weights.
    measurer : Measurer
        Of the choice that is taken, fitted to all N: for pictures only.
    """

    survey: Survey
    choices: Mapping[str, Choice]
    companions: Mapping[str, EmpiricalScores]
    simulated: CalibratedScores
    compatible: NDArray[np.float64]
    measurer: Measurer

    @property
    def name_taken(self) -> str:
        """Return the name of the choice that the page reports."""
        return preferred(self.choices)

    @property
    def taken(self) -> Choice:
        """Return the choice that the page reports."""
        return self.choices[self.name_taken]

    @property
    def spectra(self) -> WeighedInput:
        """Return the spectra with the noise that their pixels have."""
        return _scaled(self.survey, self.survey.collection.weighed)


def score_survey(survey: Survey, simulated: Simulated) -> Scored:
    """Score the spectra of a survey in every way there are enough of them for."""
    collection, known = survey.collection, survey.collection.known
    stated, pixels, rng = collection.weighed, collection.pixels, np.random.default_rng(0)
    spectra = _scaled(survey, stated)
    planted = {kind: plant(spectra, kind, rng)[0] for kind in PLANTED}
    planted |= {kind: _scaled(survey, some) for kind, some in survey.planted.items()}
    as_stated = [replace(some, variance=stated.variance) for some in planted.values()]
    measured = [simulated.measurer.measure(some, known, pixels) for some in (stated, *as_stated)]
    choices = {SIMULATED: _choose(measured, survey.groups, tuple(planted))}
    fold = folds(len(collection), N_FOLDS)
    for name, fit in _ways(simulated, collection).items():
        found = measure_crosswise(fit, (spectra, *planted.values()), known, fold, pixels)
        choices[name] = _choose(found, survey.groups, tuple(planted))
    measurer, companions = score_companions(survey, simulated, choices)
    drifted = simulated.calibration.score(measured[0], known.peers)
    return Scored(survey, choices, companions, drifted, compatible_scores(collection), measurer)


def score_companions(
    survey: Survey, simulated: Simulated, choices: Mapping[str, Choice]
) -> tuple[Measurer, dict[str, EmpiricalScores]]:
    """Return the measurer that is taken, fitted to all, and the companions scored among all."""
    collection, name = survey.collection, preferred(choices)
    spectra = _scaled(survey, collection.weighed)
    measurer = _ways(simulated, collection)[name](spectra, collection.known)
    calibration = EmpiricalCalibration.fit(choices[name].measured, survey.groups)
    return measurer, {
        name: calibration.score(
            measurer.measure(_scaled(survey, other.weighed), other.known, other.pixels),
            other.known.classes, np.full(len(other), -1),
        )
        for name, other in survey.companions.items()
    }  # fmt: skip


def preferred(choices: Mapping[str, Choice]) -> str:
    """Return which choice to take: of the adapted ones that which ranks plants highest."""

    def worth(name: str) -> float:
        before = choices[name].scores.oddness["all"]
        pairs = [(after.oddness["all"], before) for after in choices[name].planted.values()]
        return float(np.mean([auc(*(x[np.isfinite(x)] for x in pair)) for pair in pairs]))

    return max((name for name in _CANDIDATES if name in choices), key=worth)


def _ways(
    simulated: Simulated, collection: Collection
) -> dict[str, Callable[[WeighedInput, Known], Measurer]]:
    """Return how a measurer is fitted to spectra, by the name of the choice."""
    network = simulated.measurer.network
    found = {
        REFITTED: lambda spectra, known: fit_few_modes(simulated.measurer, spectra, known),
        TUNED: lambda spectra, known: tuned_to(spectra, network, simulated.sky),
        OWN: lambda spectra, known: trained_on(spectra, simulated.sky),
    }
    if len(collection) < LEAST_FOR_OWN or collection.floor:
        del found[OWN], found[TUNED]
    return found


def _scaled(survey: Survey, spectra: WeighedInput) -> WeighedInput:
    return scale_noise(spectra, survey.scales, COMPATIBLE_GRID)


def _choose(measured: list[Measured], groups: NDArray[np.str_], kinds: tuple[str, ...]) -> Choice:
    calibration = EmpiricalCalibration.fit(measured[0], groups)
    own = np.arange(len(groups))
    scores = [calibration.score(each, groups, own) for each in measured]
    return Choice(measured[0], scores[0], dict(zip(kinds, scores[1:], strict=True)))


def compatible_scores(collection: Collection) -> NDArray[np.float64]:
    """Return score_mse of the shipped weights, (N,)."""
    prepared = collection.compatible
    network = load_model().network
    made, _ = forward_blocks(network, prepared.normalized_flux, torch.device("cpu"))
    scores = score_residuals(prepared.normalized_flux, made, prepared.is_covered, COMPATIBLE_GRID)
    return scores.score_mse.astype(np.float64)
