"""What stands on the canvas before any telescope sees it: the target, with its anomaly and without.

A companion, a star whose light leaks in, or the same galaxy at the redshift the pipeline believes
in are painted as targets of their own.
"""

from numba import njit

from .canvas import N_LATTICE, Canvas
from .galaxy import paint_galaxy
from .injection import inject_in_sky
from .population import (
    BGS,
    BLEND_GALAXY,
    BLEND_STAR,
    CARBON_STAR,
    CROSS_TALK,
    CV,
    ELG,
    HIGH_Z,
    NOT_INJECTED,
    QSO,
    STAR,
    WD_M,
    WHITE_DWARF,
    WRONG_REDSHIFT,
    Target,
    draw_redshift,
)
from .quasar import paint_quasar
from .random import between, branch, uniform
from .redrock import wrong_redshift
from .star import (
    add_m_dwarf,
    paint_carbon_star,
    paint_cataclysmic,
    paint_star,
    paint_white_dwarf,
)
from .templates import Templates

_CLEAN, _SECOND, _FINAL = range(3)


@njit(nogil=True, error_model="numpy")
def paint(target: Target, tables: Templates, canvas: Canvas) -> None:
    """Paint the noiseless spectrum, and the same without its anomaly on `canvas.clean`."""
    # A loop with one call, because numba compiles a callee anew into every place it is called.
    for stage in range(_FINAL if target.injected == NOT_INJECTED else _CLEAN, _FINAL + 1):
        _paint_class(_sitter(target, stage), tables, canvas)
        if stage == _CLEAN:
            canvas.clean[:] = canvas.flux
        elif stage == _SECOND:
            canvas.other[:] = canvas.flux
    if _has_companion(target):
        for i in range(N_LATTICE):
            canvas.flux[i] += canvas.other[i]
    elif target.injected == WD_M:
        add_m_dwarf(target, tables.star, canvas)
    if target.injected != NOT_INJECTED:
        inject_in_sky(target, canvas)


@njit(nogil=True, error_model="numpy")
def _has_companion(target: Target) -> bool:
    return target.injected in (BLEND_GALAXY, BLEND_STAR, CROSS_TALK)


@njit(nogil=True, error_model="numpy")
def _sitter(target: Target, stage: int) -> Target:
    """Return what is painted at a stage: what would be expected, a companion, the target."""
    if stage == _CLEAN:
        return _without_anomaly(target)
    return _companion(target) if stage == _SECOND else target


@njit(nogil=True, error_model="numpy")
def _without_anomaly(target: Target) -> Target:
    redshift = target.redshift
    if target.injected == HIGH_Z:
        redshift = draw_redshift(branch(target.key, 2), target.kind)
    elif target.injected == WRONG_REDSHIFT:  # the same galaxy where the pipeline says it is
        redshift = wrong_redshift(target)
    return Target(
        target.key, target.kind, target.program, redshift, target.flux, NOT_INJECTED,
        target.is_drifted,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def _companion(target: Target) -> Target:
    """Return the second object of a blend, or the bright star whose light leaks in."""
    s = branch(target.key, 60)
    light = target.flux * between(s, 1, 0.3, 1.0)
    kind = BGS if target.kind == BGS else ELG
    if target.injected == BLEND_STAR:
        kind = STAR
    elif target.injected == CROSS_TALK:  # 0.2 to 1.5 % of a star of AB magnitude 14.8 to 17.3
        kind, light = STAR, between(s, 3, 0.002, 0.015) * 30.0 * 10.0 ** uniform(s, 4)
    z = draw_redshift(branch(s, 1), kind)
    drifted = target.is_drifted
    return Target(branch(s, 2), kind, target.program, z, light, NOT_INJECTED, drifted)


@njit(nogil=True, error_model="numpy")
def _paint_class(target: Target, tables: Templates, canvas: Canvas) -> None:
    if target.injected == CARBON_STAR:
        paint_carbon_star(target, tables.star, canvas)
    elif target.injected == CV:
        paint_cataclysmic(target, canvas)
    elif target.kind <= ELG:
        paint_galaxy(target, tables.galaxy, canvas)
    elif target.kind == QSO:
        paint_quasar(target, tables.iron, canvas)
    elif target.kind == WHITE_DWARF or target.injected == WD_M:
        paint_white_dwarf(target, canvas)
    elif target.kind == STAR:
        paint_star(target, tables.star, canvas)
    else:
        canvas.flux[:] = 0.0
