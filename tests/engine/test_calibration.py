"""Calibrated statistics: uniform for what is normal, whatever the class and the noise."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import genpareto, kstest, norm, spearmanr

from anomaly_explorer.engine.scoring.calibrate import Calibration, ClassCalibration
from anomaly_explorer.engine.scoring.combine import combine, to_sigma
from anomaly_explorer.engine.scoring.tail import MIN_EXCESSES, SHAPE_LIMITS, TAIL_SHARE, Tail


def noisy_statistic(rng, n):
    """Return values that follow S/N as raw scores do, classes that differ, and S/N."""
    snr = np.exp(rng.normal(1, 1.2, n))
    classes = rng.choice(["GALAXY", "QSO", "STAR"], n)
    strength = np.select([classes == "GALAXY", classes == "QSO"], [0.4, 0.7], 1.1)
    values = np.exp(rng.gumbel(0, 0.3 + 0.1 / (1 + snr)) - strength * np.log(snr))
    return values, classes, snr


@pytest.mark.parametrize("n_known", [0, 500, 666])
def test_a_statistic_that_too_few_show_costs_a_large_class_only_that_statistic(rng, n_known):
    values, classes, snr = noisy_statistic(rng, 3000)
    few = np.flatnonzero(classes == "QSO")[:900]
    values[few[n_known:]] = np.nan
    kept = np.r_[few, np.flatnonzero(classes == "STAR")]
    found = Calibration.fit(values[kept], classes[kept], snr[kept])
    assert set(found.by_peers) == {"STAR"}
    with pytest.raises(ValueError, match="class QSO cannot be calibrated"):
        Calibration.fit(values[few[:600]], classes[few[:600]], snr[few[:600]])


@pytest.mark.parametrize("shape", [-0.05, 0.0, 0.2, 0.4])
def test_the_tail_of_a_known_distribution_is_found(shape, rng):
    law = genpareto(shape, scale=2.0)
    tail = Tail.fit(law.rvs(200_000, random_state=rng))
    far = law.isf([1e-3, 1e-4, 1e-5])
    assert tail.shape == pytest.approx(shape, abs=0.06)
    np.testing.assert_allclose(np.log(tail.survival(far)), np.log([1e-3, 1e-4, 1e-5]), rtol=0.06)


@given(
    values=st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60),
    seed=st.integers(0, 5),
)
def test_survival_never_rises_and_is_a_probability(values, seed):
    tail = Tail.fit(np.random.default_rng(seed).standard_t(3, 3000))
    survival = tail.survival(np.sort(values))
    assert (np.diff(survival) <= 1e-12).all()
    assert ((survival > 0) & (survival <= 1)).all()


def test_survival_counts_where_it_can_and_goes_on_without_a_step(rng):
    values = rng.normal(size=5000)
    tail = Tail.fit(values)
    at = np.quantile(values, [0.1, 0.5, 0.9])
    counted = [(values >= v).mean() for v in at]
    np.testing.assert_allclose(tail.survival(at), counted, atol=2e-3)
    begin = tail.knots[-1]
    steps = tail.survival(np.array([begin, begin + 1e-9]))
    np.testing.assert_allclose(steps, TAIL_SHARE, rtol=1e-4)
    assert SHAPE_LIMITS[0] <= tail.shape <= SHAPE_LIMITS[1]
    assert np.isnan(tail.survival(np.array([np.nan])))[0]


def test_no_normal_is_certain_and_the_oddest_have_an_order_beyond_a_hard_end(rng):
    tail = Tail.fit(rng.uniform(0, 1, 5000))
    assert tail.shape < 0
    beyond = tail.survival(np.array([1.05, 1.1, 1.2, 1.3]))
    assert (np.diff(beyond) < 0).all()
    assert (beyond > 0).all()
    assert tail.survival(np.array([-9.0]))[0] == 1 - 0.5 / 5000


def test_values_that_repeat_count_as_at_least_as_large(rng):
    values = np.concatenate([np.zeros(5000), rng.uniform(1, 2, 5000)])
    assert Tail.fit(values).survival(np.array([0.0, 0.5]))[0] == pytest.approx(1.0, abs=1e-4)
    assert Tail.fit(values).survival(np.array([1.0]))[0] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("values", [np.zeros(5000), np.arange(100.0), np.full(9999, np.nan)])
def test_what_has_no_tail_is_refused(values):
    with pytest.raises(ValueError, match=f"{MIN_EXCESSES}|finite"):
        Tail.fit(values)


def test_p_values_of_fresh_normals_are_uniform_and_follow_neither_class_nor_noise():
    uniform = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        calibration = Calibration.fit(*noisy_statistic(rng, 60_000))
        values, classes, snr = noisy_statistic(rng, 10_000)
        assert spearmanr(values, snr).statistic < -0.6
        p = calibration.p_values(values, classes, snr)
        uniform.append(kstest(p, "uniform").pvalue > 0.01)
        for name in np.unique(classes):
            of_class = classes == name
            assert abs(spearmanr(p[of_class], snr[of_class]).statistic) < 0.08
            assert (p[of_class] < 0.01).mean() == pytest.approx(0.01, abs=0.006)
    assert sum(uniform) >= 2


def test_a_value_is_measured_against_its_own_class(rng):
    values, classes, snr = noisy_statistic(rng, 30_000)
    calibration = Calibration.fit(values, classes, snr)
    alone = ClassCalibration.fit(values[classes == "QSO"], snr[classes == "QSO"])
    asked = np.array([1.0, 3.0]), np.array([2.0, 5.0])
    np.testing.assert_array_equal(
        calibration.p_values(asked[0], np.array(["QSO", "QSO"]), asked[1]),
        alone.p_values(*asked),
    )


def test_what_cannot_be_measured_has_no_p_value_and_no_signal_counts_as_faint(rng):
    calibration = Calibration.fit(*noisy_statistic(rng, 30_000))
    p = calibration.p_values(
        np.array([np.nan, 1.0, 1.0, 1.0]),
        np.array(["STAR", "COMET", "STAR", "STAR"]),
        np.array([1.0, 1.0, -0.2, 1e-9]),
    )
    assert np.isnan(p[:2]).all()
    assert p[2] == p[3]


def test_a_p_value_beyond_the_normals_is_marked(rng):
    calibration = Calibration.fit(*noisy_statistic(rng, 30_000))
    n = calibration.by_peers["STAR"].n_normals
    p = np.array([2.9 / n, 3.1 / n, np.nan, 0.5])
    classes = np.array(["STAR", "STAR", "STAR", "COMET"])
    assert calibration.is_extrapolated(p, classes).tolist() == [True, False, True, True]


def test_a_statistic_that_few_of_a_class_have_is_left_out(rng):
    values, classes, snr = noisy_statistic(rng, 9000)
    values[np.flatnonzero(classes == "QSO")[100:]] = np.nan
    assert sorted(Calibration.fit(values, classes, snr).by_peers) == ["GALAXY", "STAR"]


def test_a_class_that_never_has_the_statistic_is_left_out(rng):
    values, classes, snr = noisy_statistic(rng, 9000)
    values[classes == "QSO"] = np.nan
    calibration = Calibration.fit(values, classes, snr)
    assert sorted(calibration.by_peers) == ["GALAXY", "STAR"]


def test_peers_are_compared_with_when_they_are_enough(rng):
    values, classes, snr = noisy_statistic(rng, 30_000)
    peers = classes.astype("U20")
    near = (classes == "STAR") & (rng.uniform(size=len(classes)) < 0.5)
    few = np.flatnonzero(~near & (classes == "STAR"))[:700]
    peers[near], peers[few] = "STAR near", "STAR few"
    values[near] *= 3
    found = Calibration.fit(values, peers, snr)
    alone = ClassCalibration.fit(values[near], snr[near])
    together = ClassCalibration.fit(values[classes == "STAR"], snr[classes == "STAR"])
    asked = np.full(4, 2.0), np.array(["STAR near", "STAR few", "STAR new", "STAR"]), np.ones(4)
    expected = np.array(
        [each.p_values(asked[0][:1], asked[2][:1])[0] for each in (alone, together)]
    )
    np.testing.assert_array_equal(found.p_values(*asked), expected[[0, 1, 1, 1]])
    p = np.full(4, 4 / alone.n_normals)
    assert found.is_extrapolated(p, asked[1]).tolist() == [False] * 4
    assert found.is_extrapolated(p / 1.5, asked[1]).tolist() == [True, False, False, False]


def test_too_few_normals_of_a_class_are_named(rng):
    values, classes, snr = noisy_statistic(rng, 9000)
    classes[classes == "QSO"] = "STAR"
    classes[:50] = "QSO"
    with pytest.raises(ValueError, match="class QSO cannot be calibrated: 50 values"):
        Calibration.fit(values, classes, snr)


probabilities = st.floats(1e-250, 1.0)


@given(p=st.lists(probabilities, min_size=1, max_size=8), data=st.data())
@settings(max_examples=200)
def test_the_combination_is_that_of_cauchy_variables(p, data):
    weights = data.draw(st.lists(st.floats(0.1, 5), min_size=len(p), max_size=len(p)))
    found = combine(np.array(p)[:, None], np.array(weights))[0]
    order = data.draw(st.permutations(range(len(p))))
    again = combine(np.array(p)[order][:, None], np.array(weights)[order])[0]
    assert found == pytest.approx(again, rel=1e-9)
    assert min(*p, 0.99) * (1 - 1e-9) <= found <= max(p) * (1 + 1e-9)
    with mpmath.workdps(300):
        held = [mpmath.mpf(min(each, 0.99)) for each in p]
        total = sum(w * mpmath.cot(mpmath.pi * each) for w, each in zip(weights, held, strict=True))
        expected = mpmath.acot(total / sum(weights)) / mpmath.pi
    assert found == pytest.approx(float(expected % 1), rel=1e-9)


def test_what_could_not_be_measured_leaves_its_weight_to_the_others():
    p = np.array([[0.02, np.nan], [np.nan, np.nan], [0.2, np.nan]])
    found = combine(p, np.array([2.0, 9.0, 1.0]))
    assert found[0] == combine(p[[0, 2]], np.array([2.0, 1.0]))[0]
    assert np.isnan(found[1])


def test_one_sure_statistic_is_not_outvoted_and_equal_ones_agree():
    sure = combine(np.array([[1e-12], [1.0], [0.9], [0.5]]), np.ones(4))[0]
    assert sure == pytest.approx(4e-12, rel=1e-6)
    outvoted = combine(np.array([[1e-5], [1.0], [1.0], [1.0]]), np.ones(4))[0]
    assert outvoted == pytest.approx(4e-5, rel=0.01)
    assert combine(np.full((5, 1), 1e-40), np.ones(5))[0] == pytest.approx(1e-40)


@given(p=probabilities)
def test_sigmas_are_those_of_a_normal_distribution(p):
    assert to_sigma(np.array([p]))[0] == pytest.approx(norm.isf(p), rel=1e-9, abs=1e-12)
