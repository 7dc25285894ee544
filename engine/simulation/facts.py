"""The catalog facts of an object: photometry, S/N, and what the redshift pipeline would say.

Computed beside the spectrum, so that they too are pure functions of the key.
"""

import math
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .canvas import STEP, pixel_of
from .instrument import Exposure, is_dead
from .population import (
    BGS,
    CARBON_STAR,
    CV,
    ELG,
    LRG,
    NO_TARGET,
    QSO,
    SKY_FIBER,
    STAR,
    WHITE_DWARF,
    Target,
)
from .random import between, branch, normal, uniform
from .star import draw_star

N_FACTS = 32
SPECTYPES = ("", "GALAXY", "QSO", "STAR")
SUBTYPES = ("", "B", "A", "F", "G", "K", "M", "WD", "CV")
MORPHTYPES = ("", "PSF", "REX", "EXP", "DEV", "SER")
OBJTYPES = ("TGT", "SKY", "BAD", "")


class Fact(IntEnum):
    """Where each fact stands in a row of facts; texts are codes into the tuples above."""

    TRUE_REDSHIFT = 0
    KIND = 1
    INJECTED = 2
    STRENGTH = 3
    TRUE_FLUX = 4
    REDSHIFT = 5
    REDSHIFT_ERROR = 6
    REDSHIFT_WARNING = 7
    DELTACHI2 = 8
    SPECTYPE = 9
    SUBTYPE = 10
    MORPHTYPE = 11
    FLUX_G = 12
    FLUX_R = 13
    FLUX_Z = 14
    FLUX_W1 = 15
    FLUX_W2 = 16
    EBV = 17
    PARALLAX = 18
    GAIA_G = 19
    SERSIC = 20
    SHAPE_R = 21
    EXPOSURES = 22
    SECONDS = 23
    SNR_B = 24
    SNR_R = 25
    SNR_Z = 26
    EFFECTIVE_SECONDS = 27
    OBJTYPE = 28
    FIBER_STATUS = 29
    PEAK_WAVELENGTH = 30
    PEAK_SIGNAL = 31


# Pixels of each arm over which DESI takes its median S/N: 4000-5800, 5800-7600, 7600-9800 Å.
_SNR_PIXELS = ((500, 2751), (50, 2300), (100, 2850))
_BLOCK = 128  # pixels: structure on smaller scales is what a redshift is measured from
# Bands of the Legacy Surveys as boxes: (first Å, last Å, fact).
_BANDS = ((4050.0, 5500.0), (5650.0, 7150.0), (8450.0, 9800.0))
# ZWARN bits: redrock's zwarn.py.
_ZWARN_SKY, _ZWARN_SMALL, _ZWARN_OUTLIERS, _ZWARN_UNPLUGGED, _ZWARN_NODATA = 1, 4, 16, 128, 512
_SMALL_DELTACHI2 = 9.0
# COADD_FIBERSTATUS bits: unassigned with a stuck positioner, or with a broken fiber.
_STUCK, _BROKEN = 3.0, 5.0


