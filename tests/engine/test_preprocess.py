"""The model's input against the published recipe, written out naively."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, SpectrumBatch

from .spectra_maker import make_batch


def published_input(batch: SpectrumBatch, row: int) -> np.ndarray:
    """The published preparation of one spectrum, pixel group by pixel group."""
    bins = []
    for arm in ARMS:
        flux = batch.flux[arm][row]
        bins += [np.mean(flux[i : i + 16]) for i in range(0, len(flux) // 16 * 16, 16)]
    x = np.array(bins, dtype=np.float32)
    x[~np.isfinite(x)] = 0
    median = np.median(np.abs(x))
    return np.clip(x / (median if median > 0 else 1.0), -10, 10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equals_the_published_recipe(seed):
    batch = make_batch(np.random.default_rng(seed), 3)
    batch.flux[Arm.RED][1, 100:140] = np.nan
    batch.flux[Arm.NIR][2, 7] = np.inf
    batch.ivar[Arm.BLUE][0, :] = 0  # pixels that exist count as they are, whatever their ivar
    made = prepare_input(batch, COMPATIBLE_GRID)
    for row in range(3):
        expected = published_input(batch, row)
        np.testing.assert_allclose(made.normalized_flux[row], expected, rtol=2e-6, atol=2e-6)
    assert made.is_covered.all()


def test_a_missing_arm_is_no_data_and_a_dead_one_is(rng):
    batch = make_batch(rng, 3)
    batch.ivar[Arm.RED][:2] = 0
    batch.flux[Arm.RED][0] = 0  # row 0 lacks the arm, row 1 has flux that nobody trusts
    made = prepare_input(batch, COMPATIBLE_GRID)
    red = COMPATIBLE_GRID.bins_of(Arm.RED)
    assert made.is_covered[:, red].all(axis=1).tolist() == [False, True, True]
    assert not made.is_covered[0, red].any()
    assert not made.normalized_flux[0, red].any()
    others = np.abs(made.normalized_flux[0, made.is_covered[0]])
    assert np.isclose(np.median(others), 1, atol=1e-5)


def test_all_zero_flux_is_divided_by_one(rng):
    batch = make_batch(rng, 1)
    for arm in ARMS:
        batch.flux[arm][:] = 0
    made = prepare_input(batch, COMPATIBLE_GRID)
    assert made.scale[0] == 1
    assert not made.normalized_flux.any()


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 1e3))
def test_brightness_does_not_matter(factor):
    batch = make_batch(np.random.default_rng(5), 2)
    brighter = SpectrumBatch(
        {arm: (batch.flux[arm] * factor).astype(np.float32) for arm in ARMS},
        batch.ivar, batch.mask, batch.columns,
    )  # fmt: skip
    one, other = prepare_input(batch, COMPATIBLE_GRID), prepare_input(brighter, COMPATIBLE_GRID)
    np.testing.assert_allclose(one.normalized_flux, other.normalized_flux, rtol=1e-5, atol=1e-6)


def test_what_a_survey_does_not_cover_is_zero_and_outside_the_median(rng):
    batch = make_batch(rng, 2, uncovered=0.3)
    made = prepare_input(batch, COMPATIBLE_GRID)
    assert 0.65 < made.is_covered.mean() < 0.72
    assert not made.normalized_flux[~made.is_covered].any()
    for row in range(2):
        covered = made.is_covered[row]
        assert np.isclose(np.median(np.abs(made.normalized_flux[row, covered])), 1, atol=1e-5)
    np.testing.assert_allclose(made.coverage, made.is_covered.mean(axis=1), atol=0.01)


def test_a_bin_is_covered_when_half_of_its_pixels_are(rng):
    batch = make_batch(rng, 1)
    batch.mask[Arm.BLUE][0, :8] = NOT_COVERED
    batch.mask[Arm.BLUE][0, 16:25] = NOT_COVERED
    made = prepare_input(batch, COMPATIBLE_GRID)
    assert made.is_covered[0, :3].tolist() == [True, False, True]
    first = made.normalized_flux[0, 0] * made.scale[0]
    np.testing.assert_allclose(first, batch.flux[Arm.BLUE][0, 8:16].mean(), rtol=1e-5)


def test_coverage_counts_bins_with_inverse_variance_and_without_mask(rng):
    batch = make_batch(rng, 1)
    batch.ivar[Arm.BLUE][:] = 0
    batch.mask[Arm.RED][:, :1160] = 4
    made = prepare_input(batch, COMPATIBLE_GRID)
    np.testing.assert_allclose(made.coverage[0], (180 + 145 - 72) / 496, atol=1 / 496)
