"""Spectra of other surveys on the pixels of DESI's arms, integrals and noise conserved.

An input pixel is a box between the midpoints (in log wavelength) to its neighbours. What an
output pixel gets of it is their overlap, so the integral of flux over any interval of whole
output pixels is that of the input.

Noise: the pixels of SDSS and LAMOST are wider than 0.8 Å, so that neighbouring output pixels
share an input pixel and are correlated. The arrays hold no correlations, and summing output pixels
as if they were independent must not invent signal. So the variance of each input pixel's integral
is spread over its width, and the S/N of any wide window and the S/N per square root of Å stay
what they were. The price: a single output pixel, narrower than its input pixel, carries a larger
variance than the input (by input width / 0.8 Å).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .grid import ARMS, STEP_ANGSTROM, Arm
from .spectrum import NOT_COVERED, SpectrumBatch

SOME_BAD_PIXEL = np.uint32(1)  # DESI mask bit 0, SOMEBADPIX (desispec maskbits)
_LARGEST_STEP = 1.5  # a step in log wavelength this many times the median is a hole


@dataclass(frozen=True)
class Samples:
    """One spectrum on its survey's own pixels.

    Parameters
    ----------
    wavelength : (n,) float64
        Vacuum wavelengths of the pixel centres in Å, rising without holes.
    flux : (n,) float
        Flux density, any unit.
    ivar : (n,) float
        Inverse variance of flux; 0 = do not use.
    is_bad : (n,) bool
        Pixels not to use whatever their ivar.

    Raises
    ------
    ValueError
        When wavelengths do not rise, have holes, or are fewer than two.
    """

    wavelength: NDArray[np.float64]
    flux: NDArray[np.floating]
    ivar: NDArray[np.floating]
    is_bad: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if not len(self.wavelength) == len(self.flux) == len(self.ivar) == len(self.is_bad):
            raise ValueError("wavelength, flux, ivar and mask differ in length")
        if len(self.wavelength) < 2 or not (self.wavelength > 0).all():
            raise ValueError("wavelengths must be two or more and positive")
        steps = np.diff(np.log(self.wavelength))
        if not (steps > 0).all():
            raise ValueError("wavelengths do not rise")
        if steps.max() > _LARGEST_STEP * np.median(steps):
            place = self.wavelength[int(steps.argmax())]
            raise ValueError(f"wavelengths have a hole after {place:.1f} Å")

    @property
    def edges(self) -> NDArray[np.float64]:
        """Return the n + 1 pixel edges in Å."""
        log = np.log(self.wavelength)
        middle = (log[1:] + log[:-1]) / 2
        return np.exp(
            np.concatenate([[2 * log[0] - middle[0]], middle, [2 * log[-1] - middle[-1]]])
        )


def resample_to_arms(samples: Samples) -> SpectrumBatch:
    """Return one spectrum on the arms, N = 1, without columns.

    Output pixels that are not fully inside the input range get flux 0, ivar 0 and `NOT_COVERED`;
    those that a bad input pixel touches (ivar 0, `is_bad`, or no finite flux) keep their flux and
    get ivar 0 and DESI's SOMEBADPIX.
    """
    parts = {arm: _resample(samples, arm) for arm in ARMS}
    return SpectrumBatch(
        *({arm: part[i][None] for arm, part in parts.items()} for i in range(3)),
    )


def _resample(
    samples: Samples, arm: Arm
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.uint32]]:
    n = arm.n_pixels
    source, target, overlap = _overlaps(samples.edges, arm)
    is_finite = np.isfinite(samples.flux)
    is_usable = is_finite & (samples.ivar > 0) & np.isfinite(samples.ivar) & ~samples.is_bad
    flux = np.where(is_finite, samples.flux, 0).astype(np.float64)
    # Variance of the integral over a pixel per Å of its width: var * width² / width.
    variance = np.diff(samples.edges) / np.where(is_usable, samples.ivar, 1).astype(np.float64)

    def integral(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.bincount(target, weights=overlap * values[source], minlength=n)

    is_covered = np.bincount(target, weights=overlap, minlength=n) > STEP_ANGSTROM * (1 - 1e-6)
    is_touched = integral((~is_usable).astype(np.float64)) > STEP_ANGSTROM * 1e-6
    is_good = is_covered & ~is_touched
    ivar = np.where(is_good, STEP_ANGSTROM**2 / np.where(is_good, integral(variance), 1), 0)
    mask = np.where(is_touched, SOME_BAD_PIXEL, np.uint32(0))
    return (
        np.where(is_covered, integral(flux) / STEP_ANGSTROM, 0).astype(np.float32),
        ivar.astype(np.float32),
        np.where(is_covered, mask, NOT_COVERED).astype(np.uint32),
    )


def _overlaps(
    edges: NDArray[np.float64], arm: Arm
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Return input pixel, output pixel and length in Å of every overlap, sorted by wavelength."""
    ours = arm.first_wavelength + STEP_ANGSTROM * (np.arange(arm.n_pixels + 1) - 0.5)
    low, high = max(edges[0], ours[0]), min(edges[-1], ours[-1])
    cuts = np.unique(np.concatenate([edges, ours]))
    cuts = cuts[(cuts >= low) & (cuts <= high)]
    middle = (cuts[1:] + cuts[:-1]) / 2
    source = np.searchsorted(edges, middle) - 1
    target = np.searchsorted(ours, middle) - 1
    return source, target, np.diff(cuts)
