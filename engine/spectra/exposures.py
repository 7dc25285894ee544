"""Coadding: exposures of one object combined by inverse variance, all objects at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import Arm

# FIBERSTATUS bits that spoil an exposure: BROKENFIBER, MISSINGPOSITION, BADPOSITION, BADFIBER,
# BADTRACE, BADFLAT, BADARC, MANYBADCOL, MANYREJECTED; the others inform. Source: desispec's coadd
# documentation and bit names (fibermask).
_FATAL = sum(1 << bit for bit in (2, 8, 9, 16, 17, 18, 19, 20, 21))
_BAD_AMPLIFIER = {Arm.BLUE: 1 << 22, Arm.RED: 1 << 23, Arm.NIR: 1 << 24}


def is_good_exposure(fiber_status: NDArray[Any], arm: Arm) -> NDArray[np.bool_]:
    """Return which exposures are good in one arm, (E,), from FIBERSTATUS, (E,).

    Examples
    --------
    >>> is_good_exposure(np.array([0, 8, 4, 1 << 22]), Arm.BLUE).tolist()
    [True, True, False, False]
    """
    return (fiber_status & (_FATAL | _BAD_AMPLIFIER[arm])) == 0


def used_exposures(is_good: NDArray[np.bool_], starts: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which exposures count: the good ones of an object, or all where none is good.

    Parameters
    ----------
    is_good : (E,) bool
        Exposures, those of one object side by side.
    starts : (N,) intp
        First exposure of each object.

    Returns
    -------
    (E,) bool

    Examples
    --------
    >>> used_exposures(np.array([True, False, False, False]), np.array([0, 2])).tolist()
    [True, False, True, True]
    """
    has_good = np.logical_or.reduceat(is_good, starts)
    return is_good | ~_spread(has_good, starts, len(is_good))


def coadd_fiber_status(
    fiber_status: NDArray[Any], is_good: NDArray[np.bool_], starts: NDArray[np.intp]
) -> NDArray[np.int32]:
    """Return COADD_FIBERSTATUS as DESI defines it, (N,).

    The bits that all good exposures share; where no exposure is good, the bits of any.
    """
    has_good = np.logical_or.reduceat(is_good, starts)
    shared = np.bitwise_and.reduceat(np.where(is_good, fiber_status, -1), starts)
    every = np.bitwise_or.reduceat(fiber_status, starts)
    return np.where(has_good, shared, every).astype(np.int32)


def coadd_exposures(
    images: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    is_used: NDArray[np.bool_],
    starts: NDArray[np.intp],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32]]:
    """Combine the exposures of each object in one arm.

    Flux is the mean weighted by ivar, ivar the sum. Masked pixels count only where every used
    exposure is masked: the coadd of one exposure is that exposure, mask included. Where no
    exposure has any ivar, flux is the plain mean and ivar 0.

    Parameters
    ----------
    images : flux, ivar, mask, each (E, n)
        Exposures, those of one object side by side.
    is_used : (E,) bool
        Exposures that count.
    starts : (N,) intp
        First exposure of each object.

    Returns
    -------
    flux, ivar : (N, n) float32
    mask : (N, n) uint32
    """
    flux, ivar, mask = images
    is_finite = np.isfinite(flux) & is_used[:, None]
    possible = np.where(is_finite & (ivar > 0), ivar, 0).astype(np.float64)
    clean = np.where(mask == 0, possible, 0)
    has_clean = np.add.reduceat(clean, starts) > 0
    weight = np.where(_spread(has_clean, starts, len(flux)), clean, possible)
    value = np.where(is_finite, flux, 0).astype(np.float64)
    ivar_sum = np.add.reduceat(weight, starts)
    n_finite = np.maximum(np.add.reduceat(is_finite, starts, dtype=np.int32), 1)
    plain_mean = np.add.reduceat(value, starts) / n_finite
    has_ivar = ivar_sum > 0
    weighted = np.add.reduceat(weight * value, starts) / np.where(has_ivar, ivar_sum, 1)
    used_mask = np.where(is_used[:, None], mask, 0)
    return (
        np.where(has_ivar, weighted, plain_mean).astype(np.float32),
        ivar_sum.astype(np.float32),
        np.where(has_clean, 0, np.bitwise_or.reduceat(used_mask, starts)).astype(np.uint32),
    )


def _spread(values: NDArray[Any], starts: NDArray[np.intp], n: int) -> NDArray[Any]:
    """Repeat what holds of an object for each of its exposures."""
    return np.repeat(values, np.diff(starts, append=n), axis=0)
