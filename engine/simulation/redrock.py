"""What the redshift pipeline would say of an object; its facts are one row, (32,)."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .facts import Fact
from .instrument import is_dead
from .population import (
    CARBON_STAR,
    CV,
    ELG,
    NO_TARGET,
    QSO,
    SKY_FIBER,
    WHITE_DWARF,
    WRONG_REDSHIFT,
    Target,
)
from .random import between, branch, normal, uniform
from .star import draw_star

# ZWARN bits: redrock's zwarn.py.
_ZWARN_SKY, _ZWARN_SMALL, _ZWARN_OUTLIERS, _ZWARN_UNPLUGGED, _ZWARN_NODATA = 1, 4, 16, 128, 512
_SMALL_DELTACHI2 = 9.0


@njit(nogil=True, error_model="numpy")
def measure_redshift(target: Target, facts: NDArray[np.float64]) -> None:
    """Imitate redrock: a redshift as good as the structure in the spectrum allows.

    Expects in `facts[DELTACHI2]` the chi² of that structure, and turns it into the reported gap.
    """
    s = branch(target.key, 47)
    gap = 0.35 * facts[Fact.DELTACHI2] if target.kind < SKY_FIBER else 0.0
    gap = gap * math.exp(0.3 * normal(s, 0)) - 4.0 * math.log(uniform(s, 1))
    facts[Fact.DELTACHI2] = gap
    warning = _ZWARN_SMALL if gap < _SMALL_DELTACHI2 else 0
    if uniform(s, 2) < 0.008:
        warning |= _ZWARN_OUTLIERS
    is_wrong = target.kind >= SKY_FIBER or (gap < 25.0 and uniform(s, 3) < 0.35)
    redshift = between(s, 4, 0.0, 1.7) if is_wrong else target.redshift
    if target.injected == WRONG_REDSHIFT:  # wrong, and the pipeline is sure of it
        is_wrong, redshift, warning = False, wrong_redshift(target), 0
    floor = 1.5e-4 if target.kind == QSO else 8.0e-6
    error = (1.0 + redshift) * (floor + 6.0e-4 / math.sqrt(max(gap, 1.0)))
    if target.kind == SKY_FIBER:
        warning |= _ZWARN_SKY
    elif target.kind == NO_TARGET:
        warning |= _ZWARN_NODATA if is_dead(target) else _ZWARN_UNPLUGGED
    facts[Fact.REDSHIFT] = redshift if is_wrong else redshift + error * normal(s, 5)
    facts[Fact.REDSHIFT_ERROR] = error
    facts[Fact.REDSHIFT_WARNING] = warning
    _classify(target, is_wrong, facts)


@njit(nogil=True, error_model="numpy")
def wrong_redshift(target: Target) -> float:
    """Return where the pipeline places a target whose lines it takes for others."""
    s = branch(target.key, 48)
    # Right is within 0.003 (1 + z); two lines taken for each other are further off than that.
    away = between(s, 0, 0.02, 0.35) * (1.0 if uniform(s, 1) < 0.5 else -1.0)
    found = (1.0 + target.redshift) * (1.0 + away) - 1.0
    return found if found > 0.01 else (1.0 + target.redshift) * (1.0 + abs(away)) - 1.0


@njit(nogil=True, error_model="numpy")
def _classify(target: Target, is_wrong: bool, facts: NDArray[np.float64]) -> None:
    if is_wrong or target.kind <= ELG:
        facts[Fact.SPECTYPE] = 1.0
    elif target.kind == QSO:
        facts[Fact.SPECTYPE] = 2.0
    else:
        facts[Fact.SPECTYPE] = 3.0
        facts[Fact.SUBTYPE] = _subtype(target)


@njit(nogil=True, error_model="numpy")
def _subtype(target: Target) -> float:
    """Return the index into SUBTYPES that redrock would choose for a star."""
    if target.injected == CV:
        return 8.0
    if target.kind == WHITE_DWARF:
        return 7.0
    if target.injected == CARBON_STAR:
        return 6.0
    # Lower limits of B, A, F, G, K in K (Pecaut & Mamajek 2013); cooler is M.
    limits = (10000.0, 7300.0, 6000.0, 5300.0, 3900.0)
    kelvin, code = draw_star(target).kelvin, 1
    for limit in limits:
        if kelvin < limit:
            code += 1
    return float(code)
