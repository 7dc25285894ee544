"""The model's input against the published recipe, written out naively."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.model.bins import normalize_bins
from anomaly_explorer.engine.model.preprocess import CLIP, prepare_input
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm, BinGrid
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, StoredRows

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


@given(st.lists(st.floats(0, 2.0**120, width=32) | st.sampled_from([0.0, 1.0]), min_size=1))
def test_the_scale_is_the_median_to_the_last_bit(sizes):
    flux = np.array([sizes], np.float32) * np.random.default_rng(0).choice([-1, 1], len(sizes))
    flux, scale = flux.astype(np.float32), np.empty(1, np.float32)
    expected = np.median(np.abs(flux[0]))
    normalize_bins(flux, np.ones(flux.shape, np.bool_), CLIP, scale)
    assert scale[0] == (expected if expected > 0 else 1)


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


def stored_otherwise(batch: SpectrumBatch, order: str, flipped: int) -> StoredBatch:
    """The same spectra as a file would have them: in another byte order, masks flipped."""

    def stored(values, bits=0):
        words = (values.view(np.uint32) ^ np.uint32(bits)).astype(f"{order}u4")
        return StoredRows(words.view(np.uint32), not words.dtype.isnative, bits)

    images = {
        arm: (stored(batch.flux[arm]), stored(batch.ivar[arm]), stored(batch.mask[arm], flipped))
        for arm in ARMS
    }
    return StoredBatch(images, batch.columns)


def spoil(batch: SpectrumBatch, rng: np.random.Generator) -> None:
    """Put in whatever a file may hold: missing arms, signed zeros, NaN, infinities, mask bits."""
    odd = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, -1.0, 1e-45], np.float32)
    bits = np.array([0, 4, 1 << 23, 1 << 31, (1 << 31) | 4, 1 << 7], np.uint32)
    for arm in ARMS:
        for values, choices in (
            (batch.flux[arm], odd), (batch.ivar[arm], odd), (batch.mask[arm], bits),
        ):  # fmt: skip
            where = rng.random(values.shape) < rng.choice([0, 0.02, 0.7])
            values[where] = rng.choice(choices, where.sum())
    batch.mask[ARMS[rng.integers(3)]][1] = NOT_COVERED
    arm = ARMS[rng.integers(3)]
    batch.flux[arm][0] = rng.choice([0.0, -0.0])
    batch.ivar[arm][0] = rng.choice(np.array([0.0, -0.0, np.nan], np.float32))


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from("<>"), st.sampled_from([0, 1 << 31]),
    st.sampled_from([3, 8, 13, 16, 31]),
)  # fmt: skip
def test_how_pixels_are_stored_changes_no_bit(seed, order, flipped, width):
    rng = np.random.default_rng(seed)
    batch = make_batch(rng, 3)
    spoil(batch, rng)
    grid = BinGrid(width)
    native = prepare_input(batch, grid)
    stored = prepare_input(stored_otherwise(batch, order, flipped), grid)
    for name in ("normalized_flux", "scale", "is_covered", "has_data"):
        assert getattr(native, name).tobytes() == getattr(stored, name).tobytes(), name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 8, 13, 16, 31]))
def test_bins_have_the_bits_of_the_mean_of_numpy(seed, width):
    rng = np.random.default_rng(seed)
    batch = make_batch(rng, 2)
    spoil(batch, rng)
    grid = BinGrid(width)
    made = prepare_input(batch, grid)
    for arm in ARMS:
        n, bins = grid.n_bins_of(arm), grid.bins_of(arm)
        flux, ivar, mask = (
            values[arm][:, : n * width].reshape(2, n, width)
            for values in (batch.flux, batch.ivar, batch.mask)
        )
        has_arm = batch.flux[arm].any(axis=1) | batch.ivar[arm].any(axis=1)
        exists = ((mask & NOT_COVERED) == 0) & has_arm[:, None, None]
        count = exists.sum(axis=2)
        with np.errstate(all="ignore"):
            total = np.where(exists, flux, np.float32(0)).sum(axis=2)
            mean = np.where(count > 0, total / count.astype(np.float32), np.float32(0))
            share = np.where(np.isfinite(mean), mean, np.float32(0)) / made.scale[:, None]
        expected = np.where(made.is_covered[:, bins], np.clip(share, -10, 10), np.float32(0))
        np.testing.assert_array_equal(made.normalized_flux[:, bins], expected)
        np.testing.assert_array_equal(made.is_covered[:, bins], 2 * count >= width)
        good = (ivar > 0) & (mask == 0)
        np.testing.assert_array_equal(made.has_data[:, bins], good.any(axis=2))
