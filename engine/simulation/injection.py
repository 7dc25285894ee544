"""The anomalies: what each injected type does to a noiseless spectrum, in the sky or in an arm.

Ranges are wide on purpose: some anomalies are plain, some drown in the noise, and the truth table
says how strong each one is (`strength`, the ideal matched-filter S/N).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.lines import TELLURIC_BANDS

from .canvas import (
    FIRST_WAVELENGTH,
    LIGHT_KM_S,
    N_LATTICE,
    STEP,
    Canvas,
    absorb_gaussian,
    add_line,
    observed_sigma,
    pixel_of,
    wavelength_of,
)
from .galaxy import OXYGEN_II
from .instrument import Shot
from .population import (
    AMPLIFIER_STEP,
    ARM_OFFSET,
    BAL,
    CHANGING_LOOK,
    COSMIC,
    DLA,
    FRINGING,
    LENSED_LINE,
    SKY_RESIDUAL,
    SUPERNOVA,
    TELLURIC,
    UNKNOWN_BUMP,
    Target,
)
from .quasar import LYMAN_ALPHA
from .random import between, branch, uniform

# First pixel of each arm on the lattice.
_STARTS = tuple(round((arm.first_wavelength - FIRST_WAVELENGTH) / STEP) for arm in ARMS)
_C_IV, _SI_IV, _N_V, _MG_II, _AL_III = 1549.06, 1396.76, 1240.81, 2798.75, 1857.0
_C_IV_MIN_REDSHIFT = 1.45

# Type Ia supernova near maximum: rest Å, sigma Å, height relative to its continuum; the dips are
# Ca II H&K, Fe II, S II "W", Si II 6150 and the Ca II triplet (Filippenko 1997).
_SUPERNOVA = (
    (3780.0, 60.0, -0.65),
    (3980.0, 70.0, 0.6),
    (4300.0, 60.0, -0.35),
    (4580.0, 90.0, 0.45),
    (4850.0, 70.0, -0.40),
    (5100.0, 80.0, 0.30),
    (5430.0, 60.0, -0.25),
    (5620.0, 40.0, 0.15),
    (6130.0, 55.0, -0.55),
    (6400.0, 90.0, 0.20),
    (8100.0, 120.0, -0.45),
    (8600.0, 150.0, 0.35),
)


# Broad lines of a nucleus that has lit up: rest Å (vacuum), area relative to that of Hα.
_NUCLEUS = ((6564.61, 1.0), (4862.68, 0.35), (4687.02, 0.3), (4341.68, 0.15))

# Optical depth of each of `TELLURIC_BANDS` where it is deepest: rounded by eye, and how much of it
# is left is drawn anyway.
_DEPTHS = (0.35, 0.18, 1.1, 0.18, 0.5)
_TELLURIC = np.array(
    [(band.low, band.high, depth) for band, depth in zip(TELLURIC_BANDS, _DEPTHS, strict=True)]
)


@njit(nogil=True, error_model="numpy")
def inject_in_sky(target: Target, canvas: Canvas) -> None:
    """Change the noiseless spectrum on the canvas by the anomaly of `target`, if it is of the sky.

    Types that need another spectrum painted (blends, binaries, carbon stars) are not done here.
    """
    s = branch(target.key, 50)
    if target.injected == BAL:
        _absorb_broad(s, target.redshift, canvas.flux)
    elif target.injected == DLA:
        _absorb_damped(s, target.redshift, canvas.flux)
    elif target.injected == SUPERNOVA:
        _add_supernova(s, target, canvas.flux)
    elif target.injected == LENSED_LINE:
        _add_lensed(s, target, canvas.flux)
    elif target.injected == UNKNOWN_BUMP:
        _add_bump(s, canvas.flux)
    elif target.injected == CHANGING_LOOK:
        _light_up(s, target, canvas.flux)


@njit(nogil=True, error_model="numpy")
def _absorb_broad(s: np.uint64, redshift: float, flux: NDArray[np.float64]) -> None:
    speed, width = between(s, 0, 1500.0, 12000.0), between(s, 1, 2500.0, 9000.0)
    depth = -math.log(1.0 - between(s, 2, 0.5, 0.95))
    is_low = redshift < _C_IV_MIN_REDSHIFT or uniform(s, 3) < 0.2
    sigma = 0.4 * width
    for line in (_C_IV, _SI_IV, _N_V):
        center = line * (1.0 + redshift) * (1.0 - (speed + 0.5 * width) / LIGHT_KM_S)
        absorb_gaussian(flux, center, depth, observed_sigma(center, sigma))
    if is_low:
        for line in (_MG_II, _AL_III):
            center = line * (1.0 + redshift) * (1.0 - (speed + 0.5 * width) / LIGHT_KM_S)
            absorb_gaussian(flux, center, 0.8 * depth, observed_sigma(center, 0.7 * sigma))


@njit(nogil=True, error_model="numpy")
def _absorb_damped(s: np.uint64, redshift: float, flux: NDArray[np.float64]) -> None:
    column = 10.0 ** between(s, 0, 21.3, 22.3)
    at = between(s, 1, max(2.05, 0.8 * redshift), redshift - 0.03)
    # Damping wing: τ = N (π e² / m c) f γ / 4π² / Δν² with f = 0.4164 and γ = 6.265e8 s⁻¹, which
    # is 4.26e-20 N / Δλ² for Δλ in Å in the absorber's frame.
    for i in range(N_LATTICE):
        rest = wavelength_of(i) / (1.0 + at)
        away = max(abs(rest - LYMAN_ALPHA), 0.05)
        flux[i] *= math.exp(-min(4.26e-20 * column / (away * away), 60.0))
    for line, depth in ((1260.4, 2.0), (1302.2, 2.0), (1334.5, 2.0), (1526.7, 1.8), (1670.8, 1.6)):
        center = line * (1.0 + at)
        absorb_gaussian(flux, center, depth, observed_sigma(center, 80.0))


@njit(nogil=True, error_model="numpy")
def _add_supernova(s: np.uint64, target: Target, flux: NDArray[np.float64]) -> None:
    peak = target.flux * between(s, 0, 0.25, 1.2)
    faded = between(s, 1, 0.6, 1.2)
    for i in range(N_LATTICE):
        rest = wavelength_of(i) / (1.0 + target.redshift)
        shape = 1.0
        for center, sigma, height in _SUPERNOVA:
            x = (rest - center) / sigma
            if abs(x) < 5.0:
                shape += faded * height * math.exp(-0.5 * x * x)
        falling = math.exp(-((rest - 4600.0) / 2600.0)) if rest > 4600.0 else 1.0
        blanketed = 1.0 / (1.0 + math.exp(-(rest - 3300.0) / 180.0))
        flux[i] += peak * max(shape, 0.0) * falling * blanketed


@njit(nogil=True, error_model="numpy")
def _add_lensed(s: np.uint64, target: Target, flux: NDArray[np.float64]) -> None:
    # [O II] of a galaxy behind, between 6500 and 9700 Å observed, and behind the lens.
    nearest = max(6500.0, 1.02 * OXYGEN_II[1] * (1.0 + target.redshift))
    center = between(s, 0, min(nearest, 9500.0), 9700.0)
    area = between(s, 1, 5.0, 35.0) * (1.0 if target.program == 0 else 3.0)  # noise is higher
    width = observed_sigma(center, between(s, 2, 50.0, 110.0))
    ratio = OXYGEN_II[0] / OXYGEN_II[1]
    add_line(flux, center, 0.58 * area, width)
    add_line(flux, center * ratio, 0.42 * area, width)


@njit(nogil=True, error_model="numpy")
def _add_bump(s: np.uint64, flux: NDArray[np.float64]) -> None:
    center, sigma = between(s, 0, 4300.0, 9500.0), between(s, 1, 20.0, 120.0)
    height = between(s, 2, 0.3, 1.2)
    sign = 1.0 if uniform(s, 3) < 0.6 else -1.0
    middle = int(pixel_of(center))
    reach = int(4.0 * sigma / STEP)
    for i in range(max(0, middle - reach), min(N_LATTICE, middle + reach)):
        x = (wavelength_of(i) - center) / sigma
        flux[i] *= max(1.0 + sign * height * math.exp(-0.5 * x * x), 0.05)


@njit(nogil=True, error_model="numpy")
def _light_up(s: np.uint64, target: Target, flux: NDArray[np.float64]) -> None:
    """Add what a black hole shows when it begins to feed: a blue continuum and broad lines."""
    light = target.flux * between(s, 0, 0.2, 1.2)
    for i in range(N_LATTICE):
        flux[i] += light * (wavelength_of(i) / (1.0 + target.redshift) / 4500.0) ** -2.2
    area = light * between(s, 1, 100.0, 400.0) * (1.0 + target.redshift)
    width = between(s, 2, 2000.0, 6000.0)
    for rest, share in _NUCLEUS:
        center = rest * (1.0 + target.redshift)
        add_line(flux, center, share * area, observed_sigma(center, width))


@njit(nogil=True, error_model="numpy")
def inject_in_arm(target: Target, number: int, lines: NDArray[np.float64], shot: Shot) -> None:
    """Change what an arm expects to see, `shot.model`, by the anomaly of `target`.

    `number` is 0, 1, 2 for blue, red, near-infrared; `lines`, (n,), are the sky's lines there.
    """
    s = branch(target.key, 51)
    if target.injected == ARM_OFFSET and number == int(3.0 * uniform(s, 0)):
        is_low = uniform(s, 1) < 0.5
        shot.model[:] *= between(s, 2, 0.55, 0.85) if is_low else between(s, 2, 1.15, 1.6)
    elif target.injected == FRINGING and number == 2:
        _add_fringes(s, shot.model)
    elif target.injected == SKY_RESIDUAL:
        share = between(s, 0, 0.06, 0.20) * (1.0 if uniform(s, 1) < 0.5 else -1.0)
        shot.model[:] += share * lines
    elif target.injected == COSMIC:
        _add_cosmic_rays(s, number, shot)
    elif target.injected == TELLURIC:
        _absorb_telluric(s, number, shot.model)
    elif target.injected == AMPLIFIER_STEP and number == int(3.0 * uniform(s, 20)):
        _step_amplifier(s, shot)


@njit(nogil=True, error_model="numpy")
def _add_fringes(s: np.uint64, model: NDArray[np.float64]) -> None:
    depth, period, phase = between(s, 3, 0.06, 0.25), between(s, 4, 35.0, 80.0), uniform(s, 5)
    n = len(model)
    for i in range(n):
        wave = math.sin(2.0 * math.pi * (STEP * i / period * (1.0 + 0.1 * i / n) + phase))
        model[i] *= 1.0 + depth * wave * min(1.0, 2.0 * i / n)


@njit(nogil=True, error_model="numpy")
def _add_cosmic_rays(s: np.uint64, number: int, shot: Shot) -> None:
    """Put one to three spikes of 12 to 40 sigma in the arms, missed by the pipeline's masks."""
    n = len(shot.model)
    for spike in range(1 + int(3.0 * uniform(s, 6))):
        if number != int(3.0 * uniform(s, 10 + 3 * spike)):
            continue
        middle = int(between(s, 11 + 3 * spike, 3.0, n - 3.0))
        height = between(s, 12 + 3 * spike, 12.0, 40.0)
        for i in range(middle - 2, middle + 3):
            share = math.exp(-0.5 * ((i - middle) / 0.8) ** 2)
            shot.model[i] += height * share * shot.sigma[middle]


