"""How much of the emission lines of a spectrum a velocity profile explains, in chi²."""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.grid import STEP_ANGSTROM
from anomaly_explorer.engine.spectra.lines import LINES

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
_MOST_LINES, MOST_KINDS = 3, 2
_INSTRUMENT = 0.7  # standard deviation of a line, Å
_REACH = 4.0


def _line_table() -> NDArray[np.float64]:
    """Return rest wavelength (0 = none), height and kind of each line of each group, (G, 3, 3)."""
    rest = {line.name: line.wavelength for line in LINES}
    table = np.zeros((len(_GROUPS), _MOST_LINES, 3))
    for rows, lines in zip(table, _GROUPS, strict=True):
        rows[: len(lines)] = [(rest[name], height, kind) for name, height, kind in lines]
    return table


# What `explained` fits.
LINE_GROUPS = _line_table()


@numba.njit(nogil=True, cache=True, error_model="numpy")
def explained(windows: tuple[NDArray, NDArray, NDArray, float], profile: NDArray) -> float:
    """Return the chi² that lines of a velocity profile explain, over all windows.

    Parameters
    ----------
    windows : tuple
        Pixels of W windows, (W, 4, n): ivar, and flux and two orthonormal shapes of the continuum
        times ivar, of which the flux has no more; first wavelength (Å), number of pixels and number
        of the group of each, (W, 3); room for shapes, (MOST_KINDS, n), all zero; redshift.
    profile : (4,) float64
        Standard deviation, shift and split of the components (km/s), and the height of the redder
        over that of the bluer; the shift is that of their centroid.
    """
    pixels, facts, shapes, redshift = windows
    total = 0.0
    for window in range(len(pixels)):
        # Only where the lines are; the shapes are zero again afterwards.
        low, high, n_kinds = int(facts[window, 1]), 0, 0
        for rest, height, kind in LINE_GROUPS[int(facts[window, 2])]:
            if rest > 0:
                at = (rest * (1 + redshift), facts[window, 0])
                shape = shapes[int(kind), : int(facts[window, 1])]
                first, last = _draw(at, height, profile, shape)
                low, high = min(low, first), max(high, last)
                n_kinds = max(n_kinds, int(kind) + 1)
        if low < high:
            total += _gain(pixels[window], shapes, (low, high), n_kinds)
            shapes[:, low:high] = 0
    return total


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _draw(
    at: tuple[float, float], height: float, profile: NDArray, shape: NDArray
) -> tuple[int, int]:
    """Add a line at an observed wavelength (Å), given with that of the first pixel.

    Returns the first pixel it reaches and the one behind its last.
    """
    ratio = profile[3]
    width = math.hypot(at[0] * profile[0] / _LIGHT_KMS, _INSTRUMENT) / STEP_ANGSTROM
    from_, to = len(shape), 0
    # A Gaussian is drawn from pixel to pixel: the ratio of neighbors falls by a constant factor.
    bend = math.exp(-1 / width**2)
    for part in range(2 if profile[2] > 0 else 1):
        away = profile[2] * (ratio if part == 0 else 1.0) / (1 + ratio)
        velocity = profile[1] + (away if part else -away)
        center = (at[0] * (1 + velocity / _LIGHT_KMS) - at[1]) / STEP_ANGSTROM
        low = max(math.ceil(center - _REACH * width), 0)
        high = min(math.floor(center + _REACH * width), len(shape) - 1) + 1
        if low >= high:
            continue
        x = (low - center) / width
        value = height * (ratio if part else 1.0) * math.exp(-0.5 * x * x)
        step = math.exp(-(x + 0.5 / width) / width)
        for i in range(low, high):
            shape[i] += value
            value *= step
            step *= bend
        from_, to = min(from_, low), max(to, high)
    return from_, to


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _gain(pixels: NDArray, shapes: NDArray, place: tuple[int, int], n_kinds: int) -> float:
    """Return the chi² explained by the best amplitudes of one or two kinds of lines, none < 0."""
    first = _match(pixels, shapes[0], place)
    alone = _chi2(first)
    if n_kinds == 1:
        return alone
    second = _match(pixels, shapes[1], place)
    both = _overlap(pixels[0], (shapes[0], shapes[1]), place)
    both -= first[2] * second[2] + first[3] * second[3]
    best = max(alone, _chi2(second))
    left = first[1] * second[1] - both**2
    if left > 1e-6 * first[1] * second[1]:
        one = (second[1] * first[0] - both * second[0]) / left
        two = (first[1] * second[0] - both * first[0]) / left
        if one > 0 and two > 0:
            return one * first[0] + two * second[0]
    return best


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _chi2(match: tuple[float, float, float, float]) -> float:
    return match[0] ** 2 / match[1] if match[0] > 0 and match[1] > 0 else 0.0


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _match(
    pixels: NDArray, shape: NDArray, place: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the product of a shape with the flux, its power beside the continuum, and with that.

    Sums may be taken in any order, so that several pixels are added at once.
    """
    low, high = place
    weight, flux = pixels[0][low:high], pixels[1][low:high]
    level, slope, drawn = pixels[2][low:high], pixels[3][low:high], shape[low:high]
    pull = power = on_level = on_slope = 0.0
    for i in range(len(drawn)):
        pull += drawn[i] * flux[i]
        power += drawn[i] * drawn[i] * weight[i]
        on_level += drawn[i] * level[i]
        on_slope += drawn[i] * slope[i]
    return pull, power - on_level**2 - on_slope**2, on_level, on_slope


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def _overlap(weight: NDArray, shapes: tuple[NDArray, NDArray], place: tuple[int, int]) -> float:
    """Return the product of two shapes."""
    low, high = place
    inverse, one, two = weight[low:high], shapes[0][low:high], shapes[1][low:high]
    total = 0.0
    for i in range(len(one)):
        total += one[i] * two[i] * inverse[i]
    return total
