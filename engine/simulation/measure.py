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
_BLOCK = 128  # pixels: structure on smaller scales is what a redshift is measured from
# COADD_FIBERSTATUS bits: unassigned with a stuck positioner, or with a broken fiber.
_STUCK, _BROKEN = 3.0, 5.0


@njit(nogil=True)
def measure_snr(
    number: int, flux: NDArray[np.float32], ivar: NDArray[np.float32], facts: NDArray[np.float64]
) -> None:
    """Store the median S/N of an arm per square root of Å; 0 where nothing was seen."""
    first, last = _SNR_PIXELS[number]
    values = np.empty(last - first, np.float32)
    n = 0
    for i in range(first, last):
        if ivar[i] > 0:
            values[n] = flux[i] * math.sqrt(ivar[i])
            n += 1
    if n > 0:
        facts[Fact.SNR_B + number] = _middle(values[:n]) / math.sqrt(STEP)


@njit(nogil=True)
def _middle(values: NDArray[np.float32]) -> float:
    """Return the median of (n,) values, reordering them by Hoare's selection.

    numba's own median takes longer to compile than all else here.
    """
    n = len(values)
    low, high, k = 0, n - 1, n // 2
    while low < high:
        i, j = _part(values, low, high)
        if j < k:
            low = i
        if k < i:
            high = j
    return values[k] if n % 2 == 1 else 0.5 * (np.float64(values[:k].max()) + values[k])


@njit(nogil=True)
def _part(values: NDArray[np.float32], i: int, j: int) -> tuple[int, int]:
    """Move values below the middle one to the left and above it to the right; return the seam."""
    pivot = values[(i + j) // 2]
    while i <= j:
        while values[i] < pivot:
            i += 1
        while pivot < values[j]:
            j -= 1
        if i <= j:
            values[i], values[j] = values[j], values[i]
            i += 1
            j -= 1
    return i, j


@njit(nogil=True)
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


@njit(nogil=True)
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


@njit(nogil=True)
def _describe_fiber(target: Target, facts: NDArray[np.float64]) -> None:
    if target.kind == SKY_FIBER:
        facts[Fact.OBJTYPE] = 1.0
    elif target.kind == NO_TARGET:
        dead = is_dead(target)
        facts[Fact.OBJTYPE] = 2.0 if dead else 3.0
        facts[Fact.FIBER_STATUS] = _BROKEN if dead else _STUCK
        facts[Fact.EFFECTIVE_SECONDS] *= 0.0 if dead else 1.0
