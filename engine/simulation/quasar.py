"""Quasars: power law, broad and narrow lines, iron humps, and the Lyman-alpha forest.

Equivalent widths are those of the SDSS composite (Vanden Berk et al. 2001), scattered together
along the [O III]-Fe II sequence (Boroson & Green 1992) and with luminosity (Baldwin 1977).
Forest: mean optical depth 0.0023 (1+z)^3.65 (Kim et al. 2007) with a lognormal field.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from . import drift
from .canvas import (
    LIGHT_KM_S,
    N_KNOTS,
    N_LATTICE,
    PIXELS_PER_KNOT,
    Canvas,
    add_line,
    multiply_smooth,
    observed_sigma,
    pixel_of,
    scale_to,
    wavelength_of,
)
from .population import RED_QUASAR, Target
from .random import between, branch, normal, uniform
from .templates import N_REST, REST_FIRST, REST_STEP

LYMAN_ALPHA, LYMAN_BETA, LYMAN_LIMIT = 1215.67, 1025.72, 911.75

# Rest wavelength (vacuum Å), equivalent width (Å), width relative to the object's, shift (km/s).
_BROAD = np.array(
    [
        (1033.0, 9.0, 1.0, -300.0),  # Ly beta, O VI
        (1215.67, 85.0, 0.9, 0.0),  # Ly alpha
        (1240.81, 18.0, 1.1, 0.0),  # N V
        (1304.35, 1.7, 0.8, 0.0),  # O I
        (1398.33, 8.0, 1.1, -300.0),  # Si IV, O IV]
        (1549.06, 28.0, 1.1, -600.0),  # C IV
        (1640.42, 4.0, 1.2, -300.0),  # He II
        (1908.73, 20.0, 1.2, -300.0),  # C III]
        (2798.75, 32.0, 0.8, 0.0),  # Mg II
        (4102.89, 5.0, 1.0, 0.0),  # H delta
        (4341.68, 13.0, 1.0, 0.0),  # H gamma
        (4862.68, 46.0, 1.0, 0.0),  # H beta
        (5877.25, 5.0, 1.0, 0.0),  # He I
        (6564.61, 195.0, 0.9, 0.0),  # H alpha
    ]
)
_NARROW = np.array(
    [
        (3426.85, 1.0),  # [Ne V]
        (3728.5, 1.6),  # [O II]
        (3869.86, 1.4),  # [Ne III]
        (4960.30, 4.4),  # [O III]
        (5008.24, 13.2),
        (6585.27, 2.0),  # [N II]
        (6725.0, 1.6),  # [S II]
    ]
)


class Quasar(NamedTuple):
    """Drawn properties of a quasar: slope of f_λ, reddening, line widths (km/s) and strengths."""

    slope: float
    reddening: float
    width: float
    narrow_width: float
    broad: float
    narrow: float
    iron: float


@njit(nogil=True, error_model="numpy")
def draw_quasar(target: Target) -> Quasar:
    """Draw the properties of a quasar."""
    s = branch(target.key, 20)
    sequence = normal(s, 0)  # strong [O III] and weak iron at one end, the reverse at the other
    red = uniform(s, 1) < 0.06
    reddening = (0.12 if red else 0.012) * -math.log(uniform(s, 2))
    is_red = target.injected == RED_QUASAR
    reddening = between(s, 9, 0.25, 1.0) if is_red else min(reddening, 0.5)
    baldwin = (2.2 / target.flux) ** 0.15 if target.flux > 0.0 else 1.0
    return Quasar(
        -1.55 + 0.28 * normal(s, 3),
        reddening,
        (drift.LINE_WIDTH if target.is_drifted else 1.0) * 1700.0 * math.exp(0.35 * normal(s, 4)),
        250.0 * math.exp(0.2 * normal(s, 5)),
        min(max(baldwin, 0.5), 2.0) * math.exp(0.35 * normal(s, 6)),
        math.exp(0.7 * sequence + 0.2 * normal(s, 7)),
        0.22 * math.exp(-0.45 * sequence + 0.25 * normal(s, 8)),
    )


@njit(nogil=True, error_model="numpy")
def paint_quasar(target: Target, iron: NDArray[np.float32], canvas: Canvas) -> None:
    """Paint a quasar on the canvas at the level of `target`; `iron` is the (n,) Fe II template."""
    quasar = draw_quasar(target)
    _paint_continuum(quasar, target.redshift, iron, canvas)
    _paint_lines(quasar, target.redshift, canvas)
    for j in range(N_KNOTS):
        rest = wavelength_of(j * PIXELS_PER_KNOT) / (1.0 + target.redshift)
        # Dust like that of the Small Magellanic Cloud: 1.39 (λ/µm)^-1.2 E(B-V), Prevot et al. 1984.
        curve = 1.39 * (rest / 1.0e4) ** -1.2
        canvas.knots[j] = 10.0 ** (-0.4 * quasar.reddening * curve)
    multiply_smooth(canvas.flux, canvas.knots)
    if target.redshift < 4.8:
        scale_to(canvas.flux, target.flux)
    _absorb_forest(target, canvas)
    if target.redshift >= 4.8:  # there is no light left at 6500 Å: set the level redward
        _scale_redward(target, canvas)


@njit(nogil=True, error_model="numpy")
def _scale_redward(target: Target, canvas: Canvas) -> None:
    total = 0.0
    for i in range(7000, 7500):
        total += canvas.flux[i]
    factor = target.flux * 500.0 / max(total, 1e-30)
    for i in range(N_LATTICE):
        canvas.flux[i] *= factor


@njit(nogil=True, error_model="numpy")
def _paint_continuum(
    quasar: Quasar, redshift: float, iron: NDArray[np.float32], canvas: Canvas
) -> None:
    for j in range(N_KNOTS):
        rest = wavelength_of(j * PIXELS_PER_KNOT) / (1.0 + redshift)
        steep = quasar.slope if rest < 4700.0 else quasar.slope + 0.7  # the composite flattens
        canvas.knots[j] = (rest / 4700.0) ** steep
    for i in range(N_LATTICE):
        rest = wavelength_of(i) / (1.0 + redshift)
        x = min(max((rest - REST_FIRST) / REST_STEP, 0.0), N_REST - 1.001)
        k = int(x)
        hump = iron[k] + (x - k) * (iron[k + 1] - iron[k])
        canvas.flux[i] = 1.0 + quasar.iron * hump
    multiply_smooth(canvas.flux, canvas.knots)


@njit(nogil=True, error_model="numpy")
def _paint_lines(quasar: Quasar, redshift: float, canvas: Canvas) -> None:
    for n in range(len(_BROAD)):
        rest, width, spread, shift = _BROAD[n]
        sigma = quasar.width * spread
        steep = quasar.slope if rest < 4700.0 else quasar.slope + 0.7
        area = (rest / 4700.0) ** steep * width * (1.0 + redshift) * quasar.broad
        center = rest * (1.0 + redshift) * (1.0 + shift / LIGHT_KM_S)
        add_line(canvas.flux, center, 0.6 * area, observed_sigma(center, 0.7 * sigma))
        add_line(canvas.flux, center, 0.4 * area, observed_sigma(center, 2.0 * sigma))
    for n in range(len(_NARROW)):
        rest, width = _NARROW[n]
        steep = quasar.slope if rest < 4700.0 else quasar.slope + 0.7
        area = (rest / 4700.0) ** steep * width * (1.0 + redshift) * quasar.narrow
        center = rest * (1.0 + redshift)
        add_line(canvas.flux, center, area, observed_sigma(center, quasar.narrow_width))


@njit(nogil=True, error_model="numpy")
def _absorb_forest(target: Target, canvas: Canvas) -> None:
    s = branch(target.key, 21)
    edge = pixel_of(LYMAN_ALPHA * (1.0 + target.redshift))
    last = min(N_LATTICE, int(edge))
    # Two first-order filters in series give a field with a correlation length of about 3 Å.
    keep = 0.70
    slow, field, spread = 0.0, 0.0, 1.35
    for i in range(last):
        slow = keep * slow + math.sqrt(1.0 - keep**2) * normal(s, i)
        field = keep * field + (1.0 - keep) * 1.7 * slow
        w = wavelength_of(i)
        depth = _mean_depth(w / LYMAN_ALPHA) * math.exp(spread * field)
        if w < LYMAN_BETA * (1.0 + target.redshift):
            depth += 0.3 * _mean_depth(w / LYMAN_BETA) * math.exp(-spread * field)
        if w < LYMAN_LIMIT * (1.0 + target.redshift):
            depth += 1.0 + 0.02 * (LYMAN_LIMIT * (1.0 + target.redshift) - w)
        canvas.flux[i] *= math.exp(-depth)


@njit(nogil=True, error_model="numpy")
def _mean_depth(one_plus_z: float) -> float:
    # The lognormal field makes the mean transmission higher than exp(-τ): 1.25 restores it.
    # Above z = 5 ever more gas is neutral, and by 5.5 the trough is black (Fan et al. 2006).
    late = 1.25 * 0.0023 * one_plus_z**3.65
    return late * (1.0 + max(0.0, one_plus_z - 6.0) * 30.0)
