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

from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM, Arm
from anomaly_explorer.engine.spectra.lines import LINES
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, stored_rows

from .known import Known

_LIGHT_KMS = speed_of_light / 1e3
# Lines that blend, fitted together: how high each is beside the others of its kind. Ratios that
# atoms set are held (Storey & Zeippen 2000; mean of the range for [O II] and [S II]).
_GROUPS = (
    (("[O II] 3726", 0.8, 0), ("[O II] 3729", 1.0, 0)),
    (("Hβ", 1.0, 0),),
    (("[O III] 4959", 1.0, 0),),
    (("[O III] 5007", 1.0, 0),),
    (("[N II] 6548", 0.33, 1), ("Hα", 1.0, 0), ("[N II] 6584", 1.0, 1)),
    (("[S II] 6716", 1.0, 0), ("[S II] 6731", 0.75, 0)),
)
_MOST_LINES, _MOST_KINDS = 3, 2
_MARGIN_KMS = 1500.0  # on both sides of the lines of a group
_MOST_PIXELS = 320
_MOST_WINDOWS = 2 * len(_GROUPS)  # a group may stand in two arms
_INSTRUMENT = 0.7  # standard deviation of a line, Å
_REACH = 4.0
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


def _line_table() -> NDArray[np.float64]:
    """Return rest wavelength (0 = none), height and kind of each line of each group, (G, 3, 3)."""
    rest = {line.name: line.wavelength for line in LINES}
    table = np.zeros((len(_GROUPS), _MOST_LINES, 3))
    for rows, lines in zip(table, _GROUPS, strict=True):
        rows[: len(lines)] = [(rest[name], height, kind) for name, height, kind in lines]
    return table


_LINES = _line_table()
_ARMS = np.array([(arm.first_wavelength, arm.n_pixels) for arm in ARMS])


def second_components(batch: SpectrumBatch | StoredBatch, known: Known) -> NDArray[np.float32]:
    """Return how much better two velocities explain the lines of N spectra than one, (N,).

    √(1 + gain in chi² / (1 + share² × chi² of the lines)): 1 where there is no gain. NaN where no
    profile can be seen: not a galaxy, no redshift, lines too weak.

    Parameters
    ----------
    batch : SpectrumBatch or StoredBatch
        How their pixels are stored changes no bit of the result.
    known : Known
        Of the same spectra.
    """
    found = np.full(len(batch), np.nan, np.float32)
    rows = np.flatnonzero((known.classes == "GALAXY") & (known.redshift > 0.002))
    if not len(rows):
        return found
    flux, ivar = zip(*(_good_pixels(batch, arm, rows) for arm in ARMS), strict=True)
    of_galaxies = np.full(len(rows), np.nan, np.float32)
    _fill(flux, ivar, known.redshift[rows], of_galaxies)
    found[rows] = of_galaxies
    return found


