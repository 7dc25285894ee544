"""One trial of the calibrated score: trained, calibrated and judged on spectra of known truth."""

import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan
from anomaly_explorer.engine.scoring.calibrate import Calibration
from anomaly_explorer.engine.scoring.calibrated import SETS, ScoreCalibration
from anomaly_explorer.engine.scoring.figures import figures
from anomaly_explorer.engine.scoring.learn import learn, with_enough_modes
from anomaly_explorer.engine.scoring.measurer import Measured, Measurer
from anomaly_explorer.engine.simulation.population import INJECTED_TYPES, UNKNOWN_BUMP

from .baselines import fit_baselines
from .material import Material, Say
from .redshift import recover_redshifts
from .sample import Sample

# The sixteen types that the bars are stated for; those that came later are reported beside.
HEADLINE = INJECTED_TYPES[1 : UNKNOWN_BUMP + 1]


def run_trial(
    seed: int, material: Material, epochs: int, compatible: BigAE, say: Say
) -> dict[str, Any]:
    """Return the figures of every score, by name, raw and calibrated, and the seconds it took.

    Parameters
    ----------
    seed : int
        Of the training and the baselines.
    material : Material
    epochs : int
        Rounds of training.
    compatible : BigAE
        The published network, trained, in eval mode.
    say : callable
        Told what is going on.
    """
    training, normals, test = material.training, material.calibrating, material.test
    say(f"seed {seed}: training on {len(training):,} spectra")
    start = time.monotonic()
    plan = DenoiserPlan(epochs=epochs, seed=seed)
    measurer, _ = learn(training.weighed, training.known, material.sky, plan)
    seconds = time.monotonic() - start
    say(f"seed {seed}: measuring")
    modes = material.for_modes
    measurer, _ = with_enough_modes(measurer, modes.weighed, modes.known)
    start = time.monotonic()
    measured = _measure(measurer, normals)
    rate = len(normals) / (time.monotonic() - start)
    calibration = ScoreCalibration.fit(measured, normals.known.peers)
    judged = _measure(measurer, test)
    headline = headline_of(test.labels.types)
    scores = _figures(calibration, judged, test, headline)
    say(f"seed {seed}: predicting redshifts")
    more = material.for_redshift
    learned = [(each, measurer.encode(each.weighed)) for each in (modes, more)]
    learned.append((normals, measured.latents))
    redshift = recover_redshifts(learned, (test, judged.latents), seed)
    say(f"seed {seed}: fitting baselines")
    for name, score in fit_baselines(training, compatible, seed).items():
        scores |= _judge_baseline(name, score, normals, test)
    drifted = material.drifted
    return {
        "seed": seed, "size": material.size | {"epochs": epochs}, "scores": scores,
        "headline": list(headline), "redshift": redshift,
        "drifted": None if drifted is None else _figures(
            calibration, _measure(measurer, drifted), drifted, ()
        )["sigma_astro"],
        "training_s": seconds, "measured_per_s": rate,
    }  # fmt: skip


def headline_of(types: Collection[str]) -> tuple[str, ...]:
    """Return the types that means are taken over: the sixteen, or all where one is missing."""
    return HEADLINE if set(HEADLINE) <= set(types) else tuple(types)


def _measure(measurer: Measurer, sample: Sample) -> Measured:
    return measurer.measure(sample.weighed, sample.known, sample.pixels)


def _figures(
    calibration: ScoreCalibration, measured: Measured, sample: Sample, headline: Collection[str]
) -> dict[str, Any]:
    found = calibration.score(measured, sample.known.peers)
    return {
        f"sigma_{name}": figures(found.sigma[name], sample.labels, found.p_value[name], headline)
        for name in SETS
    }


def _judge_baseline(
    name: str, score: Callable[[Sample], NDArray], normals: Sample, test: Sample
) -> dict[str, Any]:
    """Return the figures of a baseline as it is, and as our calibration makes it."""
    raw, headline = score(test), headline_of(test.labels.types)
    calibration = Calibration.fit(score(normals), normals.known.peers, normals.labels.snr)
    p = calibration.p_values(raw, test.known.peers, test.labels.snr)
    return {
        name: figures(raw, test.labels, headline=headline),
        f"{name}, calibrated": figures(-np.log(p), test.labels, p, headline),
    }
