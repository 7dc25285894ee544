import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.spectra.exposures import (
    coadd_exposures,
    coadd_fiber_status,
    is_good_exposure,
    used_exposures,
)
from anomaly_explorer.engine.spectra.grid import Arm


def draw_exposures(seed, counts, n=40):
    rng = np.random.default_rng(seed)
    total = sum(counts)
    flux = rng.normal(1, 1, (total, n)).astype(np.float32)
    ivar = (rng.uniform(0.2, 2, (total, n)) * (rng.random((total, n)) > 0.2)).astype(np.float32)
    mask = np.where(rng.random((total, n)) < 0.3, 4, 0).astype(np.uint32)
    flux[rng.random((total, n)) < 0.05] = np.nan
    starts = np.cumsum([0, *counts[:-1]])
    return (flux, ivar, mask), rng.random(total) < 0.7, starts


def coadd_one(flux, ivar, mask):
    """Brute force: one object, pixel by pixel."""
    n = flux.shape[1]
    out_flux, out_ivar, out_mask = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.uint32)
    for i in range(n):
        usable = [e for e in range(len(flux)) if np.isfinite(flux[e, i]) and ivar[e, i] > 0]
        clean = [e for e in usable if mask[e, i] == 0]
        if not clean:
            out_mask[i] = np.bitwise_or.reduce(mask[:, i])
        chosen = clean or usable
        if chosen:
            weight = ivar[chosen, i].astype(float)
            out_ivar[i] = weight.sum()
            out_flux[i] = (weight * flux[chosen, i]).sum() / weight.sum()
        else:
            finite = flux[:, i][np.isfinite(flux[:, i])]
            out_flux[i] = finite.astype(float).mean() if len(finite) else 0
    return out_flux, out_ivar, out_mask


@given(st.integers(0, 200), st.lists(st.integers(1, 4), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None)
def test_the_coadd_equals_a_pixel_by_pixel_oracle(seed, counts):
    images, is_good, starts = draw_exposures(seed, counts)
    is_used = used_exposures(is_good, starts)
    found = coadd_exposures(images, is_used, starts)
    for i, (start, count) in enumerate(zip(starts, counts, strict=True)):
        rows = np.arange(start, start + count)
        rows = rows[is_good[rows]] if is_good[rows].any() else rows
        wanted = coadd_one(*(image[rows] for image in images))
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(ours[i], theirs, rtol=2e-6, atol=2e-6)


def test_one_exposure_coadds_to_itself_mask_included():
    (flux, ivar, mask), _, starts = draw_exposures(1, [1, 1, 1])
    flux = np.nan_to_num(flux)
    found = coadd_exposures((flux, ivar, mask), np.ones(3, dtype=bool), starts)
    np.testing.assert_allclose(found[0], flux, rtol=1e-6)
    np.testing.assert_array_equal(found[1], ivar)
    np.testing.assert_array_equal(found[2], np.where((ivar > 0) | (mask > 0), mask, 0))


def test_the_order_of_exposures_does_not_matter():
    (flux, ivar, mask), is_good, starts = draw_exposures(2, [4])
    order = [2, 0, 3, 1]
    ours = coadd_exposures((flux, ivar, mask), is_good, starts)
    theirs = coadd_exposures((flux[order], ivar[order], mask[order]), is_good[order], starts)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_status_bits_are_shared_by_good_exposures_or_any_of_bad_ones():
    status = np.array([2, 2 | 8, 4, 4, 16 << 12])
    is_good = is_good_exposure(status, Arm.RED)
    assert is_good.tolist() == [True, True, False, False, False]
    found = coadd_fiber_status(status, is_good, np.array([0, 3]))
    assert found.tolist() == [2, 4 | 16 << 12]


def test_a_bad_amplifier_spoils_its_own_arm_only():
    status = np.array([1 << 22, 1 << 23, 1 << 24])
    for i, arm in enumerate((Arm.BLUE, Arm.RED, Arm.NIR)):
        assert (~is_good_exposure(status, arm)).tolist() == [j == i for j in range(3)]
