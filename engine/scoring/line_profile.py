"""Are the lines of a galaxy single? Two of everything are two galaxies, or two black holes.

Two peaks a few hundred km/s apart fall into one bin, so this looks at the pixels. All lines of a
spectrum are fitted with one Gaussian velocity profile, and with two of the same width; amplitudes
are free line by line, on a straight continuum. What the second component gains in chi² is the
statistic, less what a profile that is not quite Gaussian would gain of strong lines.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM

from .known import Known
from .pixels import Pixels
from .profile_gain import LINE_GROUPS, MOST_KINDS, explained

_LIGHT_KMS = speed_of_light / 1e3
_MARGIN_KMS = 1500.0  # on both sides of the lines of a group
_MOST_PIXELS = 320
_MOST_WINDOWS = 2 * len(LINE_GROUPS)  # a group may stand in two arms
# Lines must be so significant together, in chi², to have a profile.
_LEAST_CHI2 = 60.0
# A Gaussian is believed to so small a share of a line.
_SHARE = 0.08
_WIDTHS = (20.0, 50.0, 85.0, 130.0, 190.0, 280.0, 400.0)  # km/s, standard deviation
_SHIFTS = (-150.0, -75.0, 0.0, 75.0, 150.0)
_SPLITS = (150.0, 210.0, 280.0, 360.0, 460.0, 580.0, 720.0)
_PART_WIDTHS = (40.0, 80.0, 130.0)
# First steps of the search for the best, in the order of a profile's numbers, and how often halved.
_STEPS, _N_HALVINGS = (0.4, 40.0, 50.0, 0.4), 4
_ARMS = np.array([(arm.first_wavelength, arm.n_pixels) for arm in ARMS])


def second_components(pixels: Pixels, known: Known) -> NDArray[np.float32]:
    """Return how much better two velocities explain the lines of N spectra than one, (N,).

    √(1 + gain in chi² / (1 + share² × chi² of the lines)): 1 where there is no gain. NaN where no
    profile can be seen: not a galaxy, no redshift, lines too weak.

    Parameters
    ----------
    pixels : Pixels
        Of N spectra.
    known : Known
        Of the same spectra.
    """
    found = np.full(len(known), np.nan, np.float32)
    rows = np.flatnonzero((known.classes == "GALAXY") & (known.redshift > 0.002))
    _fill(pixels.flux, pixels.ivar, rows, known.redshift, found)
    return found


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _fill(
    flux: tuple[NDArray, ...],
    ivar: tuple[NDArray, ...],
    rows: NDArray,
    redshift: NDArray,
    found: NDArray,
) -> None:
    pixels = np.empty((_MOST_WINDOWS, 4, _MOST_PIXELS))
    facts = np.empty((_MOST_WINDOWS, 3))
    shapes = np.zeros((MOST_KINDS, _MOST_PIXELS))
    profile, other = np.zeros(4), np.zeros(4)
    for row in rows:
        n = 0
        for arm in range(3):
            n = _cut_out((flux[arm][row], ivar[arm][row]), _ARMS[arm], redshift[row],
                         (pixels, facts), n)  # fmt: skip
        windows = (pixels[:n], facts[:n], shapes, redshift[row])
        profile[:] = (100.0, 0.0, 0.0, 1.0)
        if n == 0 or explained(windows, profile) < _LEAST_CHI2 / 2:
            continue
        single = _best_single(windows, profile)
        if single < _LEAST_CHI2:
            continue
        gain = max(_best_double(windows, profile, other) - single, 0.0)
        found[row] = math.sqrt(1 + gain / (1 + _SHARE**2 * single))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _cut_out(
    spectrum: tuple[NDArray, NDArray],
    arm: NDArray,
    redshift: float,
    out: tuple[NDArray, NDArray],
    n: int,
) -> int:
    """Append the windows of an arm: pixels without a straight continuum; return how many there are.

    A window has rows of ivar, and of what is left of the flux and of two orthonormal continuum
    shapes, each times ivar; its facts are first wavelength, number of pixels and number of its
    group.
    """
    flux, ivar = spectrum
    pixels, facts = out
    for group in range(len(LINE_GROUPS)):
        lines = LINE_GROUPS[group, :, 0] * (1 + redshift)
        low = lines[0] * (1 - _MARGIN_KMS / _LIGHT_KMS)
        high = lines.max() * (1 + _MARGIN_KMS / _LIGHT_KMS)
        first = math.ceil((low - arm[0]) / STEP_ANGSTROM)
        last = math.floor((high - arm[0]) / STEP_ANGSTROM)
        if first < 0 or last >= arm[1] or last - first >= _MOST_PIXELS:
            continue
        n_pixels = last - first + 1
        facts[n, 0], facts[n, 1] = arm[0] + first * STEP_ANGSTROM, n_pixels
        facts[n, 2] = group
        for i in range(n_pixels):
            y, w = np.float64(flux[first + i]), np.float64(ivar[first + i])
            good = w > 0 and np.isfinite(w) and np.isfinite(y)
            pixels[n, 0, i], pixels[n, 1, i] = (w, y) if good else (0.0, 0.0)
        n += _without_continuum(pixels[n, :, :n_pixels])
    return n


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _without_continuum(pixels: NDArray) -> bool:
    """Take a straight line out of row 1, times row 0; False with too few pixels to do so."""
    weight, flux, level, slope = pixels
    total = weight.sum()
    if (weight > 0).sum() < len(flux) / 2 or total <= 0:
        return False
    level[:] = 1 / math.sqrt(total)
    places = np.arange(len(flux)) - (np.arange(len(flux)) * weight).sum() / total
    slope[:] = places / math.sqrt((places**2 * weight).sum())
    height, tilt = (flux * weight * level).sum(), (flux * weight * slope).sum()
    flux -= height * level + tilt * slope
    for row in (flux, level, slope):
        row *= weight
    return True


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _best_single(windows: tuple[NDArray, NDArray, NDArray, float], profile: NDArray) -> float:
    """Set the best profile of one component and return the chi² it explains."""
    best, width, shift = -1.0, 0.0, 0.0
    for profile[0] in _WIDTHS:
        for profile[1] in _SHIFTS:
            chi2 = explained(windows, profile)
            if chi2 > best:
                best, width, shift = chi2, profile[0], profile[1]
    profile[0], profile[1] = width, shift
    return _climb(windows, profile, best, 2)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _best_double(
    windows: tuple[NDArray, NDArray, NDArray, float], single: NDArray, profile: NDArray
) -> float:
    """Set the best profile of two components about a single one; return the chi² it explains."""
    best, kept = -1.0, (0.0, 0.0, 0.0, 0.0)
    for profile[0] in _PART_WIDTHS:
        for profile[2] in _SPLITS:
            # The single one may sit between the two, or on one of them that is higher.
            for side, profile[3] in ((-1 / 3, 2.0), (0.0, 1.0), (1 / 3, 0.5)):
                profile[1] = single[1] + side * profile[2]
                chi2 = explained(windows, profile)
                if chi2 > best:
                    best, kept = chi2, (profile[0], profile[1], profile[2], profile[3])
    profile[0], profile[1], profile[2], profile[3] = kept
    return _climb(windows, profile, best, 4)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _climb(
    windows: tuple[NDArray, NDArray, NDArray, float], profile: NDArray, best: float, n_free: int
) -> float:
    """Improve the first numbers of a profile, one at a time in smaller and smaller steps."""
    scale = 1.0
    for _ in range(_N_HALVINGS):
        for number in range(n_free):
            for sign in (-1.0, 1.0):
                kept = profile[number]
                step = sign * scale * _STEPS[number]
                # Width and ratio are stepped by factors.
                profile[number] = kept * math.exp(step) if number in (0, 3) else kept + step
                chi2 = explained(windows, profile)
                if chi2 > best:
                    best = chi2
                else:
                    profile[number] = kept
        scale /= 2
    return best
