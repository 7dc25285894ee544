"""The catalog facts of an object: S/N, structure, and what imaging and redrock would say.

Computed beside the spectrum, so that they too are pure functions of the key. Arrays of an arm are
(n,), the facts of an object (32,).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .canvas import STEP
from .facts import Fact
from .instrument import Exposure, is_dead
from .photometry import describe_gaia, describe_shape, measure_bands
from .population import NO_TARGET, SKY_FIBER, Target
from .random import branch, normal
from .redrock import measure_redshift

# Pixels of each arm over which DESI takes its median S/N: 4000-5800, 5800-7600, 7600-9800 Å.
_SNR_PIXELS = ((500, 2751), (50, 2300), (100, 2850))
_STEPS, _FEW = 512, 48  # of the S/N of the 2,500 pixels of an arm
_BLOCK = 128  # pixels: structure on smaller scales is what a redshift is measured from
# COADD_FIBERSTATUS bits: unassigned with a stuck positioner, or with a broken fiber.
_STUCK, _BROKEN = 3.0, 5.0


@njit(nogil=True, error_model="numpy")
def measure_snr(
    number: int, flux: NDArray[np.float32], ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Store the median S/N of an arm per square root of Å; 0 where nothing was seen."""
    first, last = _SNR_PIXELS[number]
    values = np.empty(last - first, np.float32)
    n = 0
    for i in range(first, last):
        values[n] = flux[i] * math.sqrt(ivar[i])
        n += ivar[i] > 0  # no branch: what is masked is written over
    if n > 0:
        facts[Fact.SNR_B + number] = _middle(values[:n]) / math.sqrt(STEP)


@njit(nogil=True, error_model="numpy")
def _middle(values: NDArray[np.float32]) -> float:
    """Return the median of (n,) values, reordering them."""
    n = len(values)
    low, high = _ranked(values, n // 2)
    return high if n % 2 == 1 else 0.5 * (np.float64(low) + high)


@njit(nogil=True, error_model="numpy")
def _ranked(values: NDArray[np.float32], rank: int) -> tuple[float, float]:
    """Return the value of a rank from 0, exactly, after the one before it in order.

    Of rank 0 both are the same. The (n,) values are overwritten.

    Values are counted in even steps from the least to the largest, and only those of the step
    that holds the rank are looked at again.
    """
    below = -np.inf
    while len(values) > _FEW:
        least, largest = _ends(values)
        if not largest > least:
            break
        per_unit = (_STEPS - 1) / (np.float64(largest) - np.float64(least))
        counts = np.zeros(_STEPS, np.int32)
        for i in range(len(values)):
            counts[np.uint32((values[i] - least) * per_unit)] += 1
        step = 0
        while rank >= counts[step]:
            rank -= counts[step]
            step += 1
        n_near = 0
        if rank == 0:  # the one before is in another step
            below = max(below, _largest_before(values, step, (least, per_unit)))
        for i in range(len(values)):
            values[n_near] = values[i]
            n_near += np.uint32((values[i] - least) * per_unit) == step
        values = values[:n_near]
    _sort(values[: _FEW if len(values) > _FEW else len(values)])
    place = min(rank, _FEW)
    value = values[place]
    if place > 0:
        return values[place - 1], value
    return below if below > -np.inf else value, value


@njit(nogil=True, error_model="numpy")
def _ends(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the least and the largest of (n,) numbers."""
    least, largest = values[0], values[0]
    for value in values:
        least = value if value < least else least
        largest = value if value > largest else largest
    return least, largest


@njit(nogil=True, error_model="numpy")
def _largest_before(values: NDArray[np.float32], step: int, steps: tuple[float, float]) -> float:
    """Return the largest of (n,) values in the steps before one; -inf where there is none."""
    least, per_unit = steps
    found = -np.inf
    for value in values:
        if np.uint32((value - least) * per_unit) < step:
            found = max(found, np.float64(value))
    return found


@njit(nogil=True, error_model="numpy")
def _sort(values: NDArray[np.float32]) -> None:
    """Sort a few values, (n,), by insertion: numba's own sort is slow to compile."""
    for i in range(1, len(values)):
        value, j = values[i], i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value


@njit(nogil=True, error_model="numpy")
def measure_structure(
    model: NDArray[np.float64], ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Add an arm's chi² of the noiseless spectrum against its own mean in blocks of 128 pixels.

    That is what lines and breaks contribute to the significance of a redshift.
    """
    n = len(model)
    for start in range(0, n, _BLOCK):
        weight, first, second = 1e-30, 0.0, 0.0
        for i in range(start, min(start + _BLOCK, n)):
            weight += ivar[i]
            first += ivar[i] * model[i]
            second += ivar[i] * model[i] * model[i]
        facts[Fact.DELTACHI2] += max(0.0, second - first * first / weight)


@njit(nogil=True, error_model="numpy")
def measure_object(
    target: Target, exposure: Exposure, flux: NDArray[np.float64], facts: NDArray[np.float64]
) -> None:
    """Complete the facts of an object, (N_FACTS,), from its noiseless lattice flux (7781,)."""
    facts[Fact.EXPOSURES] = exposure.number
    facts[Fact.SECONDS] = exposure.seconds
    facts[Fact.EFFECTIVE_SECONDS] = exposure.seconds / math.sqrt(exposure.moon)
    facts[Fact.EBV] = 0.04 * math.exp(0.6 * normal(branch(target.key, 43), 0))
    _describe_fiber(target, facts)
    if target.kind < SKY_FIBER:
        measure_bands(target, flux, facts)
        describe_shape(target, facts)
        describe_gaia(target, facts)
    measure_redshift(target, facts)


@njit(nogil=True, error_model="numpy")
def _describe_fiber(target: Target, facts: NDArray[np.float64]) -> None:
    if target.kind == SKY_FIBER:
        facts[Fact.OBJTYPE] = 1.0
    elif target.kind == NO_TARGET:
        dead = is_dead(target)
        facts[Fact.OBJTYPE] = 2.0 if dead else 3.0
        facts[Fact.FIBER_STATUS] = _BROKEN if dead else _STUCK
        facts[Fact.EFFECTIVE_SECONDS] *= 0.0 if dead else 1.0