@njit(nogil=True, error_model="numpy")
def _absorb_telluric(s: np.uint64, number: int, model: NDArray[np.float64]) -> None:
    """Correct the absorption of the air by too little, or by too much."""
    share = between(s, 21, 0.15, 0.6) * (1.0 if uniform(s, 22) < 0.6 else -1.0)
    for i in range(len(model)):
        w = wavelength_of(_STARTS[number] + i)
        for first, last, depth in _TELLURIC:
            if first < w < last:
                # Steep at the head of a band, with a long tail to the red; 1 where x = 0.2.
                x = (w - first) / (last - first)
                shape = math.sqrt(x / 0.2) * ((1.0 - x) / 0.8) ** 2
                model[i] *= math.exp(-share * depth * shape)


@njit(nogil=True, error_model="numpy")
def _step_amplifier(s: np.uint64, shot: Shot) -> None:
    """Shift one half of the arm by a share of its noise: the bias of one amplifier was wrong."""
    n = len(shot.model)
    first = 0 if uniform(s, 23) < 0.5 else n // 2
    height = between(s, 24, 0.25, 1.5) * (1.0 if uniform(s, 25) < 0.5 else -1.0)
    for i in range(first, first + n // 2):
        shot.model[i] += height * shot.sigma[n // 2]
