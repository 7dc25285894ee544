"""What makes a calibration healthy, and what makes it red."""

import numpy as np
import pytest

from anomaly_explorer.dashboard.views.trust import draw_health
from anomaly_explorer.engine.calibration.check import describe
from anomaly_explorer.engine.calibration.health import FPR_LIMITS, judge


@pytest.mark.parametrize(("share", "is_green"), [(0.0, False), (0.01, True), (0.05, False)])
def test_false_alarms_are_held_against_their_limits(share, is_green, rng):
    n = 20_000
    p = np.where(rng.random(n) < share, 0.001, 0.5)
    health = judge(rng.normal(size=n), p, np.full(n, "QSO"), rng.lognormal(size=n), {})
    checks = [check for check in health["checks"] if check["kind"] == "false_positives"]
    assert [check["is_green"] for check in checks] == [is_green] * 10
    assert {(check["low"], check["high"]) for check in checks} == {FPR_LIMITS}
    assert health["noise_from"] is None


def test_a_score_that_follows_the_noise_is_red_in_its_class(rng):
    n = 4000
    snr, classes = rng.lognormal(size=n), np.where(np.arange(n) % 2, "QSO", "STAR")
    sigma = rng.normal(size=n) + 2 * np.log(snr) * (classes == "QSO")
    health = judge(sigma, np.full(n, 0.5), classes, snr, {"targets": np.ones((n, 3), "f4")})
    verdicts = {c["what"]: c["is_green"] for c in health["checks"] if c["kind"] == "rho"}
    assert verdicts == {"all": False, "QSO": False, "STAR": True}
    assert health["noise_from"] == "targets"
    assert not health["is_healthy"]
    nothing = judge(np.full(n, np.nan), np.full(n, np.nan), classes, snr, {})
    assert nothing["is_healthy"] is None


def test_noise_of_targets_is_stated_and_not_judged(rng):
    n = 4000
    normals = (rng.normal(size=n), rng.random(n), np.full(n, "QSO"), rng.lognormal(size=n))
    bright = np.full((n, 3), 1.6, "f4")
    health = judge(*normals, {"sky fibers": bright[:9], "targets": bright})
    assert health["is_healthy"]
    stated = [check for check in health["checks"] if check["kind"] == "noise_scale"]
    assert [(check["value"], check["low"]) for check in stated] == [(1.6, None)] * 3
    assert describe(stated[0]).endswith("(variance), b arm: 1.6")
    assert not judge(*normals, {"sky fibers": bright, "targets": bright})["is_healthy"]
    shown = draw_health(_said(health))
    assert "not judged: bins of a bright target" in shown
    assert "✓ Healthy" in shown


@pytest.mark.parametrize(("source", "cure"), [(None, "train a measurer"), ("a1", "calibrate on")])
def test_a_red_survey_says_what_to_do(rng, source, cure):
    red = judge(rng.normal(size=99), np.full(99, 1e-3), np.full(99, "QSO"), rng.random(99), {})
    assert f"✕ Not healthy: do not trust these sigmas; {cure}" in draw_health(_said(red, source))


def _said(health, source=None):
    survey = {"population": "science targets", "n_normals": 9, "n_fitted": 9, "classes": {},
              "health": health, "least_fitted": 9}  # fmt: skip
    return {"calibration_id": "a5", "n_fitted": 9, "n_scored": 9, "from": source,
            "surveys": {"DESI": survey}}  # fmt: skip


@pytest.mark.parametrize(("scale", "is_healthy"), [(1, None), (2, False)])
def test_noise_alone_cannot_make_sigmas_healthy(rng, scale, is_healthy):
    few = rng.normal(size=12)
    noise = {"sky fibers": np.full((60, 3), scale, "f4")}
    health = judge(few, np.full(12, 0.5), np.full(12, "QSO"), np.ones(12), noise)
    assert health["is_healthy"] is is_healthy
    assert health["checks"]
