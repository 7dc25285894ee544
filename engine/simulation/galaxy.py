"""Galaxies: four stellar populations, dust, and emission lines tied by physics.

Line ratios follow the star-forming sequence: metallicity sets [N II] and [S II], and with the
ionisation [O III] and [O II] (Kewley & Dopita 2002); an active nucleus pulls them to the Seyfert
corner (Kewley et al. 2006). Hydrogen ratios are case B at 10,000 K (Osterbrock & Ferland 2006).
Rest wavelengths: vacuum, NIST.
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
    dust_curve,
    multiply_smooth,
    observed_sigma,
    scale_to,
    wavelength_of,
)
from .population import DOUBLE_PEAK, ELG, LOW_METALLICITY, LRG, Target
from .random import between, branch, normal, uniform
from .templates import N_REST, REST_FIRST, REST_STEP

LINES = np.array(
    [
        3426.85,  # [Ne V]
        3727.09,  # [O II]
        3729.88,
        3869.86,  # [Ne III]
        3890.15,  # H8, He I
        3968.59,  # [Ne III], H epsilon
        4102.89,  # H delta
        4341.68,  # H gamma
        4364.44,  # [O III]
        4687.02,  # He II
        4862.68,  # H beta
        4960.30,  # [O III]
        5008.24,
        5877.25,  # He I
        6302.05,  # [O I]
        6365.54,
        6549.85,  # [N II]
        6564.61,  # H alpha
        6585.27,
        6718.29,  # [S II]
        6732.67,
        7137.77,  # [Ar III]
        9071.10,  # [S III]
        9533.20,
    ]
)
OXYGEN_II = (3727.09, 3729.88)


class Galaxy(NamedTuple):
    """Drawn properties of a galaxy.

    `old`, `poor`, `middle`, `young` are shares of light at 5500 Å; `dust` is A_V / 1.086;
    `alpha_width` the equivalent width of Hα in Å; `metal` and `ion` run from 0 to 1, `nucleus` is
    the share of the lines that an active nucleus excites; velocities in km/s.
    """

    old: float
    poor: float
    middle: float
    young: float
    dust: float
    alpha_width: float
    metal: float
    ion: float
    nucleus: float
    sigma: float
    split: float


@njit(nogil=True, error_model="numpy")
def draw_galaxy(target: Target) -> Galaxy:
    """Draw the properties of a galaxy of the class of `target`."""
    if target.injected == LOW_METALLICITY:
        return _draw_primitive(branch(target.key, 11))
    s = branch(target.key, 10)
    activity = _draw_activity(s, target.kind)
    metal = between(s, 1, 0.0, 0.55) if target.kind == ELG else between(s, 1, 0.25, 1.0)
    young = activity * between(s, 2, 0.35, 0.75)
    middle = (1.0 - young) * min(1.0, activity * 1.3) * between(s, 3, 0.15, 0.75)
    if target.kind != ELG and uniform(s, 4) < 0.03:  # post-starburst: A stars without lines
        young, middle, activity = 0.0, between(s, 5, 0.5, 0.9), 0.02
    old = (1.0 - young - middle) * metal
    nucleus = between(s, 7, 0.3, 1.0) if uniform(s, 6) < 0.10 else 0.0
    width = 230.0 * activity**1.5 * math.exp(0.5 * normal(s, 8)) + 25.0 * nucleus
    is_split = target.injected == DOUBLE_PEAK
    return Galaxy(
        old,
        1.0 - young - middle - old,
        middle,
        young,
        0.25 * activity + (0.1 + 0.5 * activity) * -math.log(uniform(s, 9)),
        max(width, 80.0) if is_split else width,
        metal,
        min(1.0, max(0.0, 0.9 - 0.8 * metal + 0.2 * normal(s, 10))),
        nucleus,
        between(s, 11, 40.0, 130.0) + 120.0 * nucleus,
        between(s, 12, 300.0, 650.0) if is_split else 0.0,
    )


@njit(nogil=True, error_model="numpy")
def _draw_primitive(s: np.uint64) -> Galaxy:
    """Draw a galaxy of almost unprocessed gas: extreme lines, hardly any nitrogen, no dust."""
    return Galaxy(
        old=0.0,
        poor=between(s, 0, 0.0, 0.3),
        middle=0.0,
        young=between(s, 1, 0.7, 1.0),
        dust=between(s, 2, 0.0, 0.15),
        alpha_width=between(s, 3, 500.0, 2000.0),
        metal=0.0,
        ion=1.0,
        nucleus=0.0,
        sigma=between(s, 4, 25.0, 60.0),
        split=0.0,
    )


@njit(nogil=True, error_model="numpy")
def _draw_activity(s: np.uint64, kind: int) -> float:
    u = uniform(s, 0)
    if kind == LRG:
        return 0.10 * u**3
    if kind == ELG:
        return 0.45 + 0.55 * u
    # BGS: the red sequence, the green valley and the blue cloud.
    return 0.06 * u if u < 0.4 else 0.05 + 0.75 * ((u - 0.4) / 0.6) ** 1.3


@njit(nogil=True, error_model="numpy")
def _rest_row(rest: float) -> tuple[int, float]:
    x = min(max((rest - REST_FIRST) / REST_STEP, 0.0), N_REST - 1.001)
    return int(x), x - int(x)


@njit(nogil=True, error_model="numpy")
def _paint_stars(galaxy: Galaxy, redshift: float, table: NDArray, canvas: Canvas) -> None:
    mixed = canvas.rest
    first, _ = _rest_row(wavelength_of(0) / (1.0 + redshift))
    last, _ = _rest_row(wavelength_of(N_LATTICE - 1) / (1.0 + redshift))
    old, poor, middle, young = table[0], table[1], table[2], table[3]
    for k in range(first, last + 2):
        light = galaxy.old * old[k] + galaxy.poor * poor[k]
        light += galaxy.middle * middle[k] + galaxy.young * young[k]
        mixed[k] = light
    for i in range(N_LATTICE):
        k, a = _rest_row(wavelength_of(i) / (1.0 + redshift))
        canvas.flux[i] = mixed[k] + a * (mixed[k + 1] - mixed[k])
    for j in range(N_KNOTS):
        rest = wavelength_of(j * PIXELS_PER_KNOT) / (1.0 + redshift)
        canvas.knots[j] = math.exp(-galaxy.dust * dust_curve(rest))
    multiply_smooth(canvas.flux, canvas.knots)


@njit(nogil=True, error_model="numpy")
def _line_ratios(g: Galaxy, is_drifted: bool) -> tuple[float, ...]:
    """Return the strength of each of `LINES` relative to Hα."""
    beta, agn, stars = 1.0 / 2.86, g.nucleus, 1.0 - g.nucleus
    o3 = beta * (stars * 10.0 ** (-0.65 + 1.45 * g.ion) + agn * 8.0)
    o2 = beta * (stars * 10.0 ** (0.25 + 0.35 * (1.0 - g.ion) - 0.2 * g.metal) + agn * 2.5)
    n2 = stars * 10.0 ** (-1.5 + 1.2 * g.metal) + agn * 0.9
    s2 = stars * (0.10 + 0.22 * (1.0 - g.ion)) + agn * 0.45
    o1 = 0.02 * stars + 0.13 * agn
    if is_drifted:
        o3, o2, n2 = drift.OXYGEN_III * o3, drift.OXYGEN_II * o2, drift.NITROGEN_II * n2
    ne3 = 0.085 * o3 + 0.01 * agn
    auroral = 0.02 * o3 * max(0.0, 1.0 - 2.0 * g.metal)
    s3 = 0.05 + 0.10 * g.ion
    return (
        0.25 * agn * beta * 2.0,
        0.42 * o2,
        0.58 * o2,
        ne3,
        0.19 * beta,
        0.31 * ne3 + 0.16 * beta,
        0.259 * beta,
        0.468 * beta,
        auroral,
        0.25 * agn * beta,
        beta,
        0.336 * o3,
        o3,
        0.11 * beta,
        o1,
        0.33 * o1,
        0.34 * n2,
        1.0,
        n2,
        0.56 * s2,
        0.44 * s2,
        0.03 + 0.04 * g.ion,
        s3,
        2.5 * s3,
    )


@njit(nogil=True, error_model="numpy")
def paint_galaxy(target: Target, table: NDArray[np.float32], canvas: Canvas) -> None:
    """Paint a galaxy on the canvas at the level of `target`; `table` is the (4, n) template."""
    galaxy = draw_galaxy(target)
    _paint_stars(galaxy, target.redshift, table, canvas)
    scale = scale_to(canvas.flux, target.flux)
    k, _ = _rest_row(LINES[17])
    intrinsic = galaxy.old * table[0, k] + galaxy.poor * table[1, k]
    intrinsic += galaxy.middle * table[2, k] + galaxy.young * table[3, k]
    alpha = scale * intrinsic * galaxy.alpha_width * (1.0 + target.redshift)
    ratios = _line_ratios(galaxy, target.is_drifted)
    width = galaxy.sigma * (drift.LINE_WIDTH if target.is_drifted else 1.0)
    for n in range(len(LINES)):
        # Gas sits in more dust than stars do: 0.44 of Calzetti 1997, softened.
        dimming = math.exp(-1.6 * galaxy.dust * dust_curve(LINES[n]))
        area = alpha * ratios[n] * dimming
        center = LINES[n] * (1.0 + target.redshift)
        sigma = observed_sigma(center, width)
        shift = 0.5 * galaxy.split / LIGHT_KM_S * center
        add_line(canvas.flux, center - shift, 0.5 * area, sigma)
        add_line(canvas.flux, center + shift, 0.5 * area, sigma)
