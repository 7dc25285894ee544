"""What imaging surveys would say of an object: fluxes, shape, Gaia magnitude and parallax."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .canvas import pixel_of
from .facts import Fact
from .population import BGS, ELG, LRG, QSO, STAR, Target
from .random import between, branch, normal, uniform

# Bands of the Legacy Surveys as boxes: (first Å, last Å, fact).
_BANDS = ((4050.0, 5500.0), (5650.0, 7150.0), (8450.0, 9800.0))


@njit(nogil=True, error_model="numpy")
def measure_bands(target: Target, flux: NDArray[np.float64], facts: NDArray[np.float64]) -> None:
    """Measure the fluxes in g, r, z, W1 and W2 (nanomaggies) from the lattice flux (7781,)."""
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


@njit(nogil=True, error_model="numpy")
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


@njit(nogil=True, error_model="numpy")
def describe_shape(target: Target, facts: NDArray[np.float64]) -> None:
    """Draw morphological type, Sérsic index and half-light radius by class."""
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


@njit(nogil=True, error_model="numpy")
def describe_gaia(target: Target, facts: NDArray[np.float64]) -> None:
    """Draw what Gaia says of points brighter than 21 mag; zeros for the rest, as DESI has it."""
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
