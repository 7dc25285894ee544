"""Is there a narrow emission line where none is known? A galaxy behind, or a wrong redshift.

A faint line fills a third of a bin, so this looks at pairs of pixels: boxes of a few pairs against
the continuum on both sides of them. How much a class rises there at that rest wavelength, and how
differently, was learned from normals: see `expected_excess`. Lines at the pipeline's redshift are
left out.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM
from anomaly_explorer.engine.spectra.lines import LINES

from .expected_excess import BOXES, FIRST_LN, N_PLACES, STEP_LN, ExpectedExcess, shipped_excess
from .known import Known
from .pixels import Pixels

_LIGHT_KMS = speed_of_light / 1e3
_LINES = np.array([line.wavelength for line in LINES if line.kind != "absorption"])
# Left out on both sides of a known line, km/s and Å: quasars have broad ones, and what a star emits
# is odd.
_HIDDEN_KMS = {"GALAXY": 500.0, "QSO": 1500.0, "STAR": 0.0}
_HIDDEN_ANGSTROM = 2.5
_BOXES = np.array(BOXES)
# Pairs of pixels of the continuum on each side, and between it and the box; where a first box is.
_SIDE, _GAP = 15, 1
_FIRST = _SIDE + _GAP
_LEAST_SIDE = 15  # good pixels on each side
_SHARE = 0.01  # of the continuum, that nobody knows better
_ARMS = np.array([(arm.first_wavelength, arm.n_pixels) for arm in ARMS])
# Log wavelength of each pair in steps of the tables, (3, pairs); those beyond the end of an arm are
# not used.
_PAIRS = STEP_ANGSTROM * (2 * np.arange(max(arm.n_pixels for arm in ARMS) // 2) + 0.5)
_LN_STEPS = (np.log(_ARMS[:, :1] + _PAIRS) / STEP_LN).astype(np.float32)
# Relative excess is held to so much when it is learned, of continua known so well.
_CLIP, _KNOWN_TO = 0.5, 0.05


def strongest_lines(
    pixels: Pixels, known: Known, expected: ExpectedExcess | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the significance of the strongest narrow line of N spectra, and where it is, in Å.

    Both are (N,), NaN where none can be looked for: no class, no redshift, no good pixels.

    Parameters
    ----------
    pixels : Pixels
        Of N spectra.
    known : Known
        Of the same spectra.
    expected : ExpectedExcess, optional
        Default: the shipped one.
    """
    expected = expected or shipped_excess()
    found = np.full((2, len(known.classes)), np.nan, np.float32)
    for name, (mean, variance) in expected.by_class.items():
        rows = _rows_of(name, known)
        _search(pixels.flux, pixels.ivar, (rows, known.redshift, _HIDDEN_KMS[name]),
                (mean, variance), found)  # fmt: skip
    return found[0], found[1]


def excess_moments(pixels: Pixels, known: Known, name: str) -> NDArray[np.float64]:
    """Return number, sum and sum of squares less noise of relative excess, (S, P, 3).

    What `ExpectedExcess.fit` asks for.

    Parameters
    ----------
    pixels : Pixels
        Of N spectra.
    known : Known
        Of the same spectra.
    name : str
        Class of those that count, where their continuum is known well.
    """
    moments = np.zeros((len(BOXES), N_PLACES, 3))
    objects = (_rows_of(name, known), known.redshift, _HIDDEN_KMS[name])
    _gather(pixels.flux, pixels.ivar, objects, moments)
    return moments


