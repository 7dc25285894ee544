"""Rest-frame templates made from black bodies, breaks and lists of absorption lines.

Stars are a sequence in effective temperature, each with a continuum (black body, Balmer jump and
lines, molecular bands) and a metal opacity, so that a star of metallicity m is
continuum × exp(-m × opacity). Galaxies are four stellar populations summed from those stars.
Wavelengths are vacuum Å. Lines: NIST Atomic Spectra Database; band heads: Pearse & Gaydon 1976.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import planck
from .random import normal, uniform

REST_FIRST, REST_STEP = 1000.0, 0.5
N_REST = 17840  # up to 9920 Å
STAR_FIRST = 3550.0
N_STAR = N_REST - int((STAR_FIRST - REST_FIRST) / REST_STEP)

TEMPERATURES = np.array(
    [2700, 3000, 3300, 3600, 3900, 4400, 5000, 5600, 6200, 6900, 7800, 9200, 12000, 20000, 32000.0]
)

# Balmer lines from the Rydberg formula of hydrogen, R_H = 109677.58 cm⁻¹.
BALMER = np.array([1e8 / 109677.58 / (0.25 - 1.0 / n**2) for n in range(3, 16)])

# (wavelength, opacity at the centre, sigma Å, temperature of greatest strength, width in ln T).
_METALS = (
    (2796.4, 2.0, 3.0, 5000, 0.5),  # Mg II
    (2803.5, 1.8, 3.0, 5000, 0.5),
    (2852.9, 1.5, 5.0, 4600, 0.3),  # Mg I
    (3934.8, 2.6, 6.0, 4800, 0.38),  # Ca II K
    (3969.6, 2.4, 6.0, 4800, 0.38),  # Ca II H
    (4227.9, 1.2, 3.0, 3900, 0.2),  # Ca I
    (4305.6, 0.7, 9.0, 5000, 0.2),  # G band of CH
    (4384.8, 0.5, 3.5, 4800, 0.25),  # Fe I
    (4215.0, 0.35, 14.0, 4400, 0.2),  # CN
    (5168.8, 0.6, 2.5, 4300, 0.25),  # Mg I b
    (5174.1, 0.8, 2.5, 4300, 0.25),
    (5185.0, 0.9, 2.5, 4300, 0.25),
    (5271.0, 0.4, 3.0, 4600, 0.25),  # Fe I
    (5329.5, 0.35, 3.0, 4600, 0.25),
    (5891.6, 0.9, 2.0, 3700, 0.25),  # Na I D
    (5897.6, 0.8, 2.0, 3700, 0.25),
    (6496.0, 0.3, 4.0, 4300, 0.25),  # Ba, Ca blend
    (7667.0, 0.6, 3.5, 3100, 0.15),  # K I
    (7701.0, 0.5, 3.5, 3100, 0.15),
    (8185.5, 0.7, 2.5, 3100, 0.12),  # Na I
    (8197.1, 0.8, 2.5, 3100, 0.12),
    (8500.4, 0.5, 2.0, 5000, 0.5),  # Ca II triplet
    (8544.4, 0.9, 2.5, 5000, 0.5),
    (8664.5, 0.75, 2.5, 5000, 0.5),
)
# TiO band heads degraded to the red: (head, opacity, decay length Å).
_TITANIUM_OXIDE = (
    (4761.0, 0.5, 90.0),
    (4954.0, 0.8, 110.0),
    (5167.0, 0.8, 130.0),
    (5448.0, 0.6, 110.0),
    (5598.0, 0.4, 90.0),
    (5847.0, 0.6, 110.0),
    (6159.0, 0.9, 150.0),
    (6651.0, 0.7, 130.0),
    (7053.0, 1.1, 160.0),
    (7589.0, 0.7, 110.0),
    (8206.0, 0.4, 90.0),
    (8432.0, 0.5, 90.0),
    (8859.0, 0.6, 110.0),
)
_VANADIUM_OXIDE = ((7334.0, 0.5, 80.0), (7851.0, 0.6, 80.0))
_HELIUM = (4027.3, 4472.8, 4923.3, 5877.2, 6680.0, 7067.1)
_INTERSTELLAR = (1260.4, 1302.2, 1334.5, 1393.8, 1402.8, 1526.7, 1548.2, 1550.8, 1670.8, 1854.7)
_INTERSTELLAR_IRON = (2344.2, 2374.5, 2382.8, 2586.7, 2600.2, 2796.4, 2803.5)
_N_FOREST = 2400
_FOREST_KEY = np.uint64(20260101)

# Optical and ultraviolet Fe II humps of quasars: (centre, sigma Å, height) after
# Vestergaard & Wilkes 2001 and Veron-Cetty et al. 2004, drawn as Gaussians.
_IRON_HUMPS = (
    (2080.0, 60.0, 0.35),
    (2330.0, 60.0, 0.6),
    (2420.0, 70.0, 0.8),
    (2530.0, 60.0, 0.7),
    (2620.0, 40.0, 0.6),
    (2740.0, 30.0, 0.4),
    (2880.0, 60.0, 0.45),
    (2960.0, 60.0, 0.45),
    (3200.0, 110.0, 0.45),
    (3480.0, 120.0, 0.3),
    (4490.0, 30.0, 0.3),
    (4570.0, 45.0, 0.5),
    (4640.0, 30.0, 0.35),
    (5190.0, 30.0, 0.3),
    (5270.0, 45.0, 0.45),
    (5330.0, 35.0, 0.35),
)


class Templates(NamedTuple):
    """Rest-frame tables, float32: star (T, n, 2), galaxy (4, n) and quasar iron (n,)."""

    star: NDArray[np.float32]
    galaxy: NDArray[np.float32]
    iron: NDArray[np.float32]


def rest_grid() -> NDArray[np.float64]:
    """Return the rest wavelengths of the galaxy and iron tables, (n,), Å."""
    return REST_FIRST + REST_STEP * np.arange(N_REST)


def _gaussian(x: NDArray[np.float64], center: float, sigma: float) -> NDArray[np.float64]:
    return np.exp(-0.5 * ((x - center) / sigma) ** 2)


def _favours(kelvin: float, best: float, width: float) -> float:
    return float(np.exp(-0.5 * (np.log(kelvin / best) / width) ** 2))


def _forest(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    # The many weak iron lines: places and strengths are arbitrary but fixed, crowded in the blue.
    opacity = np.zeros_like(wavelength)
    for i in range(_N_FOREST):
        center = 2000.0 + 5500.0 * uniform(_FOREST_KEY, 2 * i) ** 1.4
        strength = 0.28 * np.exp(0.8 * normal(_FOREST_KEY, 2 * i + 1) - (center - 3600.0) / 1300.0)
        index = int((center - REST_FIRST) / REST_STEP)
        near = slice(index - 12, index + 13)
        opacity[near] += min(strength, 1.5) * _gaussian(wavelength[near], center, 1.2)
    return opacity


def _band(x: NDArray[np.float64], head: float, decay: float) -> NDArray[np.float64]:
    rise = 1.0 / (1.0 + np.exp(np.clip(-(x - head) / 2.5, -60, 60)))
    return rise * np.exp(-np.clip(x - head, 0.0, None) / decay)


def _hydrogen(x: NDArray[np.float64], kelvin: float) -> NDArray[np.float64]:
    strength = _favours(kelvin, 9300.0, 0.30) + 0.12 * _favours(kelvin, 20000.0, 0.5)
    opacity = np.zeros_like(x)
    for n, center in enumerate(BALMER, start=3):
        width = (4.0 + 7.0 * strength) * (4.0 / n) ** 0.5
        opacity += 1.5 * strength * (4.0 / n) ** 0.6 / (1.0 + ((x - center) / width) ** 2) ** 1.2
    jump = 0.9 * strength / (1.0 + np.exp((x - 3700.0) / 25.0))
    return opacity + jump


def _molecules(x: NDArray[np.float64], kelvin: float) -> NDArray[np.float64]:
    titanium = max(0.0, (4000.0 - kelvin) / 1000.0) * 1.6
    vanadium = max(0.0, (3100.0 - kelvin) / 400.0) * 1.2
    opacity = sum(titanium * s * _band(x, head, decay) for head, s, decay in _TITANIUM_OXIDE)
    opacity += sum(vanadium * s * _band(x, head, decay) for head, s, decay in _VANADIUM_OXIDE)
    hydride = _favours(kelvin, 3600.0, 0.15)  # CaH and MgH of dwarfs
    return opacity + 0.5 * hydride * (_gaussian(x, 6385.0, 25.0) + _gaussian(x, 6830.0, 60.0))


def _star_on(x: NDArray[np.float64], kelvin: float) -> tuple[NDArray, NDArray]:
    """Return continuum (1 at 6500 Å before bands) and metal opacity of a star, both (n,)."""
    continuum = np.array([planck(w, kelvin) for w in x]) / planck(6500.0, kelvin)
    helium = 0.5 * _favours(kelvin, 22000.0, 0.4)
    opacity = _hydrogen(x, kelvin) + _molecules(x, kelvin)
    opacity += sum(helium * _gaussian(x, w, 3.0) for w in _HELIUM)
    cool = min(2.0, (5800.0 / kelvin) ** 2.2)
    metals = cool * _forest(x) + 0.25 * cool / (1.0 + np.exp((x - 3950.0) / 60.0))
    metals += 0.8 * cool / (1.0 + np.exp((x - 2900.0) / 80.0))
    for center, strength, sigma, best, width in _METALS:
        metals += strength * _favours(kelvin, best, width) * _gaussian(x, center, sigma)
    return continuum * np.exp(-opacity), metals


def _blur(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    offsets = np.arange(-40, 41) * REST_STEP
    kernel = _gaussian(offsets, 0.0, sigma)
    return np.convolve(np.pad(values, 40, mode="edge"), kernel / kernel.sum(), mode="valid")


def _population(
    parts: tuple[tuple[float, int], ...], metallicity: float, stars: list[tuple[NDArray, NDArray]]
) -> NDArray[np.float64]:
    """Sum stars with given weights at 6500 Å, blurred by 150 km/s at 5000 Å; 1 at 5500 Å."""
    total = sum(w * stars[node][0] * np.exp(-metallicity * stars[node][1]) for w, node in parts)
    blurred = _blur(total, 2.5)
    return blurred / blurred[int((5450.0 - REST_FIRST) / REST_STEP) :][:200].mean()


@lru_cache(maxsize=1)
def templates() -> Templates:
    """Build every table once: about 4 MB."""
    x = rest_grid()
    stars = [_star_on(x, kelvin) for kelvin in TEMPERATURES]
    interstellar = 1.0 - 0.5 * sum(_gaussian(x, w, 1.5) for w in _INTERSTELLAR + _INTERSTELLAR_IRON)
    galaxy = np.stack(
        [
            _population(((0.15, 2), (0.55, 5), (0.3, 7)), 1.0, stars),  # old, metal-rich
            _population(((0.05, 3), (0.4, 6), (0.55, 8)), 0.45, stars),  # old, metal-poor
            _population(((0.7, 11), (0.3, 8)), 0.4, stars),  # about 500 Myr: A stars
            _population(((0.5, 14), (0.4, 13), (0.1, 7)), 0.3, stars) * interstellar,  # young
        ]
    )
    start = N_REST - N_STAR
    star = np.stack([np.stack(pair, axis=1)[start:] for pair in stars])
    iron = sum(height * _gaussian(x, center, sigma) for center, sigma, height in _IRON_HUMPS)
    return Templates(*(np.ascontiguousarray(t, np.float32) for t in (star, galaxy, iron)))
