"""The canvas a noiseless spectrum is painted on, and the brushes: lines, troughs, smooth factors.

The three arms of DESI lie on one lattice of 7,781 pixels of 0.8 Å from 3600 Å (DESI data model).
A spectrum is painted once on that lattice, (7781,), and then seen by each arm.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled

FIRST_WAVELENGTH = 3600.0
STEP = 0.8
N_LATTICE = 7781
PIXELS_PER_KNOT = 16
N_KNOTS = N_LATTICE // PIXELS_PER_KNOT + 2
LIGHT_KM_S = 299792.458

_REACH = 5.0  # a Gaussian is painted out to this many sigma
_ROOT_TWO_PI = math.sqrt(2.0 * math.pi)

# Line-spread sigma in Å, measured on real coadds of main-survey depth (blue, red, near-infrared).
LSF_WAVELENGTH = np.array([3600.0, 4500.0, 5500.0, 5780.0, 6600.0, 7560.0, 7650.0, 8800.0, 9824.0])
LSF_SIGMA = np.array([0.689, 0.673, 0.645, 0.643, 0.644, 0.655, 0.718, 0.700, 0.780])


class Canvas(NamedTuple):
    """Working arrays of one thread, (7781,) each, and the knots of a smooth factor.

    `clean` is the flux without anomaly, `other` that of a second object, `spare` a component;
    `rest` is a mixture of templates on their own, rest-frame grid.
    """

    flux: NDArray[np.float64]
    clean: NDArray[np.float64]
    other: NDArray[np.float64]
    spare: NDArray[np.float64]
    knots: NDArray[np.float64]
    rest: NDArray[np.float64]


def new_canvas(n_rest: int) -> Canvas:
    """Return an empty canvas for templates of (n_rest,) wavelengths."""
    return Canvas(*(np.zeros(N_LATTICE) for _ in range(4)), np.zeros(N_KNOTS), np.zeros(n_rest))


@compiled("float64(float64)")
def wavelength_of(pixel: float) -> float:
    """Return the wavelength of a lattice pixel in Å."""
    return FIRST_WAVELENGTH + STEP * pixel


@compiled("float64(float64)")
def pixel_of(wavelength: float) -> float:
    """Return the (fractional) lattice pixel of a wavelength in Å."""
    return (wavelength - FIRST_WAVELENGTH) / STEP


@compiled("float64(float64)")
def lsf_sigma(wavelength: float) -> float:
    """Return the line-spread sigma in Å."""
    k = 0
    while k < len(LSF_WAVELENGTH) - 2 and wavelength > LSF_WAVELENGTH[k + 1]:
        k += 1
    share = (wavelength - LSF_WAVELENGTH[k]) / (LSF_WAVELENGTH[k + 1] - LSF_WAVELENGTH[k])
    share = min(max(share, 0.0), 1.0)
    return LSF_SIGMA[k] + share * (LSF_SIGMA[k + 1] - LSF_SIGMA[k])


@compiled("float64(float64, float64)")
def observed_sigma(wavelength: float, sigma_km_s: float) -> float:
    """Return the sigma in Å at which the instrument sees a line of given velocity dispersion."""
    intrinsic = wavelength * sigma_km_s / LIGHT_KM_S
    return math.sqrt(intrinsic**2 + lsf_sigma(wavelength) ** 2)


@compiled()
def _window(center: float, reach: float) -> tuple[int, int]:
    middle = pixel_of(center)
    first = max(0, math.ceil(middle - reach / STEP))
    return first, min(N_LATTICE, math.floor(middle + reach / STEP) + 1)


@compiled("void(float64[::1], float64, float64, float64)")
def add_line(flux: NDArray[np.float64], center: float, area: float, sigma: float) -> None:
    """Add a Gaussian line: centre and sigma in Å, area in 1e-17 erg s⁻¹ cm⁻²."""
    peak = area / (sigma * _ROOT_TWO_PI)
    first, last = _window(center, _REACH * sigma)
    for i in range(first, last):
        x = (wavelength_of(i) - center) / sigma
        flux[i] += peak * math.exp(-0.5 * x * x)


@compiled("void(float64[::1], float64, float64, float64)")
def absorb_gaussian(flux: NDArray[np.float64], center: float, depth: float, sigma: float) -> None:
    """Multiply by exp(-depth × Gaussian); a negative depth brightens."""
    first, last = _window(center, _REACH * sigma)
    for i in range(first, last):
        x = (wavelength_of(i) - center) / sigma
        flux[i] *= math.exp(-depth * math.exp(-0.5 * x * x))


@compiled("void(float64[::1], float64, float64, float64)")
def absorb_lorentz(flux: NDArray[np.float64], center: float, depth: float, width: float) -> None:
    """Multiply by exp(-depth × Lorentzian of half-width `width` Å), out to 30 half-widths."""
    first, last = _window(center, 30.0 * width)
    for i in range(first, last):
        x = (wavelength_of(i) - center) / width
        flux[i] *= math.exp(-depth / (1.0 + x * x))


@compiled()
def multiply_smooth(flux: NDArray[np.float64], knots: NDArray[np.float64]) -> None:
    """Multiply by a smooth factor given every 16 pixels, (N_KNOTS,), linear in between."""
    for knot in range(N_KNOTS - 1):
        low, rise = knots[knot], knots[knot + 1] - knots[knot]
        first = knot * PIXELS_PER_KNOT
        for rest in range(min(PIXELS_PER_KNOT, N_LATTICE - first)):
            flux[first + rest] *= low + rise * (rest / PIXELS_PER_KNOT)


@compiled()
def level(flux: NDArray[np.float64]) -> float:
    """Return the mean flux from 6000 to 7000 Å, where the brightness of an object is stated."""
    total = 0.0
    for i in range(3000, 4250):
        total += flux[i]
    return total / 1250.0


@compiled()
def scale_to(flux: NDArray[np.float64], wanted: float) -> float:
    """Scale the canvas so that its level is `wanted`; return the factor."""
    factor = wanted / max(level(flux), 1e-30)
    for i in range(N_LATTICE):
        flux[i] *= factor
    return factor


@compiled("float64(float64, float64)")
def planck(wavelength: float, kelvin: float) -> float:
    """Return the black-body flux density per Å relative to 5500 Å, dimensionless."""
    x = 1.4387769e8 / kelvin  # second radiation constant in Å K (CODATA 2018)
    high = math.expm1(x / 5500.0)
    return (5500.0 / wavelength) ** 5 * high / math.expm1(min(x / wavelength, 600.0))


@compiled("float64(float64)")
def dust_curve(wavelength: float) -> float:
    """Return A(λ)/A_V of starlight through dust: the power law of Charlot & Fall 2000."""
    return (wavelength / 5500.0) ** -0.7