def _rows_of(name: str, known: Known) -> NDArray[np.intp]:
    has_redshift = np.isfinite(known.redshift) & (known.redshift > -0.1)
    return np.flatnonzero((known.classes == name) & has_redshift)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _search(
    flux: tuple[NDArray, ...], ivar: tuple[NDArray, ...], objects: tuple, expected: tuple,
    found: NDArray,
) -> None:  # fmt: skip
    rows, redshift, hidden_kms = objects
    sums, sides, boxes = _scratch()
    for row in rows:
        best, at = np.float32(-np.inf), 0.0
        for arm in range(3):
            spectrum = (flux[arm][row], ivar[arm][row])
            n, shift = _take_up(spectrum, (arm, redshift[row], hidden_kms), sums, sides)
            for box in range(len(_BOXES)):
                places = _look_into(sums, sides, boxes, (arm, n, _BOXES[box]))
                _rate(boxes, (places, shift), (expected[0][box], expected[1][box]))
                for i in range(len(places)):
                    if boxes[0][i] > best:
                        best = boxes[0][i]
                        middle = 2 * (_FIRST + i) + _BOXES[box] - 0.5
                        at = _ARMS[arm, 0] + STEP_ANGSTROM * middle
        if best > -np.inf:
            # What was compared is the square, with the sign of the excess.
            found[0, row] = math.copysign(math.sqrt(abs(best)), best)
            found[1, row] = at


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _gather(
    flux: tuple[NDArray, ...], ivar: tuple[NDArray, ...], objects: tuple, moments: NDArray
) -> None:
    rows, redshift, hidden_kms = objects
    sums, sides, boxes = _scratch()
    for row in rows:
        for arm in range(3):
            spectrum = (flux[arm][row], ivar[arm][row])
            n, shift = _take_up(spectrum, (arm, redshift[row], hidden_kms), sums, sides)
            for box in range(len(_BOXES)):
                places = _look_into(sums, sides, boxes, (arm, n, _BOXES[box]))
                _add(boxes, (places, shift), moments[box])


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _add(boxes: tuple[NDArray, ...], place: tuple, moments: NDArray) -> None:
    """Add the relative excess of each box to the moments of its place."""
    places, shift = place
    for i in range(len(places)):
        excess, noise, level = boxes[0][i], boxes[1][i], boxes[2][i]
        at = places[i] - shift
        if level > 0 and noise < (_KNOWN_TO * level) ** 2 and 0 <= at < N_PLACES:
            relative = min(max(excess / level, -_CLIP), _CLIP)
            one = moments[int(at)]
            one[0] += 1
            one[1] += relative
            one[2] += relative**2 - noise / level**2


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _scratch() -> tuple[tuple, tuple, tuple]:
    """Return room for sums up to each pair, for both sides of boxes, and for boxes."""
    # One array for each: rows of a slice of one array would not be vectorized.
    n = _LN_STEPS.shape[1]
    one = np.empty(n, np.float32)
    sums = (np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1, np.int32))
    return sums, (one, one.copy()), (one.copy(), one.copy(), one.copy(), one.copy(), one.copy())


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _take_up(
    spectrum: tuple[NDArray, NDArray],
    place: tuple,
    sums: tuple[NDArray, NDArray, NDArray],
    sides: tuple[NDArray, NDArray],
) -> tuple[int, float]:
    """Set sums, and mean and variance of the side that begins with each pair, of an arm.

    Returns the number of pairs, and what their places in `_LN_STEPS` are ahead of in the tables.
    """
    n = _sum_up(spectrum, place, sums)
    n_sides = n - _SIDE + 1
    _average(sums, (0, _SIDE), _LEAST_SIDE, (sides[0][:n_sides], sides[1][:n_sides]))
    return n, np.float32((math.log(1 + place[1]) + FIRST_LN) / STEP_LN)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _sum_up(
    spectrum: tuple[NDArray, NDArray], place: tuple, sums: tuple[NDArray, NDArray, NDArray]
) -> int:
    """Sum weight, weight × flux and good pixels up to each pair; return how many pairs there are.

    Pixels of known lines are no good ones.
    """
    flux, ivar = spectrum
    is_hidden = _hidden(place, len(flux))
    weight, product, count = 0.0, 0.0, 0
    n_pairs = len(flux) // 2
    for pair in range(n_pairs):
        for i in (2 * pair, 2 * pair + 1):
            y, w = np.float64(flux[i]), np.float64(ivar[i])
            if not is_hidden[i] and w > 0 and np.isfinite(w) and np.isfinite(y):
                weight += w
                product += w * y
                count += 1
        sums[0][pair + 1], sums[1][pair + 1], sums[2][pair + 1] = weight, product, count
    return n_pairs


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _hidden(place: tuple, n_pixels: int) -> NDArray:
    """Return which pixels of an arm lie on known lines."""
    arm, redshift, hidden_kms = place
    is_hidden = np.zeros(n_pixels, np.bool_)
    if hidden_kms > 0:
        for line in range(len(_LINES)):
            at = _LINES[line] * (1 + redshift)
            reach = at * hidden_kms / _LIGHT_KMS + _HIDDEN_ANGSTROM
            low = max(int((at - reach - _ARMS[arm, 0]) / STEP_ANGSTROM), 0)
            high = min(int((at + reach - _ARMS[arm, 0]) / STEP_ANGSTROM) + 2, n_pixels)
            for i in range(low, high):
                is_hidden[i] = True
    return is_hidden


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _average(
    sums: tuple[NDArray, NDArray, NDArray],
    run: tuple[int, int],
    least: int,
    out: tuple[NDArray, NDArray],
) -> None:
    """Set mean and variance of runs of pairs, the first from `run[0]` on and `run[1]` long.

    Where fewer than `least` pixels are good the variance is infinite and the mean no number.
    """
    mean, variance = out
    first, last, n = run[0], run[0] + run[1], len(mean)
    # Few arrays in a loop, and views that begin where they are read: else it is not vectorized.
    low, high = sums[0][first : first + n], sums[0][last : last + n]
    for i in range(n):
        variance[i] = high[i] - low[i]
    from_, to = sums[2][first : first + n], sums[2][last : last + n]
    for i in range(n):
        variance[i] = np.float32(1) / (variance[i] if to[i] - from_[i] >= least else 0)
    low, high = sums[1][first : first + n], sums[1][last : last + n]
    for i in range(n):
        mean[i] = np.float32(high[i] - low[i]) * variance[i]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _look_into(
    sums: tuple[NDArray, NDArray, NDArray],
    sides: tuple[NDArray, NDArray],
    boxes: tuple[NDArray, ...],
    size: tuple[int, int, int],
) -> NDArray:
    """Set excess, its variance and continuum of every box; return where they are in `_LN_STEPS`.

    Where too few pixels are good the variance is infinite and the excess no number.
    """
    arm, n, width = size
    n_boxes = n - 2 * _FIRST - width + 1
    excess, variance, level = boxes[0][:n_boxes], boxes[1][:n_boxes], boxes[2][:n_boxes]
    _average(sums, (_FIRST, width), 2 * width - 1, (excess, variance))
    right = _FIRST + width + _GAP
    left_mean, right_mean = sides[0][:n_boxes], sides[0][right : right + n_boxes]
    for i in range(n_boxes):
        level[i] = np.float32(0.5) * (left_mean[i] + right_mean[i])
    for i in range(n_boxes):
        excess[i] -= level[i]
    left_variance, right_variance = sides[1][:n_boxes], sides[1][right : right + n_boxes]
    for i in range(n_boxes):
        variance[i] += np.float32(0.25) * (left_variance[i] + right_variance[i])
    return _LN_STEPS[arm, _FIRST + width // 2 :][:n_boxes]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _rate(boxes: tuple[NDArray, ...], place: tuple, expected: tuple[NDArray, NDArray]) -> None:
    """Turn the excess of each box into its significance, squared, with its sign."""
    places, shift = place
    n = len(places)
    excess, variance, level = boxes[0][:n], boxes[1][:n], boxes[2][:n]
    mean, scatter = boxes[3][:n], boxes[4][:n]
    for i in range(n):
        at = np.uint32(min(max(places[i] - shift, np.float32(0)), np.float32(N_PLACES - 1)))
        mean[i], scatter[i] = expected[0][at], expected[1][at]
    for i in range(n):
        excess[i] -= level[i] * mean[i]
    for i in range(n):
        variance[i] += level[i] * level[i] * (scatter[i] + np.float32(_SHARE**2))
    for i in range(n):
        excess[i] = excess[i] * abs(excess[i]) / variance[i]
