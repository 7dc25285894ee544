"""Figures of a score against brute force, and samples that hold what was asked for."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from anomaly_explorer.engine.benchmark.sample import draw_sample, draw_sky
from anomaly_explorer.engine.scoring.figures import Labels, figures
from anomaly_explorer.engine.simulation.population import INJECTED_TYPES
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey


@pytest.fixture
def labels(rng):
    injected = np.array([""] * 5000 + ["bal"] * 80 + ["cosmic"] * 40)
    classes = rng.choice(["GALAXY", "QSO"], len(injected))
    strength = np.where(injected == "", 0, rng.uniform(1, 100, len(injected)))
    return Labels(injected, classes, np.exp(rng.normal(1, 1, len(injected))), strength)


def test_figures_are_those_of_brute_force(labels, rng):
    score = rng.normal(size=len(labels.snr))
    score[labels.injected == "bal"] += 3
    score[labels.injected == "cosmic"] += 1
    found = figures(score, labels)
    normal = np.sort(score[:5000])
    for name, odd in (("bal", score[5000:5080]), ("cosmic", score[5080:])):
        expected = roc_auc_score(np.r_[np.zeros(5000), np.ones(len(odd))], np.r_[score[:5000], odd])
        assert found["auc_by_type"][name] == pytest.approx(expected)
        for share, figure in ((50, "recall_1pct_by_type"), (5, "recall_01pct_by_type")):
            # A score finds what is above so many of the normals.
            least, most = (odd > normal[-share]).mean(), (odd > normal[-share - 1]).mean()
            assert least <= found[figure][name] <= most
    assert found["recall_1pct"] == pytest.approx(np.mean([*found["recall_1pct_by_type"].values()]))
    assert found["n_normals"] == 5000
    odd, limit = labels.injected != "", np.quantile(normal, 0.99)
    for name in ("GALAXY", "QSO"):
        here = labels.classes == name
        assert found["auc_by_class"][name] == pytest.approx(roc_auc_score(odd[here], score[here]))
        assert found["recall_1pct_by_class"][name] == (score[odd & here] > limit).mean()
    between = odd & (labels.strength >= 20) & (labels.strength < 40)
    assert found["recall_1pct_by_strength"][3] == (score[between] > limit).mean()
    assert found["recall_1pct_by_strength"][-1] is None
    assert np.mean(found["fpr_by_snr_decile"]) == pytest.approx(0.01, abs=1e-9)
    assert abs(found["rho"]) < 0.05
    nobody_says = replace(labels, strength=np.full(len(labels.strength), np.nan))
    assert set(figures(score, nobody_says)["recall_1pct_by_strength"]) == {None}


def test_a_class_without_an_anomaly_has_no_recall(labels):
    classes = np.where(labels.injected == "", labels.classes, "QSO")
    found = figures(labels.snr, replace(labels, classes=classes))
    for figure in ("auc", "recall_1pct", "recall_01pct"):
        assert found[f"{figure}_by_class"]["GALAXY"] is None
        assert found[f"{figure}_by_class"]["QSO"] >= 0


def test_a_noise_meter_is_called_one(labels):
    found = figures(-labels.snr, labels)
    assert found["rho"] == pytest.approx(-1)
    assert found["rho_by_class"] == {"GALAXY": pytest.approx(-1), "QSO": pytest.approx(-1)}
    assert found["fpr_by_snr_decile"] == [pytest.approx(0.1)] + [0] * 9


def test_p_values_are_judged_by_what_they_claim(labels, rng):
    p = rng.random(len(labels.snr))
    honest = figures(-p, labels, p)
    assert honest["fpr_1pct"] == pytest.approx(0.01, abs=0.006)
    assert honest["ks_p"] > 1e-3
    boastful = figures(-p, labels, p**2)
    assert boastful["fpr_1pct"] == pytest.approx(0.1, abs=0.02)
    assert boastful["ks_p"] < 1e-6


def test_what_has_no_score_finds_nothing_and_alarms_nobody(labels, rng):
    score = rng.normal(size=len(labels.snr))
    score[labels.injected == "bal"] = np.nan
    score[:100] = np.nan
    found = figures(score, labels, np.where(np.isnan(score), np.nan, 0.5))
    assert found["recall_1pct_by_type"]["bal"] == 0
    assert found["fpr_1pct"] == 0
    assert np.isfinite(found["rho"])


def test_a_sample_holds_what_was_asked_for_and_no_gated_object():
    survey = SimulatedSurvey(11)
    sample = draw_sample(survey, 300, 3)
    names, counts = np.unique(sample.labels.injected, return_counts=True)
    assert set(names) == set(INJECTED_TYPES)
    assert dict(zip(names, counts, strict=True)) == {
        name: 300 if name == "" else 3 for name in INJECTED_TYPES
    }
    assert (sample.labels.strength > 0).tolist() == (sample.labels.injected != "").tolist()
    assert len(sample.weighed) == len(sample.compatible) == len(sample.known) == len(sample)
    assert (sample.labels.snr > 0).all()
    again = draw_sample(survey, 300, 3)
    np.testing.assert_array_equal(again.weighed.flux, sample.weighed.flux)


def test_sky_fibers_are_sky():
    sky = draw_sky(SimulatedSurvey(11), 40)
    assert len(sky) == 40
    pulls = np.where(sky.is_known, sky.flux / np.sqrt(sky.variance), 0)
    assert pulls.std() == pytest.approx(1, abs=0.2)