def _good_pixels(
    batch: SpectrumBatch | StoredBatch, arm: Arm, rows: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return flux and ivar of an arm of some spectra; ivar is 0 of pixels that are masked."""
    flux, ivar, mask = (image.take(rows) for image in stored_rows(batch, arm))
    return flux.floats(), np.where(mask.words == mask.word_of(0), ivar.floats(), np.float32(0))


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _fill(
    flux: tuple[NDArray, ...], ivar: tuple[NDArray, ...], redshift: NDArray, found: NDArray
) -> None:
    pixels = np.empty((_MOST_WINDOWS, 4, _MOST_PIXELS))
    facts = np.empty((_MOST_WINDOWS, 3))
    profile, other = np.zeros(4), np.zeros(4)
    for row in range(len(redshift)):
        n = 0
        for arm in range(3):
            n = _cut_out((flux[arm][row], ivar[arm][row]), _ARMS[arm], redshift[row],
                         (pixels, facts), n)  # fmt: skip
        windows = (pixels[:n], facts[:n], redshift[row])
        profile[:] = (100.0, 0.0, 0.0, 1.0)
        if n == 0 or _explained(windows, profile) < _LEAST_CHI2 / 2:
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

    A window has rows of what is left of the flux, ivar, and two orthonormal continuum shapes; its
    facts are first wavelength, number of pixels and number of its group.
    """
    flux, ivar = spectrum
    pixels, facts = out
    for group in range(len(_LINES)):
        lines = _LINES[group, :, 0] * (1 + redshift)
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
            pixels[n, 0, i], pixels[n, 1, i] = (y, w) if good else (0.0, 0.0)
        n += _without_continuum(pixels[n, :, :n_pixels])
    return n


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _without_continuum(pixels: NDArray) -> bool:
    """Take a straight line out of row 0; False where there is not enough to do so."""
    flux, weight, level, slope = pixels
    total = weight.sum()
    if (weight > 0).sum() < len(flux) / 2 or total <= 0:
        return False
    level[:] = 1 / math.sqrt(total)
    places = np.arange(len(flux)) - (np.arange(len(flux)) * weight).sum() / total
    slope[:] = places / math.sqrt((places**2 * weight).sum())
    height, tilt = (flux * weight * level).sum(), (flux * weight * slope).sum()
    flux -= height * level + tilt * slope
    return True


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _best_single(windows: tuple[NDArray, NDArray, float], profile: NDArray) -> float:
    """Set the best profile of one component and return the chi² it explains."""
    best, width, shift = -1.0, 0.0, 0.0
    for profile[0] in _WIDTHS:
        for profile[1] in _SHIFTS:
            chi2 = _explained(windows, profile)
            if chi2 > best:
                best, width, shift = chi2, profile[0], profile[1]
    profile[0], profile[1] = width, shift
    return _climb(windows, profile, best, 2)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _best_double(
    windows: tuple[NDArray, NDArray, float], single: NDArray, profile: NDArray
) -> float:
    """Set the best profile of two components about a single one; return the chi² it explains."""
    best, kept = -1.0, (0.0, 0.0, 0.0, 0.0)
    for profile[0] in _PART_WIDTHS:
        for profile[2] in _SPLITS:
            # The single one may sit between the two, or on one of them that is higher.
            for side, profile[3] in ((-1 / 3, 2.0), (0.0, 1.0), (1 / 3, 0.5)):
                profile[1] = single[1] + side * profile[2]
                chi2 = _explained(windows, profile)
                if chi2 > best:
                    best, kept = chi2, (profile[0], profile[1], profile[2], profile[3])
    profile[0], profile[1], profile[2], profile[3] = kept
    return _climb(windows, profile, best, 4)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _climb(
    windows: tuple[NDArray, NDArray, float], profile: NDArray, best: float, n_free: int
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
                chi2 = _explained(windows, profile)
                if chi2 > best:
                    best = chi2
                else:
                    profile[number] = kept
        scale /= 2
    return best


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _explained(windows: tuple[NDArray, NDArray, float], profile: NDArray) -> float:
    """Return the chi² that lines of a velocity profile explain, over all windows.

    A profile is standard deviation, shift and split of the components (km/s), and the height of the
    redder over that of the bluer; the shift is that of their centroid.
    """
    pixels, facts, redshift = windows
    shapes = np.empty((_MOST_KINDS, _MOST_PIXELS))
    total = 0.0
    for window in range(len(pixels)):
        n_pixels, n_kinds = int(facts[window, 1]), 0
        shapes[:, :n_pixels] = 0
        for rest, height, kind in _LINES[int(facts[window, 2])]:
            if rest > 0:
                at = (rest * (1 + redshift), facts[window, 0])
                _draw(at, height, profile, shapes[int(kind), :n_pixels])
                n_kinds = max(n_kinds, int(kind) + 1)
        total += _gain(pixels[window, :, :n_pixels], shapes[:n_kinds, :n_pixels])
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _draw(at: tuple[float, float], height: float, profile: NDArray, shape: NDArray) -> None:
    """Add a line at an observed wavelength (Å), given with that of the first pixel."""
    ratio = profile[3]
    width = math.hypot(at[0] * profile[0] / _LIGHT_KMS, _INSTRUMENT) / STEP_ANGSTROM
    for part in range(2 if profile[2] > 0 else 1):
        away = profile[2] * (ratio if part == 0 else 1.0) / (1 + ratio)
        velocity = profile[1] + (away if part else -away)
        center = (at[0] * (1 + velocity / _LIGHT_KMS) - at[1]) / STEP_ANGSTROM
        low = max(math.ceil(center - _REACH * width), 0)
        high = min(math.floor(center + _REACH * width), len(shape) - 1)
        for i in range(low, high + 1):
            x = (i - center) / width
            shape[i] += height * (ratio if part else 1.0) * math.exp(-0.5 * x * x)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _gain(pixels: NDArray, shapes: NDArray) -> float:
    """Return the chi² explained by the best amplitudes of one or two kinds of lines, none < 0."""
    first = _match(pixels, shapes[0], shapes[0])
    alone = _chi2(first)
    if len(shapes) == 1:
        return alone
    second, both = _match(pixels, shapes[1], shapes[1]), _match(pixels, shapes[0], shapes[1])
    best = max(alone, _chi2(second))
    left = first[1] * second[1] - both[1] ** 2
    if left > 1e-6 * first[1] * second[1]:
        one = (second[1] * first[0] - both[1] * second[0]) / left
        two = (first[1] * second[0] - both[1] * first[0]) / left
        if one > 0 and two > 0:
            return one * first[0] + two * second[0]
    return best


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _chi2(match: tuple[float, float]) -> float:
    return match[0] ** 2 / match[1] if match[0] > 0 and match[1] > 0 else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _match(pixels: NDArray, shape: NDArray, other: NDArray) -> tuple[float, float]:
    """Return the product of a shape with the flux and with another shape, beside the continuum."""
    flux, weight, level, slope = pixels
    pull = power = on_level = on_slope = of_level = of_slope = 0.0
    for i in range(len(flux)):
        if shape[i] == 0 and other[i] == 0:
            continue
        one, two = shape[i] * weight[i], other[i] * weight[i]
        pull += one * flux[i]
        power += one * other[i]
        on_level += one * level[i]
        on_slope += one * slope[i]
        of_level += two * level[i]
        of_slope += two * slope[i]
    return pull, power - on_level * of_level - on_slope * of_slope
