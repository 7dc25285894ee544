"""Scores by hand, by law, and on the published rows."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm

GRID = COMPATIBLE_GRID
ALL = np.ones((1, GRID.n_bins), dtype=bool)


def score(residual: np.ndarray, covered: np.ndarray | None = None):
    residual = np.atleast_2d(residual).astype(np.float32)
    covered = np.ones(residual.shape, bool) if covered is None else covered
    return score_residuals(residual, np.zeros_like(residual), covered, GRID)


def test_a_vector_worked_by_hand():
    residual = np.zeros(496)
    residual[:171] = 1.0  # B: mean |r| 1
    residual[171:316] = -2.0  # R: mean |r| 2
    residual[316] = 18.0  # Z: mean |r| 18/180 = 0.1
    made = score(residual)
    assert made.score_mse[0] == pytest.approx((171 * 1 + 145 * 4 + 324) / 496, rel=1e-6)
    np.testing.assert_allclose(made.arm_residuals[0], [1, 2, 0.1], rtol=1e-6)
    assert made.score_sum[0] == pytest.approx(3.1, rel=1e-6)
    assert made.worst_arm[0] == "R"
    assert made.peak_wavelength[0] == pytest.approx(7520 + 6)
    assert made.published_peak_wavelength[0] == pytest.approx(7520 + 6.4)


def test_ties_go_to_the_earlier_arm():
    assert score(np.ones(496)).worst_arm[0] == "B"
    residual = np.ones(496)
    residual[GRID.bins_of(Arm.BLUE)] = 0.5
    assert score(residual).worst_arm[0] == "R"


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 20))
def test_laws_of_the_score(seed, factor):
    residual = np.random.default_rng(seed).normal(size=496)
    made, scaled = score(residual), score(factor * residual)
    share = np.array([GRID.n_bins_of(arm) for arm in ARMS]) / GRID.n_bins
    assert made.score_mse[0] >= (share * made.arm_residuals[0] ** 2).sum() * (1 - 1e-6)
    assert scaled.score_mse[0] == pytest.approx(factor**2 * made.score_mse[0], rel=1e-4)
    assert scaled.score_sum[0] == pytest.approx(factor * made.score_sum[0], rel=1e-4)
    assert scaled.worst_arm[0] == made.worst_arm[0]
    assert made.residual_kurtosis[0] == pytest.approx(score(-residual).residual_kurtosis[0])


def test_uncovered_bins_enter_no_mean():
    covered = ALL.copy()
    covered[0, 300:] = False
    residual = np.ones(496)
    residual[300:] = 1000
    made = score(residual, covered)
    assert made.score_mse[0] == pytest.approx(1)
    assert np.isnan(made.arm_residuals[0, 2])
    assert made.score_sum[0] == pytest.approx(2)
    nothing = score(residual, np.zeros_like(covered))
    assert np.isnan(nothing.score_mse[0])
    assert nothing.worst_arm[0] == ""


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.3, 0.97, 1.0]))
def test_equals_the_definitions_written_in_numpy(seed, uncovered):
    rng = np.random.default_rng(seed)
    flux, model = rng.normal(size=(2, 4, 496)).astype(np.float32)
    flux[0] = model[0]
    covered = rng.random((4, 496)) >= uncovered
    made = score_residuals(flux, model, covered, GRID)
    for row in range(4):
        used = covered[row]
        residual = (flux[row].astype(np.float64) - model[row])[used]
        arms = [
            np.abs((flux[row, GRID.bins_of(arm)].astype(np.float64)
                    - model[row, GRID.bins_of(arm)])[used[GRID.bins_of(arm)]])
            for arm in ARMS
        ]  # fmt: skip
        means = [r.mean() if len(r) else np.nan for r in arms]
        np.testing.assert_allclose(made.arm_residuals[row], means, rtol=1e-6)
        if not used.any():
            assert np.isnan(made.score_mse[row])
            assert np.isnan(made.residual_kurtosis[row])
            assert np.isnan(made.peak_wavelength[row])
            continue
        assert made.score_mse[row] == pytest.approx(np.square(residual).mean(), rel=1e-6)
        assert made.score_sum[row] == pytest.approx(np.nansum(means), rel=1e-6)
        centered = residual - residual.mean()
        second = np.square(centered).mean()
        kurtosis = np.mean(centered**4) / second**2 - 3 if second > 0 else np.nan
        assert made.residual_kurtosis[row] == pytest.approx(kurtosis, rel=1e-5, nan_ok=True)
        whole = np.where(used, np.abs(flux[row].astype(np.float64) - model[row]), 0)
        peak = whole.argmax()
        assert made.peak_wavelength[row] == np.float32(GRID.centers[peak])
        worst = np.where(np.isnan(means), -1, means).argmax()
        assert made.worst_arm[row] == "BRZ"[worst]


def test_kurtosis_of_gaussian_and_of_one_spike():
    gaussian = np.random.default_rng(0).normal(size=496)
    assert abs(score(gaussian).residual_kurtosis[0]) < 0.6
    spike = np.zeros(496)
    spike[9] = 1
    assert score(spike).residual_kurtosis[0] > 400
    assert np.isnan(score(np.zeros(496)).residual_kurtosis[0])


def published_rows(folder):
    for name in ("explorer_top_rows_a.csv", "explorer_top_rows_b.csv"):
        with open(folder / "seed-catalogue" / name, newline="") as file:
            yield from csv.DictReader(file)


def test_worst_arm_and_inequality_hold_in_all_published_rows(real_data):
    rows = list(published_rows(real_data))
    assert len(rows) == 318
    share = np.array([171, 145, 180]) / 496
    for row in rows:
        arms = np.array([float(row[name]) for name in ("rB", "rR", "rZ")])
        # A residual that is r everywhere in an arm has exactly these arm residuals.
        residual = np.concatenate(
            [np.full(n, r) for n, r in zip((171, 145, 180), arms, strict=True)]
        )
        made = score(residual)
        assert made.worst_arm[0] == row["worst"]
        assert made.score_mse[0] == pytest.approx((share * arms**2).sum(), rel=1e-5)
        rounding = 0.005 * 2 * (share * arms).sum() + 0.01
        assert made.score_mse[0] <= float(row["score"]) + rounding
