"""One trial of the calibrated score: trained, calibrated and judged on surveys of three seeds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan
from anomaly_explorer.engine.scoring.calibrate import Calibration
from anomaly_explorer.engine.scoring.calibrated import SETS, ScoreCalibration
from anomaly_explorer.engine.scoring.figures import figures
from anomaly_explorer.engine.scoring.learn import learn
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.simulation.population import INJECTED_TYPES, UNKNOWN_BUMP
from anomaly_explorer.engine.simulation.survey import DRIFTED_VERSION, SimulatedSurvey

from .baselines import fit_baselines
from .sample import Sample, draw_sample, draw_sky

# The sixteen types that the bars are stated for; those that came later are reported beside.
HEADLINE = INJECTED_TYPES[1 : UNKNOWN_BUMP + 1]

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrialSize:
    """How much of everything.

    Parameters
    ----------
    n_training, n_unlabelled : int
        Normal spectra to train on, and anomalies of each type that nobody told the network of.
    n_modes, n_calibration, n_test : int
        Normals the error modes are fitted to, that the score is calibrated with, and tested on.
    n_each, n_sky, epochs : int
        Anomalies of each type to find, sky fibers, rounds of training.
    """

    n_training: int = 30_000
    n_unlabelled: int = 13
    n_modes: int = 14_000
    n_calibration: int = 40_000
    n_test: int = 50_000
    n_each: int = 200
    n_sky: int = 3_000
    epochs: int = 40


SMALL = TrialSize(12_000, 5, 6_000, 15_000, 12_000, 100, 1_000, 24)


def run_trial(seed: int, size: TrialSize, compatible: BigAE, say: Say) -> dict[str, Any]:
    """Return the figures of every score, by name, raw and calibrated, and the seconds it took.

    Parameters
    ----------
    seed : int
        Surveys 3 × seed, + 1 and + 2 are trained on, calibrated with and judged by.
    size : TrialSize
    compatible : BigAE
        The published network, trained, in eval mode.
    say : callable
        Told what is going on.
    """
    say(f"seed {seed}: simulating")
    surveys = [SimulatedSurvey(3 * seed + i) for i in range(3)]
    training = draw_sample(surveys[0], size.n_training, size.n_unlabelled)
    sky = draw_sky(surveys[0], size.n_sky)
    normals = draw_sample(surveys[1], size.n_modes + size.n_calibration, 0)
    test = draw_sample(surveys[2], size.n_test, size.n_each)
    drifted = draw_sample(SimulatedSurvey(3 * seed + 2, DRIFTED_VERSION), size.n_test // 5, 0)
    say(f"seed {seed}: training on {len(training):,} spectra")
    start = time.monotonic()
    plan = DenoiserPlan(epochs=size.epochs, seed=seed)
    measurer, _ = learn(training.weighed, training.known, sky, plan)
    seconds = time.monotonic() - start
    for_modes = np.arange(size.n_modes)
    calibrating = normals.take(np.arange(size.n_modes, len(normals)))
    say(f"seed {seed}: measuring")
    measurer = measurer.with_modes(normals.weighed.take(for_modes), normals.known.take(for_modes))
    start = time.monotonic()
    measured = measurer.measure(calibrating.weighed, calibrating.known, calibrating.profile)
    rate = len(calibrating) / (time.monotonic() - start)
    calibration = ScoreCalibration.fit(measured, calibrating.known.peers)
    scores = _judge(measurer, calibration, test)
    say(f"seed {seed}: fitting baselines")
    for name, score in fit_baselines(training, compatible, seed).items():
        scores |= _judge_baseline(name, score, calibrating, test)
    return {
        "seed": seed, "size": vars(size), "scores": scores,
        "drifted": _judge(measurer, calibration, drifted)["sigma_astro"],
        "training_s": seconds, "measured_per_s": rate,
    }  # fmt: skip


def _judge(measurer: Measurer, calibration: ScoreCalibration, sample: Sample) -> dict[str, Any]:
    measured = measurer.measure(sample.weighed, sample.known, sample.profile)
    found = calibration.score(measured, sample.known.peers)
    return {
        f"sigma_{name}": figures(found.sigma[name], sample.labels, found.p_value[name], HEADLINE)
        for name in SETS
    }


def _judge_baseline(
    name: str, score: Callable[[Sample], NDArray], normals: Sample, test: Sample
) -> dict[str, Any]:
    """Return the figures of a baseline as it is, and as our calibration makes it."""
    raw = score(test)
    calibration = Calibration.fit(score(normals), normals.known.peers, normals.labels.snr)
    p = calibration.p_values(raw, test.known.peers, test.labels.snr)
    return {
        name: figures(raw, test.labels, headline=HEADLINE),
        f"{name}, calibrated": figures(-np.log(p), test.labels, p, HEADLINE),
    }
