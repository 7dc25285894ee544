"""The redshift neuron and its control, the crowding of points, and the trough of a quasar."""

import numpy as np
import pytest
from scipy.stats import kstest

from anomaly_explorer.engine.insights.chance import p_value
from anomaly_explorer.engine.insights.crowding import draw_of, neighbor_distance, offered
from anomaly_explorer.engine.insights.neuron import mutual_information, rotated, top_ratios
from anomaly_explorer.engine.insights.regression import split_targets
from anomaly_explorer.engine.insights.strata import Strata
from anomaly_explorer.engine.insights.trough import measure_trough
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.spectrum import Spectrum


def test_information_is_that_of_gaussians_and_none_of_independent_numbers(rng):
    target = rng.normal(size=40_000)
    rho = np.array([0.0, 0.5, 0.9])
    inputs = rho * target[:, None] + np.sqrt(1 - rho**2) * rng.normal(size=(40_000, 3))
    expected = -0.5 * np.log(1 - rho**2)
    assert mutual_information(inputs, target) == pytest.approx(expected, abs=0.05)
    assert mutual_information(inputs, np.exp(target)) == pytest.approx(
        mutual_information(inputs, target), abs=1e-12
    )


def test_a_rotation_keeps_every_distance(rng):
    inputs = rng.normal(size=(50, 16))
    turned = rotated(inputs, rng)
    gaps = [np.linalg.norm(v[:, None] - v, axis=-1) for v in (inputs, turned)]
    assert gaps[0] == pytest.approx(gaps[1])
    assert not np.allclose(inputs, turned)


def p_of_top(inputs, target, rng, n_rotations=39):
    found = top_ratios(mutual_information(inputs, target))[0]
    drawn = [top_ratios(mutual_information(rotated(inputs, rng), target))[0]
             for _ in range(n_rotations)]  # fmt: skip
    return p_value(found, np.array(drawn))


def test_latents_turned_by_lot_have_no_neuron_more_often_than_chance(rng):
    chances = []
    for _ in range(50):
        target = rng.normal(size=400)
        inputs = rng.normal(size=(400, 8)) * np.linspace(0.5, 3, 8)
        inputs[:, 0] += 2 * target
        chances.append(p_of_top(rotated(inputs, rng), target, rng))
    assert kstest(chances, "uniform").pvalue > 0.005


def test_a_planted_neuron_is_found(rng):
    target = rng.normal(size=2000)
    inputs = rng.normal(size=(2000, 12))
    inputs[:, 4] += 3 * target
    assert p_of_top(inputs, target, rng) == 1 / 40


def test_all_objects_of_a_target_are_on_one_side(rng):
    ids = rng.integers(300, size=3000)
    parts = split_targets(ids, rng)
    assert all(len(set(parts[ids == i])) == 1 for i in np.unique(ids))
    assert np.bincount(parts) / 3000 == pytest.approx([0.7, 0.1, 0.2], abs=0.08)


def test_the_distance_to_the_fifth_nearest_is_the_slow_one(rng):
    points = rng.normal(size=(60, 7)).astype(np.float32)
    gaps = np.linalg.norm(points[:, None] - points, axis=-1)
    assert neighbor_distance(points) == pytest.approx(np.sort(gaps, axis=1)[:, 5].mean(), rel=1e-4)
    assert neighbor_distance(points[:3]) > 0


@pytest.mark.parametrize("n_alike", [130, 400, 9_000])
def test_chosen_by_lot_are_a_draw_like_any_other_however_few_are_alike(rng, n_alike):
    """As many of 120 chosen as there are in a draw, and p-values that are even."""
    n = 10_000
    alike = np.zeros(n, int)
    alike[n_alike:] = 1
    strata = Strata(alike.astype(np.int32), 2)
    value = rng.normal(size=n)
    chances = []
    for _ in range(200):
        chosen = np.sort(np.r_[rng.choice(n_alike, 120, replace=False), n - 1])
        offers = offered(strata, chosen, rng)
        assert [n for _, n in offers] == [120, 1]
        assert np.isin(chosen, np.concatenate([places for places, _ in offers])).all()
        drawn = [value[draw_of(offers, rng)].mean() for _ in range(39)]
        chances.append(p_value(value[chosen].mean(), np.array(drawn)))
    assert kstest(chances, "uniform").pvalue > 0.005


@pytest.fixture(scope="module")
def quasars():
    """Spectra of quasars of a simulated survey with their true redshifts: far, and near."""
    survey = SimulatedSurvey(11)
    ids = survey.target_ids(40_000)
    types = survey.injected_types(ids)
    far = ids[types == "high_z"][:12]
    rest = ids[types == ""]
    batch, truth = survey.spectra_with_truth(rest[:1800])
    is_near = (truth["class"] == "QSO") & (truth["redshift"] > 2.6) & (truth["redshift"] < 3.6)
    near = np.flatnonzero(is_near & (batch.columns["redshift_warning"] == 0))
    distant, distant_truth = survey.spectra_with_truth(far)
    return (
        [(distant.one(i), z) for i, z in enumerate(distant_truth["redshift"])],
        [(batch.one(int(i)), truth["redshift"][i]) for i in near],
    )


def test_the_trough_of_rendered_distant_quasars_is_measured(quasars):
    far, near = quasars
    assert len(far) >= 8
    assert len(near) >= 5
    found = [measure_trough(spectrum, z) for spectrum, z in far]
    measured = [t for t in found if not t.reason]
    assert len(measured) >= len(far) / 2
    assert np.median([t.ratio for t in measured]) == pytest.approx(0, abs=0.1)
    assert "no trough" not in {t.verdict for t in measured}
    assert {t.verdict for t in measured} >= {"trough"}
    controls = [t for t in (measure_trough(*each) for each in near) if not t.reason]
    assert "trough" not in {t.verdict for t in controls}
    assert np.median([t.ratio for t in controls]) > 0.4


def test_the_error_of_a_trough_is_that_of_the_pixels(quasars, rng):
    spectrum, _ = quasars[0][0]
    flux, ivar = ({arm: np.full_like(v, c) for arm, v in spectrum.flux.items()} for c in (1, 4))
    mask = {arm: np.zeros_like(v) for arm, v in spectrum.mask.items()}
    drawn = []
    for _ in range(200):
        noisy = {arm: v + 0.5 * rng.normal(size=v.shape) for arm, v in flux.items()}
        drawn.append(measure_trough(Spectrum(noisy, ivar, mask), 3.0))
    assert np.mean([t.ratio for t in drawn]) == pytest.approx(1, abs=0.01)
    assert np.std([t.ratio for t in drawn]) == pytest.approx(drawn[0].error, rel=0.2)


def test_what_cannot_be_measured_says_why(quasars):
    spectrum, _ = quasars[0][0]
    assert "redward" in measure_trough(spectrum, 7.0).reason
    assert measure_trough(spectrum, 20.0).verdict == "not measured"
    dark = Spectrum(
        {arm: np.zeros_like(v) for arm, v in spectrum.flux.items()}, spectrum.ivar, spectrum.mask
    )
    assert "noise" in measure_trough(dark, 6.0).reason
