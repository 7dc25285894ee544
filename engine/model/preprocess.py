"""From pixels to the model's input, exactly as the published catalog did it, and its coverage.

Version ``compatible-1`` (section 1.2 of the published catalog's code): plain mean of 16 pixels,
no ivar, no mask; NaN and infinities become 0; divide by the median of |flux| over the bins (by 1
where that is not positive); clip to ±10. One addition: bins outside a survey's range, and those of
a missing arm (flux and ivar 0 in every pixel), enter as zero and stay out of the median and of
every residual: zero-filled pixels are not data. Pixels that exist count, whatever their ivar.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, stored_rows

from .bins import bin_pixels, normalize_bins

PREPROCESSING_VERSION = "compatible-1"
CLIP = np.float32(10.0)


@dataclass(frozen=True)
class ModelInput:
    """What the network sees of N spectra.

    Parameters
    ----------
    normalized_flux : (N, B) float32
        Flux / scale, clipped to ±10; 0 where not covered.
    scale : (N,) float32
        Median |flux| in 1e-17 erg s⁻¹ cm⁻² Å⁻¹; 1 where it was not positive.
    is_covered : (N, B) bool
        Whether the survey has at least half of the bin's pixels, and the arm is not missing.
    has_data : (N, B) bool
        Whether any pixel of the bin has ivar > 0 and no mask bit.
    """

    normalized_flux: NDArray[np.float32]
    scale: NDArray[np.float32]
    is_covered: NDArray[np.bool_]
    has_data: NDArray[np.bool_]

    @property
    def coverage(self) -> NDArray[np.float32]:
        """Return the share of bins with unmasked pixels of ivar > 0, (N,) float32."""
        return self.has_data.mean(axis=1, dtype=np.float32)


def prepare_input(batch: SpectrumBatch | StoredBatch, grid: BinGrid) -> ModelInput:
    """Turn N spectra into the network's input.

    Parameters
    ----------
    batch : SpectrumBatch or StoredBatch
        N spectra on the DESI arms; how their pixels are stored changes no bit of the result.
    grid : BinGrid
        The grid of the model, B bins.

    Returns
    -------
    ModelInput
    """
    shape = (len(batch), grid.n_bins)
    flux = np.empty(shape, np.float32)
    is_covered, has_data = np.empty(shape, np.bool_), np.empty(shape, np.bool_)
    for arm in ARMS:
        bins = grid.bins_of(arm)
        out = (flux[:, bins], is_covered[:, bins], has_data[:, bins])
        flux_rows, ivar_rows, mask_rows = stored_rows(batch, arm)
        zero = mask_rows.word_of(0)
        bin_pixels(
            (flux_rows.words, ivar_rows.words, mask_rows.words),
            (flux_rows.is_swapped, ivar_rows.is_swapped),
            (zero, zero ^ mask_rows.word_of(int(NOT_COVERED))),
            grid.pixels_per_bin,
            out,
        )
    scale = np.empty(len(batch), np.float32)
    normalize_bins(flux, is_covered, CLIP, scale)
    return ModelInput(flux, scale, is_covered, has_data)


def is_missing(batch: SpectrumBatch, arm: Arm) -> NDArray[np.bool_]:
    """Return which of the spectra, (N,), lack an arm: flux and ivar are 0 in each of its pixels."""
    nothing = ~batch.ivar[arm].any(axis=1)
    nothing[nothing] = ~batch.flux[arm][nothing].any(axis=1)
    return nothing
