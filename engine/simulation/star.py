"""Stars from 2,700 to 20,000 K, carbon stars, white dwarfs and cataclysmic variables.

The table of stars is (T, n, 2): temperature, rest wavelength, continuum and opacity. Flux is that
of the lattice, (7781,).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .canvas import (
    LIGHT_KM_S,
    N_KNOTS,
    N_LATTICE,
    PIXELS_PER_KNOT,
    Canvas,
    absorb_gaussian,
    absorb_lorentz,
    add_line,
    level,
    multiply_smooth,
    observed_sigma,
    pixel_of,
    planck,
    scale_to,
    wavelength_of,
)
from .population import Target
from .random import between, branch, normal, uniform
from .templates import BALMER, N_STAR, REST_STEP, STAR_FIRST, TEMPERATURES

DA, DB, DC, DQ, DZ = range(5)

# Vacuum wavelengths in Å, NIST.
_HELIUM_I = (3889.75, 4027.33, 4472.76, 4714.5, 4923.31, 5017.08, 5877.25, 6679.99, 7067.14)
# Band heads of the C2 Swan system, degraded to the blue: (head, opacity, decay length Å).
_SWAN = ((4383.0, 0.5, 70.0), (4737.0, 1.0, 90.0), (5165.0, 1.3, 110.0), (5635.0, 0.8, 110.0))
# Red CN bands, degraded to the red.
_CYANOGEN = (
    (6925.0, 0.4, 120.0),
    (7088.0, 0.35, 120.0),
    (7876.0, 0.5, 140.0),
    (8063.0, 0.4, 130.0),
)


class Star(NamedTuple):
    """Drawn properties of a star: effective temperature (K), metal strength, reddening (mag)."""

    kelvin: float
    metals: float
    reddening: float


@njit(nogil=True, error_model="numpy")
def draw_star(target: Target) -> Star:
    """Draw the properties of a star: mostly F to K, an eighth M dwarfs, a few hot ones."""
    s = branch(target.key, 30)
    u, v = uniform(s, 0), uniform(s, 1)
    if u < 0.15:
        kelvin = 2750.0 + 1150.0 * v
    elif u < 0.90:
        kelvin = 3900.0 + 3300.0 * v**0.9
    elif u < 0.98:
        kelvin = 7200.0 + 2800.0 * v
    else:
        kelvin = 10000.0 + 15000.0 * v * v
    metals = 10.0 ** (0.4 * (0.25 * normal(s, 2) - (1.6 if uniform(s, 3) < 0.12 else 0.15)))
    return Star(kelvin, metals, -0.03 * math.log(uniform(s, 4)))


@njit(nogil=True, error_model="numpy")
def paint_star(target: Target, table: NDArray[np.float32], canvas: Canvas) -> None:
    """Paint an ordinary star at the level of `target`; `table` is the star template."""
    star = draw_star(target)
    _paint_sequence(star, target.redshift, table, canvas.flux)
    _redden(star.reddening, canvas)
    scale_to(canvas.flux, target.flux)


@njit(nogil=True, error_model="numpy")
def _paint_sequence(
    star: Star, velocity: float, table: NDArray[np.float32], flux: NDArray[np.float64]
) -> None:
    node = 0
    while node < len(TEMPERATURES) - 2 and star.kelvin > TEMPERATURES[node + 1]:
        node += 1
    span = math.log(TEMPERATURES[node + 1] / TEMPERATURES[node])
    b = math.log(star.kelvin / TEMPERATURES[node]) / span
    cool, warm = table[node], table[node + 1]
    for i in range(N_LATTICE):
        x = (wavelength_of(i) / (1.0 + velocity) - STAR_FIRST) / REST_STEP
        x = min(max(x, 0.0), N_STAR - 1.001)
        k = int(x)
        a = x - k
        low = (1.0 - b) * cool[k, 0] + b * warm[k, 0]
        high = (1.0 - b) * cool[k + 1, 0] + b * warm[k + 1, 0]
        opacity = (1.0 - b) * cool[k, 1] + b * warm[k, 1]
        opacity += a * ((1.0 - b) * cool[k + 1, 1] + b * warm[k + 1, 1] - opacity)
        flux[i] = (low + a * (high - low)) * math.exp(-star.metals * opacity)


@njit(nogil=True, error_model="numpy")
def _redden(reddening: float, canvas: Canvas) -> None:
    for j in range(N_KNOTS):
        w = wavelength_of(j * PIXELS_PER_KNOT)
        # A(λ) = 3.1 E(B-V) (5500/λ)^1.3: the optical slope of Cardelli, Clayton & Mathis 1989.
        canvas.knots[j] = 10.0 ** (-0.4 * 3.1 * reddening * (5500.0 / w) ** 1.3)
    multiply_smooth(canvas.flux, canvas.knots)


@njit(nogil=True, error_model="numpy")
def add_m_dwarf(target: Target, table: NDArray[np.float32], canvas: Canvas) -> None:
    """Add an M dwarf companion that carries 30 to 90 % of the light near 6500 Å."""
    s = branch(target.key, 33)
    star = Star(between(s, 0, 2800.0, 3600.0), 1.0, 0.0)
    _paint_sequence(star, target.redshift, table, canvas.spare)
    factor = between(s, 1, 0.3, 0.9) * target.flux / max(level(canvas.spare), 1e-30)
    for i in range(N_LATTICE):
        canvas.flux[i] += factor * canvas.spare[i]
    scale_to(canvas.flux, target.flux)


@njit(nogil=True, error_model="numpy")
def dwarf_type(target: Target) -> int:
    """Return the spectral type of a white dwarf: 70 % DA as in Kleinman et al. 2013."""
    u = uniform(branch(target.key, 31), 0)
    if u < 0.70:
        return DA
    if u < 0.82:
        return DB
    if u < 0.92:
        return DC
    return DQ if u < 0.96 else DZ


@njit(nogil=True, error_model="numpy")
def paint_white_dwarf(target: Target, canvas: Canvas) -> None:
    """Paint a white dwarf at the level of `target`: a black body with broad lines of its type."""
    s = branch(target.key, 31)
    kind = dwarf_type(target)
    hot = 8000.0 * math.exp(1.3 * uniform(s, 1) ** 1.5)
    kelvin = hot if kind == DA else (13000.0 + 12000.0 * uniform(s, 1) if kind == DB else 0.9 * hot)
    paint_black_body(kelvin, canvas)
    shift = 1.0 + target.redshift
    if kind == DA:
        _absorb_balmer(kelvin, shift, canvas.flux)
    elif kind == DB:
        for rest in _HELIUM_I:
            absorb_lorentz(canvas.flux, rest * shift, 0.45, 14.0)
    elif kind == DQ:
        absorb_swan(between(s, 2, 0.3, 0.9), shift, canvas.flux)
    elif kind == DZ:
        for rest in (3934.78, 3969.59):
            absorb_lorentz(canvas.flux, rest * shift, between(s, 2, 0.5, 1.5), 12.0)
    scale_to(canvas.flux, target.flux)


@njit(nogil=True, error_model="numpy")
def paint_black_body(kelvin: float, canvas: Canvas) -> None:
    """Fill the canvas with a black body, 1 at 5500 Å."""
    for j in range(N_KNOTS):
        canvas.knots[j] = planck(wavelength_of(j * PIXELS_PER_KNOT), kelvin)
    canvas.flux[:] = 1.0
    multiply_smooth(canvas.flux, canvas.knots)


@njit(nogil=True, error_model="numpy")
def _absorb_balmer(kelvin: float, shift: float, flux: NDArray[np.float64]) -> None:
    strength = math.exp(-0.5 * (math.log(kelvin / 12500.0) / 0.45) ** 2)
    for n in range(7):
        depth = 1.15 * strength * (1.0 - 0.08 * n)
        absorb_lorentz(flux, BALMER[n] * shift, depth, 22.0 - 1.5 * n)


@njit(nogil=True, error_model="numpy")
def absorb_swan(strength: float, shift: float, flux: NDArray[np.float64]) -> None:
    """Carve the Swan bands of C2 into a spectrum."""
    for head, opacity, decay in _SWAN:
        last = min(N_LATTICE, int(pixel_of(head * shift)))
        first = max(0, last - int(6.0 * decay))
        for i in range(first, last):
            x = (head * shift - wavelength_of(i)) / decay
            flux[i] *= math.exp(-strength * opacity * math.exp(-x))


@njit(nogil=True, error_model="numpy")
def paint_carbon_star(target: Target, table: NDArray[np.float32], canvas: Canvas) -> None:
    """Paint a carbon star: a cool star with Swan and red CN bands instead of TiO."""
    s = branch(target.key, 32)
    star = Star(between(s, 0, 4100.0, 5000.0), 1.0, between(s, 1, 0.0, 0.3))
    strength, shift = between(s, 2, 0.35, 1.6), 1.0 + target.redshift
    _paint_sequence(star, target.redshift, table, canvas.flux)
    absorb_swan(strength, shift, canvas.flux)
    for head, opacity, decay in _CYANOGEN:
        for i in range(int(pixel_of(head * shift)), N_LATTICE):
            x = (wavelength_of(i) - head * shift) / decay
            canvas.flux[i] *= math.exp(-0.7 * strength * opacity * math.exp(-x))
    _redden(star.reddening, canvas)
    scale_to(canvas.flux, target.flux)


@njit(nogil=True, error_model="numpy")
def paint_cataclysmic(target: Target, canvas: Canvas) -> None:
    """Paint a cataclysmic variable: a hot disc with double-peaked Balmer and helium lines."""
    s = branch(target.key, 34)
    paint_black_body(between(s, 0, 11000.0, 22000.0), canvas)
    shift, half = 1.0 + target.redshift, between(s, 1, 350.0, 700.0) / LIGHT_KM_S
    width, strength = between(s, 2, 250.0, 450.0), between(s, 3, 12.0, 70.0)
    scale_to(canvas.flux, target.flux)
    for n in range(8):
        area = strength * target.flux * 0.8**n
        for side in (-1.0, 1.0):
            center = BALMER[n] * shift * (1.0 + side * half)
            add_line(canvas.flux, center, 0.5 * area, observed_sigma(center, width))
    for rest in (4472.76, 4687.02, 5877.25, 6679.99, 7067.14):
        for side in (-1.0, 1.0):
            center = rest * shift * (1.0 + side * half)
            area = 0.12 * strength * target.flux
            add_line(canvas.flux, center, area, observed_sigma(center, width))
    absorb_gaussian(canvas.flux, 3934.78 * shift, 0.15, 3.0)
