"""Pixels of spectra for tests of what is too narrow for the bins of a network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, stored_rows


@dataclass(frozen=True)
class Pixels:
    """Flux and ivar of N spectra, arm by arm.

    Parameters
    ----------
    flux, ivar : tuple of (N, pixels) float32
        The ivar is 0 of pixels that are masked.
    """

    flux: tuple[NDArray[np.float32], ...]
    ivar: tuple[NDArray[np.float32], ...]

    @classmethod
    def of_batch(cls, batch: SpectrumBatch | StoredBatch) -> "Pixels":
        """Take the pixels of N spectra; how they are stored changes no bit of them."""
        flux, ivar = zip(*(_good_pixels(batch, arm) for arm in ARMS), strict=True)
        return cls(flux, ivar)


def _good_pixels(
    batch: SpectrumBatch | StoredBatch, arm: Arm
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    flux, ivar, mask = stored_rows(batch, arm)
    return flux.floats(), np.where(mask.words == mask.word_of(0), ivar.floats(), np.float32(0))
