"""What an object is: its class, redshift, brightness, and whether an anomaly is put into it.

Class mix and redshift distributions follow DESI DR1 (arXiv:2503.14745: 13.1 million galaxies,
1.6 million quasars, 4 million stars), split over the dark and bright programs by target class.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from .identity import SCIENCE, SKY
from .random import between, branch, normal, uniform

BGS, LRG, ELG, QSO, STAR, WHITE_DWARF, SKY_FIBER, NO_TARGET = range(8)
CLASSES = ("BGS", "LRG", "ELG", "QSO", "STAR", "WD", "SKY", "UNASSIGNED")

# Cumulative shares of BGS, LRG, ELG, QSO, STAR among science targets (the rest is WD) per program.
_SHARES = (
    (0.00, 0.31, 0.69, 0.90, 0.985),
    (0.66, 0.66, 0.66, 0.67, 0.98),
)
# Median flux near 6500 Å (1e-17 erg s⁻¹ cm⁻² Å⁻¹) and its natural-log scatter per class.
_FLUX = ((9.0, 0.6), (1.6, 0.45), (0.32, 0.5), (2.2, 0.7), (18.0, 0.9), (6.0, 0.7))

NOT_INJECTED = 0
INJECTED_TYPES = (
    "",
    "double_peak",
    "bal",
    "blend_galaxy",
    "blend_star",
    "supernova",
    "high_z",
    "arm_offset",
    "cosmic",
    "fringing",
    "sky_residual",
    "carbon_star",
    "cv",
    "wd_m",
    "dla",
    "lensed_line",
    "unknown_bump",
    "wrong_redshift",
    "telluric",
    "cross_talk",
    "amplifier_step",
    "red_quasar",
    "low_metallicity",
    "changing_look",
)
(
    DOUBLE_PEAK,
    BAL,
    BLEND_GALAXY,
    BLEND_STAR,
    SUPERNOVA,
    HIGH_Z,
    ARM_OFFSET,
    COSMIC,
    FRINGING,
    SKY_RESIDUAL,
    CARBON_STAR,
    CV,
    WD_M,
    DLA,
    LENSED_LINE,
    UNKNOWN_BUMP,
    WRONG_REDSHIFT,
    TELLURIC,
    CROSS_TALK,
    AMPLIFIER_STEP,
    RED_QUASAR,
    LOW_METALLICITY,
    CHANGING_LOOK,
) = range(1, 24)
_INJECTION_SHARE = 0.04

# Which classes each anomaly can happen to; one named twice gets it twice as often. A damped
# Lyman-alpha absorber needs z > 2.15 to be in the blue arm: `_draw_anomaly` sees to it.
_HOSTS = {
    DOUBLE_PEAK: (BGS, ELG, ELG),
    BAL: (QSO, QSO, QSO),
    BLEND_GALAXY: (BGS, LRG, ELG),
    BLEND_STAR: (BGS, LRG, ELG),
    SUPERNOVA: (BGS, LRG),
    HIGH_Z: (QSO, QSO),
    ARM_OFFSET: (BGS, LRG, ELG, QSO, STAR, WHITE_DWARF),
    COSMIC: (BGS, LRG, ELG, STAR, WHITE_DWARF),
    FRINGING: (BGS, LRG, ELG, STAR, WHITE_DWARF),
    SKY_RESIDUAL: (LRG, ELG, STAR, WHITE_DWARF),
    CARBON_STAR: (STAR, STAR),
    CV: (STAR, STAR, WHITE_DWARF, WHITE_DWARF),
    WD_M: (STAR, STAR, WHITE_DWARF, WHITE_DWARF),
    LENSED_LINE: (BGS, LRG, LRG),
    UNKNOWN_BUMP: (BGS, LRG, ELG, QSO, STAR, WHITE_DWARF),
    WRONG_REDSHIFT: (BGS, LRG, ELG, QSO),
    TELLURIC: (BGS, LRG, QSO, STAR, WHITE_DWARF),
    CROSS_TALK: (BGS, LRG, ELG, QSO, STAR),
    AMPLIFIER_STEP: (BGS, LRG, ELG, QSO, STAR, WHITE_DWARF),
    RED_QUASAR: (QSO, QSO),
    LOW_METALLICITY: (BGS, ELG, ELG),
    CHANGING_LOOK: (BGS,),
}
_CHOICES = tuple(
    np.array([injected for injected, hosts in _HOSTS.items() for host in hosts if host == kind])
    for kind in range(WHITE_DWARF + 1)
)
_DLA_MIN_REDSHIFT = 2.15
_BAL_MIN_REDSHIFT = 0.5


class Target(NamedTuple):
    """What one fiber points at; `flux` is the level near 6500 Å in 1e-17 erg s⁻¹ cm⁻² Å⁻¹.

    `is_drifted` says that it is one of the drifted generator's objects: see `drift`.
    """

    key: np.uint64
    kind: int
    program: int
    redshift: float
    flux: float
    injected: int
    is_drifted: bool


@njit(nogil=True, error_model="numpy")
def draw_target(key: np.uint64, use: int, program: int, is_drifted: bool) -> Target:
    """Draw what a fiber points at from its key, its use and its program.

    `use` is SCIENCE, SKY or UNASSIGNED; `program` is 0 for dark and 1 for bright.
    """
    stream = branch(key, 1)
    if use != SCIENCE:
        kind = SKY_FIBER if use == SKY else NO_TARGET
        return Target(key, kind, program, 0.0, 0.0, NOT_INJECTED, is_drifted)
    kind = _draw_class(uniform(stream, 0), program)
    redshift = draw_redshift(branch(key, 2), kind)
    median, scatter = _FLUX[kind]
    flux = median * math.exp(scatter * normal(stream, 1))
    injected = NOT_INJECTED
    if uniform(stream, 2) < _INJECTION_SHARE:
        injected = _draw_anomaly(stream, kind, redshift)
    if injected == HIGH_Z:
        redshift = between(stream, 4, 5.8, 6.45)
    return Target(key, kind, program, redshift, flux, injected, is_drifted)


@njit(nogil=True, error_model="numpy")
def _draw_class(u: float, program: int) -> int:
    kind = BGS
    while kind < WHITE_DWARF and u >= _SHARES[program][kind]:
        kind += 1
    return kind


@njit(nogil=True, error_model="numpy")
def _draw_anomaly(stream: np.uint64, kind: int, redshift: float) -> int:
    choices = _CHOICES[kind]
    choice = choices[int(len(choices) * uniform(stream, 3))]
    if kind == QSO and choice != HIGH_Z and redshift > _DLA_MIN_REDSHIFT:
        return DLA if uniform(stream, 5) < 0.7 else choice
    if choice == BAL and redshift < _BAL_MIN_REDSHIFT:
        return UNKNOWN_BUMP
    return choice


@njit(nogil=True, error_model="numpy")
def draw_redshift(stream: np.uint64, kind: int) -> float:
    """Draw a redshift from the distribution of a class."""
    if kind == BGS:  # gamma of shape 4 and scale 0.055: mean 0.22
        product = uniform(stream, 0) * uniform(stream, 1) * uniform(stream, 2) * uniform(stream, 3)
        return max(0.005, -0.055 * math.log(product))
    if kind == LRG:
        return _clipped(stream, (0.75, 0.17), (0.3, 1.2))
    if kind == ELG:
        return _clipped(stream, (1.1, 0.25), (0.6, 1.62))
    if kind == QSO:
        return _clipped(stream, (1.75, 0.7), (0.3, 4.3))
    halo = uniform(stream, 0) < 0.15
    return normal(stream, 1) * (5.0e-4 if halo else 1.3e-4)  # 150 and 40 km/s


@njit(nogil=True, error_model="numpy")
def _clipped(stream: np.uint64, law: tuple[float, float], limits: tuple[float, float]) -> float:
    counter = 0
    while True:
        z = law[0] + law[1] * normal(stream, counter)
        if limits[0] < z < limits[1]:
            return z
        counter += 1