@njit(cache=True, nogil=True)
def measure_snr(
    number: int, flux: NDArray[np.float32], ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Store the median S/N of an arm per square root of Å; 0 where nothing was seen."""
    first, last = _SNR_PIXELS[number]
    values = np.empty(last - first, np.float32)
    n = 0
    for i in range(first, last):
        if ivar[i] > 0:
            values[n] = flux[i] * math.sqrt(ivar[i])
            n += 1
    if n > 0:
        facts[Fact.SNR_B + number] = _middle(values[:n]) / math.sqrt(STEP)


@njit(cache=True, nogil=True)
def _middle(values: NDArray[np.float32]) -> float:
    """Return the median of (n,) values, reordering them by Hoare's selection.

    numba's own median takes longer to compile than all else here.
    """
    n = len(values)
    low, high, k = 0, n - 1, n // 2
    while low < high:
        i, j = _part(values, low, high)
        if j < k:
            low = i
        if k < i:
            high = j
    return values[k] if n % 2 == 1 else 0.5 * (np.float64(values[:k].max()) + values[k])


@njit(cache=True, nogil=True)
def _part(values: NDArray[np.float32], i: int, j: int) -> tuple[int, int]:
    """Move values below the middle one to the left and above it to the right; return the seam."""
    pivot = values[(i + j) // 2]
    while i <= j:
        while values[i] < pivot:
            i += 1
        while pivot < values[j]:
            j -= 1
        if i <= j:
            values[i], values[j] = values[j], values[i]
            i += 1
            j -= 1
    return i, j


@njit(cache=True, nogil=True)
def measure_structure(
    model: NDArray[np.float64], ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Add an arm's chi² of the noiseless spectrum against its own mean in blocks of 128 pixels.

    That is what lines and breaks contribute to the significance of a redshift.
    """
    n = len(model)
    for start in range(0, n, _BLOCK):
        weight, first, second = 1e-30, 0.0, 0.0
        for i in range(start, min(start + _BLOCK, n)):
            weight += ivar[i]
            first += ivar[i] * model[i]
            second += ivar[i] * model[i] * model[i]
        facts[Fact.DELTACHI2] += max(0.0, second - first * first / weight)


@njit(cache=True, nogil=True)
def measure_object(
    target: Target, exposure: Exposure, flux: NDArray[np.float64], facts: NDArray[np.float64]
) -> None:
    """Complete the facts of an object, (N_FACTS,), from its noiseless lattice flux (7781,)."""
    facts[Fact.TRUE_REDSHIFT] = target.redshift
    facts[Fact.KIND] = target.kind
    facts[Fact.INJECTED] = target.injected
    facts[Fact.TRUE_FLUX] = target.flux
    facts[Fact.EXPOSURES] = exposure.number
    facts[Fact.SECONDS] = exposure.seconds
    facts[Fact.EFFECTIVE_SECONDS] = exposure.seconds / math.sqrt(exposure.moon)
    facts[Fact.EBV] = 0.04 * math.exp(0.6 * normal(branch(target.key, 43), 0))
    _describe_fiber(target, facts)
    if target.kind < SKY_FIBER:
        _measure_bands(target, flux, facts)
        _describe_shape(target, facts)
        _describe_gaia(target, facts)
    _measure_redshift(target, facts)


@njit(cache=True, nogil=True)
def _describe_fiber(target: Target, facts: NDArray[np.float64]) -> None:
    if target.kind == SKY_FIBER:
        facts[Fact.OBJTYPE] = 1.0
    elif target.kind == NO_TARGET:
        dead = is_dead(target)
        facts[Fact.OBJTYPE] = 2.0 if dead else 3.0
        facts[Fact.FIBER_STATUS] = _BROKEN if dead else _STUCK
        facts[Fact.EFFECTIVE_SECONDS] *= 0.0 if dead else 1.0


@njit(cache=True, nogil=True)
def _measure_bands(target: Target, flux: NDArray[np.float64], facts: NDArray[np.float64]) -> None:
    s = branch(target.key, 44)
    # Light outside the fiber: little for points, half for galaxies.
    total = between(s, 0, 1.05, 1.15) if target.kind >= QSO else between(s, 0, 1.4, 2.6)
    for band in range(3):
        first, last = int(pixel_of(_BANDS[band][0])), int(pixel_of(_BANDS[band][1]))
        mean = 0.0
        for i in range(first, last):
            mean += flux[i]
        middle = 0.5 * (_BANDS[band][0] + _BANDS[band][1])
        # f_λ to f_ν: λ²/c; one nanomaggy is 3.631e-29 erg s⁻¹ cm⁻² Hz⁻¹ (AB zero point).
        nanomaggies = mean / (last - first) * 1e-17 * middle**2 / 2.99792458e18 / 3.631e-29
        noise = 0.015 * nanomaggies * normal(s, 1 + band) + 0.02 * normal(s, 4 + band)
        facts[Fact.FLUX_G + band] = total * nanomaggies + noise
    _extrapolate_infrared(target, s, facts)


@njit(cache=True, nogil=True)
def _extrapolate_infrared(target: Target, s: np.uint64, facts: NDArray[np.float64]) -> None:
    # AB magnitudes from z to W1 and from W1 to W2 by class; quasars are flat, stars fall.
    rise, fall = -0.9, -0.68
    if target.kind == QSO:
        rise, fall = 0.5, 0.05
    elif target.kind == LRG:
        rise, fall = 0.8 + 1.2 * (target.redshift - 0.5), -0.45
    elif target.kind == BGS or target.kind == ELG:
        rise, fall = 0.1, -0.35
    first = facts[Fact.FLUX_Z] * 10.0 ** (0.4 * (rise + 0.2 * normal(s, 7)))
    facts[Fact.FLUX_W1] = first + 0.15 * normal(s, 8)
    second = first * 10.0 ** (0.4 * (fall + 0.1 * normal(s, 9)))
    facts[Fact.FLUX_W2] = second + 0.4 * normal(s, 10)


@njit(cache=True, nogil=True)
def _describe_shape(target: Target, facts: NDArray[np.float64]) -> None:
    s = branch(target.key, 45)
    if target.kind >= QSO:
        facts[Fact.MORPHTYPE] = 1.0
        return
    u = uniform(s, 0)
    # Index of MORPHTYPES: ELG are small and disc-like, LRG are bulges.
    morph = 2.0 if u < 0.45 else (3.0 if u < 0.9 else 4.0)
    if target.kind == LRG:
        morph = 4.0 if u < 0.7 else (2.0 if u < 0.85 else 5.0)
    elif target.kind == BGS:
        morph = 5.0 if u < 0.5 else (4.0 if u < 0.65 else (3.0 if u < 0.85 else 2.0))
    facts[Fact.MORPHTYPE] = morph
    sersic = 4.0 if morph == 4.0 else 1.0
    facts[Fact.SERSIC] = between(s, 1, 0.8, 6.0) if morph == 5.0 else sersic
    typical = 1.8 if target.kind == BGS else 0.6
    facts[Fact.SHAPE_R] = typical * math.exp(0.45 * normal(s, 2))


@njit(cache=True, nogil=True)
def _describe_gaia(target: Target, facts: NDArray[np.float64]) -> None:
    s = branch(target.key, 46)
    if target.kind < QSO or facts[Fact.FLUX_R] <= 0.0:
        return
    magnitude = 22.5 - 2.5 * math.log10(facts[Fact.FLUX_R]) + 0.02 * normal(s, 0)
    if magnitude > 21.0:
        return  # fainter than Gaia sees: DESI writes zeros
    facts[Fact.GAIA_G] = magnitude
    error = 0.03 * 10.0 ** (0.2 * max(0.0, magnitude - 15.0))
    parallax = 0.0
    if target.kind >= STAR:
        far = -1.3 if target.kind == STAR else 0.6
        parallax = 10.0 ** (0.1 * far + 0.45 * normal(s, 1))
    facts[Fact.PARALLAX] = parallax + error * normal(s, 2)


@njit(cache=True, nogil=True)
def _measure_redshift(target: Target, facts: NDArray[np.float64]) -> None:
    """Imitate redrock: a redshift as good as the structure in the spectrum allows."""
    s = branch(target.key, 47)
    gap = 0.35 * facts[Fact.DELTACHI2] if target.kind < SKY_FIBER else 0.0
    gap = gap * math.exp(0.3 * normal(s, 0)) - 4.0 * math.log(uniform(s, 1))
    facts[Fact.DELTACHI2] = gap
    warning = _ZWARN_SMALL if gap < _SMALL_DELTACHI2 else 0
    if uniform(s, 2) < 0.008:
        warning |= _ZWARN_OUTLIERS
    is_wrong = target.kind >= SKY_FIBER or (gap < 25.0 and uniform(s, 3) < 0.35)
    redshift = between(s, 4, 0.0, 1.7) if is_wrong else target.redshift
    floor = 1.5e-4 if target.kind == QSO else 8.0e-6
    error = (1.0 + redshift) * (floor + 6.0e-4 / math.sqrt(max(gap, 1.0)))
    if target.kind == SKY_FIBER:
        warning |= _ZWARN_SKY
    elif target.kind == NO_TARGET:
        warning |= _ZWARN_NODATA if is_dead(target) else _ZWARN_UNPLUGGED
    facts[Fact.REDSHIFT] = redshift if is_wrong else redshift + error * normal(s, 5)
    facts[Fact.REDSHIFT_ERROR] = error
    facts[Fact.REDSHIFT_WARNING] = warning
    _classify(target, is_wrong, facts)


@njit(cache=True, nogil=True)
def _classify(target: Target, is_wrong: bool, facts: NDArray[np.float64]) -> None:
    if is_wrong or target.kind <= ELG:
        facts[Fact.SPECTYPE] = 1.0
    elif target.kind == QSO:
        facts[Fact.SPECTYPE] = 2.0
    else:
        facts[Fact.SPECTYPE] = 3.0
        facts[Fact.SUBTYPE] = _subtype(target)


@njit(cache=True, nogil=True)
def _subtype(target: Target) -> float:
    """Return the index into SUBTYPES that redrock would choose for a star."""
    if target.injected == CV:
        return 8.0
    if target.kind == WHITE_DWARF:
        return 7.0
    if target.injected == CARBON_STAR:
        return 6.0
    # Lower limits of B, A, F, G, K in K (Pecaut & Mamajek 2013); cooler is M.
    limits = (10000.0, 7300.0, 6000.0, 5300.0, 3900.0)
    kelvin, code = draw_star(target).kelvin, 1
    for limit in limits:
        if kelvin < limit:
            code += 1
    return float(code)
