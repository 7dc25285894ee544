"""One trial of the calibrated score: trained, calibrated and judged on spectra of known truth."""

import time
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
from .shipped import Shipped

# The sixteen types that the bars are stated for; those that came later are reported beside.
HEADLINE = INJECTED_TYPES[1 : UNKNOWN_BUMP + 1]
# The shipped measurer with the shipped calibration.
AS_SHIPPED = "sigma_astro, as shipped"


def run_trial(
    seed: int, material: Material, epochs: int, shipped: Shipped, say: Say
) -> dict[str, Any]:
    """Return the figures of every score, by name, raw and calibrated, and the seconds it took.

    Parameters
    ----------
    seed : int
        Of the training and the baselines.
    material : Material
    epochs : int
        Rounds of training.
    shipped : Shipped
        The compatible network, and a noise-aware one to judge beside that which is trained.
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
    measured, rate = _timed(lambda: _measure(measurer, normals), len(normals))
    calibration = ScoreCalibration.fit(measured, normals.known.peers)
    judged = _measure(measurer, test)
    headline = headline_of(test.labels.types)
    scores = _figures(calibration, judged, test, headline)
    drifted = {} if material.drifted is None else _figures(
        calibration, _measure(measurer, material.drifted), material.drifted, ()
    )  # fmt: skip
    if material.drifted is not None:  # spectra of the generator that it was calibrated for
        say(f"seed {seed}: judging what is shipped")
        own = shipped.scorer.measurer.measurer
        found = _figures(shipped.calibration, _measure(own, test), test, headline)
        scores[AS_SHIPPED] = found["sigma_astro"]
    say(f"seed {seed}: predicting redshifts")
    learned = [(each, measurer.encode(each.weighed)) for each in (modes, material.for_redshift)]
    learned.append((normals, measured.latents))
    redshift = recover_redshifts(learned, (test, judged.latents), seed)
    say(f"seed {seed}: fitting baselines")
    baselines = fit_baselines(training, shipped.scorer.model.network, seed)
    for name, score in baselines.items():
        found, beyond = _judge_baseline(name, score, material)
        scores, drifted = scores | found, drifted | beyond
    _, compatible_rate = _timed(lambda: baselines["compatible score"](test), len(test))
    return {
        "seed": seed, "size": material.size | {"epochs": epochs}, "scores": scores,
        "headline": list(headline), "redshift": redshift, "drifted": drifted or None,
        "changes": None if material.altered is None else material.altered.changes(
            lambda sample: _sigma_astro(calibration, measurer, sample)
        ),
        "training_s": seconds, "measured_per_s": rate, "compatible_per_s": compatible_rate,
        "weights_mb": shipped.megabytes,
    }  # fmt: skip


def _timed(run: Callable[[], Any], n_spectra: int) -> tuple[Any, float]:
    """Return what a function returns, and how many spectra a second that is."""
    start = time.monotonic()
    found = run()
    return found, n_spectra / (time.monotonic() - start)


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


def _sigma_astro(
    calibration: ScoreCalibration, measurer: Measurer, sample: Sample
) -> NDArray[np.float64]:
    return calibration.score(_measure(measurer, sample), sample.known.peers).sigma["astro"]


def _judge_baseline(
    name: str, score: Callable[[Sample], NDArray], material: Material
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of a baseline as it is, and as our calibration makes it.

    The second are those of the calibrated one on the drifted survey, where there is such a survey.
    """
    normals, test, drifted = material.calibrating, material.test, material.drifted
    raw, headline, calibrated = score(test), headline_of(test.labels.types), f"{name}, calibrated"
    calibration = Calibration.fit(score(normals), normals.known.peers, normals.labels.snr)

    def judge(sample: Sample, values: NDArray, types: Collection[str]) -> dict[str, Any]:
        p = calibration.p_values(values, sample.known.peers, sample.labels.snr)
        return {calibrated: figures(-np.log(p), sample.labels, p, types)}

    found = {name: figures(raw, test.labels, headline=headline)} | judge(test, raw, headline)
    return found, {} if drifted is None else judge(drifted, score(drifted), ())
