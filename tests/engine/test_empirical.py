"""The score of a survey of few spectra: ranks that promise no more than they can."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.calibrated import SETS
from anomaly_explorer.engine.scoring.empirical import EmpiricalCalibration, Reference
from anomaly_explorer.engine.scoring.measurer import Measured
from anomaly_explorer.engine.scoring.statistics import NAMES

N = 60


def make_measured(seed, n=N):
    rng = np.random.default_rng(seed)
    snr = np.exp(rng.normal(1, 1, n))
    values = {name: np.exp(rng.normal(size=n)) * snr ** rng.uniform(-0.5, 0.5) for name in NAMES}
    return Measured(values, np.zeros((n, 8), int), snr, np.zeros((n, 128), np.float32))


def score(measured, groups, **rows):
    own = rows.get("own", np.arange(len(groups)))
    return EmpiricalCalibration.fit(measured, groups).score(measured, groups, own)


@given(st.integers(0, 2**32 - 1), st.integers(2, 80))
def test_left_out_ranks_are_every_rank_once(seed, n):
    rng = np.random.default_rng(seed)
    values, snr = np.exp(rng.normal(size=n)), np.exp(rng.normal(size=n))
    reference = Reference.fit(np.arange(n), values, snr)
    p = reference.p_values(np.arange(n), reference.standardize(values, snr))
    off = np.sort(p) - np.arange(1, n + 1) / n
    assert off.min() > -1e-9
    # The two spectra that the slope goes through are as far off as each other: they share a rank.
    assert (off > 1e-9).sum() <= 1


@given(st.integers(0, 2**32 - 1))
def test_ranks_are_those_of_counting_one_by_one(seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 6, 20).astype(float)  # ties
    reference = Reference.fit(np.arange(20), values, np.ones(20))
    left = reference.standardize(values, np.ones(20))
    slow = [(1 + sum(values[j] >= values[i] for j in range(20) if j != i)) / 20 for i in range(20)]
    assert np.allclose(reference.p_values(np.arange(20), left), slow)
    stranger = (1 + sum(values >= 3)) / 21
    at = reference.standardize(np.array([3.0]), np.ones(1))
    assert reference.p_values(np.array([-1]), at)[0] == pytest.approx(stranger)


def test_a_trend_with_snr_changes_no_rank():
    rng = np.random.default_rng(3)
    values, snr = np.exp(rng.normal(size=N)), np.exp(rng.normal(size=N))
    own, found = np.arange(N), []
    within = np.exp(np.clip(np.log(snr), *np.quantile(np.log(snr), (0.05, 0.95))))
    for power in (0.0, 1.5):
        steep = values * within**power
        reference = Reference.fit(own, steep, snr)
        found.append(reference.p_values(own, reference.standardize(steep, snr)))
    assert np.array_equal(*found)


def test_a_trend_is_not_followed_to_where_nobody_is():
    rng = np.random.default_rng(4)
    snr = rng.uniform(49, 50, N)
    values = snr**-40.0
    snr[0], values[0] = 3.0, 50.0**-40 * 10
    reference = Reference.fit(np.arange(N), values, snr)
    p = reference.p_values(np.arange(N), reference.standardize(values, snr))
    assert p[0] == pytest.approx(1 / N)  # ten times what the lowest of the others has


@pytest.mark.parametrize("name", SETS)
def test_no_p_value_is_below_one_in_n_and_a_stranger_far_out_reaches_it(name):
    measured, groups = make_measured(1), np.full(N, "STAR")
    found = score(measured, groups)
    assert np.nanmin(found.p_value[name]) >= 1 / N - 1e-12
    far = dataclasses.replace(
        measured, values={key: value * 1e6 for key, value in measured.values.items()}
    )
    calibration = EmpiricalCalibration.fit(measured, groups)
    strangers = calibration.score(far, groups, np.full(N, -1))
    assert np.nanmin(strangers.p_value[name]) == pytest.approx(1 / (N + 1))
    assert np.median(strangers.p_value[name]) < 3 / (N + 1)


def test_groups_never_mix():
    measured = make_measured(2)
    groups = np.where(np.arange(N) < 30, "STAR", "QSO")
    before = score(measured, groups).p_value["all"]
    changed = {name: np.where(groups == "QSO", value**3, value)
               for name, value in measured.values.items()}  # fmt: skip
    after = score(dataclasses.replace(measured, values=changed), groups).p_value["all"]
    assert np.array_equal(before[groups == "STAR"], after[groups == "STAR"])


def test_what_cannot_be_measured_is_no_rank_and_no_group_is_no_score():
    measured, groups = make_measured(4), np.full(N, "STAR")
    measured.values["fringe"][7] = np.nan
    groups[3] = ""
    found = score(measured, groups)
    assert np.isnan(found.p_values["fringe"][7])
    assert np.isfinite(found.p_value["instrument"][7])
    assert np.isnan(found.p_value["astro"][3])
    assert found.winner("astro")[3] == ""


def test_of_equal_ranks_the_farthest_out_wins():
    measured, groups = make_measured(5), np.full(N, "STAR")
    measured.values["misfit"][0] *= 1e2
    measured.values["latent"][0] *= 1e9
    assert score(measured, groups).winner("astro")[0] == "latent"


@given(st.integers(0, 2**32 - 1))
def test_the_most_ordinary_hide_an_odd_rank_no_more_than_any_ordinary_do(seed):
    groups, found = np.full(N, "STAR"), []
    for quantile in (0.0, 0.4):
        measured = dataclasses.replace(make_measured(seed), snr=np.ones(N))
        for name, values in measured.values.items():
            ordinary = np.quantile(values[1:], quantile, method="nearest") * (1 - 1e-9)
            values[0] = 1e6 if name == "line" else ordinary
        found.append(score(measured, groups).oddness["astro"][0])
    assert found[0] == pytest.approx(found[1])
