"""Laws of chance, of strata and of rates: what permutations within strata must keep."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, norm

from anomaly_explorer.engine.insights.accuracy import measure_accuracy
from anomaly_explorer.engine.insights.chance import bootstrap_error, outliers, p_value
from anomaly_explorer.engine.insights.noise import spearman
from anomaly_explorer.engine.insights.rates import measure_rates
from anomaly_explorer.engine.insights.sky import rank_correlations
from anomaly_explorer.engine.insights.strata import Strata

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=30)


@given(st.lists(st.floats(-9, 9), max_size=50), st.floats(-9, 9))
def test_a_p_value_is_never_zero_and_falls_with_what_was_observed(drawn, observed):
    drawn = np.array(drawn)
    p = p_value(observed, drawn)
    assert 1 / (len(drawn) + 1) <= p <= 1
    assert p_value(observed + 1, drawn) <= p


@given(PROBABILITIES)
def test_outliers_are_those_of_the_step_up_rule_written_out(p):
    ordered = sorted(p)
    passed = [x for i, x in enumerate(ordered) if x <= 0.05 * (i + 1) / len(p)]
    limit = max(passed, default=-1.0)
    assert outliers(np.array(p)).tolist() == [x <= limit for x in p]


def test_outliers_work_along_the_last_axis(rng):
    p = rng.random((40, 9)) ** 4
    assert (outliers(p) == np.array([outliers(row) for row in p])).all()


def test_the_spread_of_gaussian_offsets_is_found_whatever_their_mean(rng):
    true = rng.uniform(0, 2, 200_000)
    for shift in (0.0, 0.04):
        offsets = shift + 0.02 * rng.normal(size=len(true))
        found = measure_accuracy(true, true + offsets * (1 + true))
        assert found.sigma_nmad == pytest.approx(0.02, rel=0.01)
        expected = norm.sf((0.05 - shift) / 0.02) + norm.cdf((-0.05 - shift) / 0.02)
        assert found.outliers_5 == pytest.approx(expected, abs=0.004)
    assert found.outliers_15 < 1e-3


def test_a_perfect_and_a_constant_prediction(rng):
    true = rng.uniform(0, 2, 1000)
    assert measure_accuracy(true, true).r2 == 1
    assert measure_accuracy(true, np.full(1000, true.mean())).r2 == pytest.approx(0, abs=1e-12)
    assert np.isnan(measure_accuracy(true[:0], true[:0]).sigma_nmad)


def test_the_bootstrap_knows_the_error_of_a_mean(rng):
    values = rng.normal(size=(100, 400))
    errors = [bootstrap_error(rng, np.mean, (v,), n_draws=60) for v in values]
    assert np.mean(errors) == pytest.approx(0.05, rel=0.05)
    few = bootstrap_error(rng, np.mean, (rng.normal(size=40_000),), n_most=500)
    assert few == pytest.approx(1 / 200, rel=0.3)


def test_spearman_is_that_of_the_ranks_of_equal_values_too(rng):
    from scipy.stats import spearmanr

    a, b = rng.integers(9, size=(2, 200))
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic, abs=1e-9)
    assert np.isnan(spearman(a, np.ones(200)))
    many = rng.integers(9, size=(5, 200))
    assert rank_correlations(a, many) == pytest.approx([spearman(a, each) for each in many])


def test_strata_part_classes_and_never_mix_s_n(rng):
    classes, snr = rng.integers(3, size=5000), rng.lognormal(1, 1, 5000)
    snr[::50] = np.nan
    strata = Strata.of(classes, snr)
    assert strata.codes.max() < strata.n_strata
    assert strata.counts().sum() == 5000
    spans = []
    for code in np.unique(strata.codes):
        rows = strata.codes == code
        assert len(set(classes[rows])) == 1
        known = np.isfinite(snr[rows])
        assert known.all() or not known.any()
        if known.all():
            spans.append((classes[rows][0], snr[rows].min(), snr[rows].max()))
    spans.sort()
    for (c, _, high), (d, low, _) in pairwise(spans):
        assert c != d or high <= low


@pytest.fixture
def crowd(rng):
    """3,000 objects: groups that differ in S/N, and a tier that follows S/N and nothing else."""
    snr = rng.lognormal(1, 1, 3000)
    groups = np.where(snr > 5, rng.integers(0, 4, 3000), rng.integers(0, 8, 3000))
    in_tier = rng.random(3000) < 0.5 / snr
    return groups, Strata.of(np.zeros(3000, int), snr), in_tier


def test_permutations_keep_every_stratum_and_have_the_mean_and_spread_of_shuffling(crowd, rng):
    groups, strata, in_tier = crowd
    rates = measure_rates(groups, strata, in_tier, rng, 999)
    assert (rates.drawn.sum(axis=1) == in_tier.sum()).all()
    assert rates.expected.sum() == pytest.approx(in_tier.sum())
    shuffled = np.zeros((300, 8))
    for counts in shuffled:  # the slow way: labels shuffled within each stratum
        label = in_tier.copy()
        for code in np.unique(strata.codes):
            rows = np.flatnonzero(strata.codes == code)
            label[rows] = rng.permutation(label[rows])
        counts[:] = np.bincount(groups[label], minlength=8)
    for drawn in (rates.drawn, shuffled):
        error = rates.spread / np.sqrt(len(drawn))
        assert (np.abs(drawn.mean(axis=0) - rates.expected) < 4.5 * error).all()
        assert drawn.std(axis=0) == pytest.approx(rates.spread, rel=0.2)


def test_without_matching_the_same_groups_would_look_uneven(crowd, rng):
    groups, strata, in_tier = crowd
    matched = measure_rates(groups, strata, in_tier, rng)
    plain = measure_rates(groups, Strata(np.zeros(3000, np.int32), 1), in_tier, rng)
    assert plain.dispersion()[1] < 0.01 < matched.dispersion()[1]


def test_where_nothing_is_planted_p_values_are_uniform(rng):
    chances = []
    for _ in range(60):
        strata = Strata(rng.integers(3, size=600).astype(np.int32), 3)
        rates = measure_rates(rng.integers(10, size=600), strata, rng.random(600) < 0.2, rng, 99)
        chances.append(rates.dispersion()[1])
    assert kstest(chances, "uniform").pvalue > 0.005


def test_a_rich_group_is_found_and_one_wholly_of_the_tier_is_no_trouble(rng):
    groups, strata = rng.integers(30, size=6000), Strata(rng.integers(2, size=6000), 3)
    groups[:40] = -1
    in_tier = rng.random(6000) < 0.05
    in_tier[groups == 11] |= rng.random((groups == 11).sum()) < 0.2
    strata.codes[:50] = 2
    in_tier[:50] = True
    rates = measure_rates(groups, strata, in_tier, rng)
    assert rates.largest() == (11, 0.001)
    assert np.flatnonzero(rates.outliers()[0]).tolist() == [11]
    assert rates.n_objects.sum() == 5960
    assert rates.outliers()[1] < 0.3
