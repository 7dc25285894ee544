"""What the three arms make of a noiseless spectrum: calibration, sky, noise, ivar and bad pixels.

Counts per flux unit are derived from the noise measured on a real main-survey coadd, so that the
simulated noise per pixel is the real one: electrons n solve (sky n + read²) / n² = sigma².
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, Arm

from . import drift
from .population import NO_TARGET, SKY_FIBER, Target
from .random import between, branch, fill_normals, normal, uniform
from .sky import sky_continuum, sky_lines

# Noise (1 sigma, 1e-17 erg s⁻¹ cm⁻² Å⁻¹ per 0.8 Å pixel) between sky lines of a real dark coadd of
# 1,309 s: (wavelength Å, sigma). The arm edges and the dichroics near 5780 and 7560 Å stand out.
_NOISE = {
    Arm.BLUE: (
        (3600, 4.80),
        (3620, 4.46),
        (3660, 3.39),
        (3750, 2.25),
        (3900, 1.44),
        (4050, 1.13),
        (4200, 0.929),
        (4350, 0.927),
        (4500, 0.759),
        (4650, 0.668),
        (4800, 0.547),
        (4950, 0.500),
        (5100, 0.469),
        (5250, 0.446),
        (5400, 0.432),
        (5550, 0.428),
        (5700, 0.458),
        (5740, 0.548),
        (5780, 0.667),
        (5800, 0.72),
    ),
    Arm.RED: (
        (5760, 0.676),
        (5780, 0.615),
        (5820, 0.403),
        (5850, 0.394),
        (6000, 0.363),
        (6150, 0.337),
        (6300, 0.321),
        (6450, 0.298),
        (6600, 0.288),
        (6750, 0.263),
        (6900, 0.268),
        (7050, 0.249),
        (7200, 0.242),
        (7350, 0.242),
        (7500, 0.346),
        (7560, 0.391),
        (7600, 0.55),
        (7620, 0.75),
    ),
    Arm.NIR: (
        (7520, 0.339),
        (7540, 0.323),
        (7580, 0.239),
        (7650, 0.241),
        (7800, 0.199),
        (7950, 0.179),
        (8100, 0.168),
        (8250, 0.159),
        (8400, 0.151),
        (8550, 0.142),
        (8700, 0.146),
        (8850, 0.142),
        (9000, 0.141),
        (9150, 0.134),
        (9300, 0.146),
        (9450, 0.194),
        (9600, 0.179),
        (9750, 0.199),
        (9804, 0.235),
        (9824, 0.25),
    ),
}
_NOISE_SECONDS = 1309.0
_READ_VARIANCE = 60.0  # electrons², per pixel: 3.3 e- of read noise over the fiber's profile

# Exposure of each program: (seconds, brightness of the sky relative to a dark night).
_DARK, _BRIGHT = (1050.0, 1.0), (230.0, 3.0)

# Errors of the pipeline that belong to normal spectra (per arm, 1 sigma).
_IVAR_ERROR = 0.03
_GAIN_ERROR = (0.015, 0.010, 0.008)  # offset, tilt, curvature of the flux calibration
_SKY_ERROR = 0.010  # of the sky lines, coherent over an arm
_BAD_RUNS = 14.0  # runs of one or two masked pixels per arm, at most: 0.4 % of the pixels
_DEAD_SHARE = 0.3  # of the fibers without a target: broken, nothing arrives at all
MASK_COSMIC = np.uint32(4)  # bit 2 of DESI's pixel mask


class ArmModel(NamedTuple):
    """One arm: first lattice pixel, counts per flux unit in 1,000 s, and the sky, each (n,)."""

    start: int
    counts: NDArray[np.float64]
    continuum: NDArray[np.float64]
    lines: NDArray[np.float64]


class Exposure(NamedTuple):
    """How long and under what sky a fiber was exposed; `number` is the count of exposures.

    `excess` is the true noise over what the pipeline reports, beyond its own scatter.
    """

    seconds: float
    moon: float
    number: int
    excess: float


class Shot(NamedTuple):
    """Working arrays of one arm, (n,): expected flux, the same without anomaly, sigma, noise."""

    model: NDArray[np.float64]
    normal: NDArray[np.float64]
    sigma: NDArray[np.float64]
    noise: NDArray[np.float64]


@lru_cache(maxsize=1)
def arm_models() -> tuple[ArmModel, ArmModel, ArmModel]:
    """Return the three arms, blue first."""
    return tuple(_arm_model(arm) for arm in ARMS)


def _arm_model(arm: Arm) -> ArmModel:
    knots = np.array(_NOISE[arm])
    variance = np.interp(arm.wavelength, knots[:, 0], knots[:, 1]) ** 2
    continuum = sky_continuum(arm.wavelength)
    root = np.sqrt(continuum**2 + 4.0 * variance * _READ_VARIANCE)
    counts = (continuum + root) / (2.0 * variance) * (1000.0 / _NOISE_SECONDS)
    start = round((arm.first_wavelength - Arm.BLUE.first_wavelength) / 0.8)
    return ArmModel(start, counts, continuum, sky_lines(arm.wavelength))


def new_shot(n: int) -> Shot:
    """Return the working arrays of an arm of n pixels."""
    return Shot(np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n))


@njit(nogil=True, error_model="numpy")
def is_dead(target: Target) -> bool:
    """Return whether a fiber without a target is broken, so that all its ivar is 0."""
    return target.kind == NO_TARGET and uniform(branch(target.key, 42), 0) < _DEAD_SHARE


@njit(nogil=True, error_model="numpy")
def draw_exposure(target: Target) -> Exposure:
    """Draw exposure time and sky of a fiber; a quarter of the dark targets are seen repeatedly."""
    s = branch(target.key, 40)
    typical, moon = _DARK if target.program == 0 else _BRIGHT
    number = 1
    if target.program == 0 and uniform(s, 0) < 0.25:
        number = 2 + int(3.0 * uniform(s, 1))
    seconds = typical * number * math.exp(0.2 * normal(s, 2))
    excess = drift.NOISE if target.is_drifted else 1.0
    return Exposure(seconds, moon * math.exp(0.1 * normal(s, 3)), number, excess)


@njit(nogil=True, error_model="numpy")
def calibrate(
    flux: NDArray[np.float64], start: int, stream: np.uint64, out: NDArray[np.float64]
) -> None:
    """Take an arm's part, (n,), of the lattice and multiply it by the arm's calibration error."""
    n = len(out)
    offset = 1.0 + _GAIN_ERROR[0] * normal(stream, 0)
    tilt, curve = _GAIN_ERROR[1] * normal(stream, 1), _GAIN_ERROR[2] * normal(stream, 2)
    for i in range(n):
        x = 2.0 * i / n - 1.0
        out[i] = flux[start + i] * (offset + x * (tilt + curve * x))


@njit(nogil=True, error_model="numpy")
def add_sky_error(
    target: Target, arm: ArmModel, stream: np.uint64, out: NDArray[np.float64]
) -> None:
    """Leave a residue of the sky lines in expected flux, (n,).

    Their strength and their place are never known exactly.
    """
    empty = target.kind == SKY_FIBER or target.kind == NO_TARGET
    share = _SKY_ERROR * normal(stream, 3) * (1.3 if empty else 1.0)
    shift = 0.5 * _SKY_ERROR * normal(stream, 4)
    lines, last = arm.lines, len(arm.lines) - 1
    out[0] += share * lines[0] + shift * (lines[1] - lines[0])
    for i in range(1, last):
        out[i] += share * lines[i] + shift * (lines[i + 1] - lines[i - 1])
    out[last] += share * lines[last] + shift * (lines[last] - lines[last - 1])


@njit(nogil=True, error_model="numpy")
def estimate_sigma(exposure: Exposure, arm: ArmModel, shot: Shot) -> None:
    """Fill `shot.sigma` with the true noise of every pixel: sky, source and read noise."""
    for i in range(len(shot.sigma)):
        counts = arm.counts[i] * exposure.seconds * 1.0e-3
        sky = arm.continuum[i] * exposure.moon + arm.lines[i]
        electrons = counts * (sky + max(shot.model[i], 0.0))
        noise = math.sqrt(electrons + _READ_VARIANCE * exposure.number) / counts
        shot.sigma[i] = exposure.excess * noise


@njit(nogil=True, error_model="numpy")
def read_out(
    shot: Shot,
    stream: np.uint64,
    excess: float,
    row: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32]],
) -> None:
    """Draw the noise of an arm and write one row of flux, ivar and mask, each (n,)."""
    flux, ivar, mask = row
    n = len(flux)
    reported = excess**2 * (1.0 + _IVAR_ERROR * normal(stream, 5))
    fill_normals(branch(stream, 0), shot.noise)
    for i in range(n):
        flux[i] = shot.model[i] + shot.sigma[i] * shot.noise[i]
        ivar[i] = reported / (shot.sigma[i] * shot.sigma[i])
        mask[i] = 0
    bad = branch(stream, 1)
    for run in range(int(_BAD_RUNS * uniform(bad, 0))):
        first = int(between(bad, 2 * run + 1, 0.0, n - 1.0))
        for i in range(first, first + 1 + (uniform(bad, 2 * run + 2) < 0.4)):
            mask[i] = MASK_COSMIC
            ivar[i] = 0.0
