"""The renderer: from keys to rows of flux, ivar, mask and facts, one object after the other.

Everything here is compiled, loops in a fixed order over one object at a time, and touches no state
but its own working arrays: that is why a spectrum has the same bits in any batch.
"""

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS

from .canvas import Canvas, new_canvas, wavelength_of
from .compiled import compiled
from .facts import N_FACTS, Fact
from .injection import inject_in_arm
from .instrument import (
    ArmModel,
    Exposure,
    Shot,
    add_sky_error,
    arm_models,
    calibrate,
    draw_exposure,
    estimate_sigma,
    is_dead,
    new_shot,
    read_out,
)
from .measure import measure_object, measure_snr, measure_structure
from .paint import paint
from .population import (
    NOT_INJECTED,
    Target,
    draw_target,
)
from .random import branch
from .templates import N_REST, Templates, templates


class Fibers(NamedTuple):
    """The objects to render: keys (N,) uint64, fiber uses (N,) int8, programs (N,) int64."""

    keys: NDArray[np.uint64]
    uses: NDArray[np.int8]
    programs: NDArray[np.int64]
    is_drifted: bool


class Rows(NamedTuple):
    """Output, one (N, n) array per arm, blue first; `model` and `sigma` may have no rows."""

    flux: tuple[NDArray[np.float32], ...]
    ivar: tuple[NDArray[np.float32], ...]
    mask: tuple[NDArray[np.uint32], ...]
    model: tuple[NDArray[np.float64], ...]
    sigma: tuple[NDArray[np.float64], ...]
    facts: NDArray[np.float64]


class Bench(NamedTuple):
    """What a thread works with: tables, arms, and its own working arrays."""

    templates: Templates
    arms: tuple[ArmModel, ...]
    canvas: Canvas
    shots: tuple[Shot, ...]


def new_bench() -> Bench:
    """Return the tables and fresh working arrays for one thread."""
    return Bench(
        templates(), arm_models(), new_canvas(N_REST), tuple(new_shot(arm.n_pixels) for arm in ARMS)
    )


def new_rows(n: int, *, has_truth: bool) -> Rows:
    """Return output arrays for n objects, with the noiseless model and sigma when asked."""

    def arrays(rows: int, dtype: type) -> tuple[NDArray, ...]:
        return tuple(np.zeros((rows, arm.n_pixels), dtype) for arm in ARMS)

    n_truth = n if has_truth else 0
    return Rows(
        arrays(n, np.float32),
        arrays(n, np.float32),
        arrays(n, np.uint32),
        arrays(n_truth, np.float64),
        arrays(n_truth, np.float64),
        np.zeros((n, N_FACTS)),
    )


def first_rows(rows: Rows, n: int) -> Rows:
    """Return the first n rows of output arrays, with facts set back to 0."""
    part = Rows(*(tuple(array[:n] for array in arrays) for arrays in rows[:-1]), rows.facts[:n])
    part.facts[:] = 0.0
    return part


@njit(nogil=True, error_model="numpy")
def _expose(target: Target, exposure: Exposure, number: int, bench: Bench) -> None:
    arm, shot = bench.arms[number], bench.shots[number]
    stream = branch(branch(target.key, 41), number)
    calibrate(bench.canvas.flux, arm.start, stream, shot.model)
    add_sky_error(target, arm, stream, shot.model)
    estimate_sigma(exposure, arm, shot)
    if target.injected != NOT_INJECTED:
        calibrate(bench.canvas.clean, arm.start, stream, shot.normal)
        add_sky_error(target, arm, stream, shot.normal)
        inject_in_arm(target, number, arm.lines, shot)


@njit(nogil=True, error_model="numpy")
def _write_arm(
    target: Target, exposure: Exposure, number: int, bench: Bench, out: tuple[Rows, int]
) -> None:
    rows, row = out
    shot, start = bench.shots[number], bench.arms[number].start
    if len(rows.model[number]) > 0:
        rows.model[number][row] = shot.model
        rows.sigma[number][row] = shot.sigma
    flux, ivar, mask = rows.flux[number][row], rows.ivar[number][row], rows.mask[number][row]
    if is_dead(target):
        flux[:], ivar[:], mask[:] = 0.0, 0.0, 0
        return
    stream = branch(branch(target.key, 41), number)
    read_out(shot, stream, exposure.excess, (flux, ivar, mask))
    measure_snr(number, flux, ivar, rows.facts[row])
    measure_structure(shot.model, ivar, rows.facts[row])
    if target.injected != NOT_INJECTED:
        _measure_anomaly(shot, start, ivar, rows.facts[row])


@njit(nogil=True, error_model="numpy")
def _measure_anomaly(
    shot: Shot, start: int, ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Add this arm's part to the ideal S/N, sqrt(sum of ivar × difference²), and find its peak."""
    total = 0.0
    for i in range(len(ivar)):
        difference = shot.model[i] - shot.normal[i]
        signal = ivar[i] * difference * difference
        total += signal
        if signal > facts[Fact.PEAK_SIGNAL]:
            facts[Fact.PEAK_SIGNAL] = signal
            facts[Fact.PEAK_WAVELENGTH] = wavelength_of(start + i)
    facts[Fact.STRENGTH] = math.sqrt(facts[Fact.STRENGTH] ** 2 + total)


@njit(nogil=True, error_model="numpy")
def _draw_row(fibers: Fibers, row: int, facts: NDArray[np.float64]) -> Target:
    target = draw_target(
        fibers.keys[row], fibers.uses[row], fibers.programs[row], fibers.is_drifted
    )
    facts[Fact.TRUE_REDSHIFT] = target.redshift
    facts[Fact.KIND] = target.kind
    facts[Fact.INJECTED] = target.injected
    facts[Fact.TRUE_FLUX] = target.flux
    return target


def _source_digest() -> int:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7])


def _entries(source_digest: int) -> tuple[Callable, Callable]:
    """Return the compiled functions `draw` and `render`.

    numba's disk cache looks for changes in this file only. Its key holds what a function closes
    over, and so the digest of all our sources makes it forget when any of them has changed.
    """

    def draw(fibers: Fibers, facts: NDArray[np.float64]) -> int:
        for row in range(len(fibers.keys)):
            _draw_row(fibers, row, facts[row])
        return source_digest

    def render(fibers: Fibers, bench: Bench, rows: Rows) -> int:
        for row in range(len(fibers.keys)):
            target = _draw_row(fibers, row, rows.facts[row])
            paint(target, bench.templates, bench.canvas)
            exposure = draw_exposure(target)
            for number in range(3):
                _expose(target, exposure, number, bench)
                _write_arm(target, exposure, number, bench, (rows, row))
            measure_object(target, exposure, bench.canvas.flux, rows.facts[row])
        return source_digest

    return compiled()(draw), compiled()(render)


_DRAW, _RENDER = _entries(_source_digest())


def draw(fibers: Fibers, facts: NDArray[np.float64]) -> None:
    """Fill the true class, redshift, flux and injected type of `facts`, (N, N_FACTS), only."""
    _DRAW(fibers, facts)


def render(fibers: Fibers, bench: Bench, rows: Rows) -> None:
    """Render all objects of `fibers` into `rows`, in order."""
    _RENDER(fibers, bench, rows)
