"""The drifted generator makes another survey, and the shipped calibration says that it is one."""

import numpy as np
import pytest

from anomaly_explorer.engine.benchmark.sample import draw_sample, draw_sky
from anomaly_explorer.engine.calibration.health import judge
from anomaly_explorer.engine.calibration.stored import SHIPPED_CALIBRATION, StoredCalibration
from anomaly_explorer.engine.model.card import SHIPPED_MEASURER
from anomaly_explorer.engine.model.noise_scale import noise_scales
from anomaly_explorer.engine.scoring.measurer_file import load_measurer
from anomaly_explorer.engine.simulation.survey import (
    DRIFTED_VERSION,
    GENERATOR_VERSION,
    SimulatedSurvey,
)
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

N_NORMALS, N_SKY = 4_000, 300


@pytest.fixture(scope="module")
def health_of():
    """Judge the shipped calibration by normals and sky fibers of a survey of a version."""
    measurer = load_measurer(SHIPPED_MEASURER).measurer
    (calibration,) = StoredCalibration.read(SHIPPED_CALIBRATION).surveys.values()

    def judged(version):
        survey = SimulatedSurvey(20_261, version)
        normals = draw_sample(survey, N_NORMALS, 0)
        measured = measurer.measure(normals.weighed, normals.known, normals.pixels)
        scores = calibration.score(measured, normals.known.peers)
        noise = noise_scales(draw_sky(survey, N_SKY), COMPATIBLE_GRID)
        return judge(
            scores.sigma["astro"], scores.p_value["astro"], normals.known.classes, measured.snr,
            {"sky fibers": noise},
        )  # fmt: skip

    return judged


def test_a_fresh_survey_of_the_same_generator_is_healthy(health_of):
    health = health_of(GENERATOR_VERSION)
    assert health["n_judged"] > 0.95 * N_NORMALS
    assert [each for each in health["checks"] if not each["is_green"]] == []
    assert health["is_healthy"] is True


def test_the_drifted_generator_turns_every_kind_of_check_red(health_of):
    health = health_of(DRIFTED_VERSION)
    assert health["is_healthy"] is False
    red = {each["kind"] for each in health["checks"] if not each["is_green"]}
    assert red == {"rho", "false_positives", "noise_scale"}
    scales = [each["value"] for each in health["checks"] if each["kind"] == "noise_scale"]
    assert scales == pytest.approx([1.44] * 3, abs=0.05)  # noise × 1.2, as variance
    faintest = next(each for each in health["checks"] if each["kind"] == "false_positives")
    assert faintest["value"] > 0.3
    assert np.sign(next(e["value"] for e in health["checks"] if e["kind"] == "rho")) == -1
