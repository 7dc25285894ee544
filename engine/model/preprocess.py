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


def prepare_input(batch: SpectrumBatch, grid: BinGrid) -> ModelInput:
    """Turn N spectra into the network's input.

    Parameters
    ----------
    batch : SpectrumBatch
        N spectra on the DESI arms.
    grid : BinGrid
        The grid of the model, B bins.

    Returns
    -------
    ModelInput
    """
    parts = [_bin_arm(batch, arm, grid) for arm in ARMS]
    flux, is_covered, has_data = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    flux = np.nan_to_num(flux, nan=0.0, posinf=0.0, neginf=0.0)
    scale = _median_absolute(flux, is_covered)
    with np.errstate(over="ignore"):
        normalized = np.clip(flux / scale[:, None], -CLIP, CLIP)
    return ModelInput(np.where(is_covered, normalized, np.float32(0)), scale, is_covered, has_data)


def _bin_arm(
    batch: SpectrumBatch, arm: Arm, grid: BinGrid
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    n, n_bins, width = len(batch), grid.n_bins_of(arm), grid.pixels_per_bin
    used = n_bins * width
    grouped = batch.flux[arm][:, :used].reshape(n, n_bins, width)
    exists = (batch.mask[arm][:, :used] & NOT_COVERED) == 0
    exists &= ~is_missing(batch, arm)[:, None]
    good = (batch.ivar[arm][:, :used] > 0) & (batch.mask[arm][:, :used] == 0)
    has_data = good.reshape(n, n_bins, width).any(axis=2)
    with np.errstate(invalid="ignore", over="ignore"):
        if exists.all():
            mean = grouped.mean(axis=2, dtype=np.float32)
            return mean, np.ones((n, n_bins), bool), has_data
        exists = exists.reshape(n, n_bins, width)
        count = exists.sum(axis=2)
        mean = np.where(exists, grouped, 0).sum(axis=2, dtype=np.float32) / np.maximum(count, 1)
    return mean.astype(np.float32), 2 * count >= width, has_data


def is_missing(batch: SpectrumBatch, arm: Arm) -> NDArray[np.bool_]:
    """Return which of the spectra, (N,), lack an arm: flux and ivar are 0 in each of its pixels."""
    nothing = ~batch.ivar[arm].any(axis=1)
    nothing[nothing] = ~batch.flux[arm][nothing].any(axis=1)
    return nothing


def _median_absolute(
    flux: NDArray[np.float32], is_covered: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the median of |flux| over covered bins, (N,); 1 where it is not positive."""
    whole = is_covered.all(axis=1)
    median = np.ones(len(flux), dtype=np.float32)
    median[whole] = np.median(np.abs(flux[whole]), axis=1)
    for row in np.flatnonzero(~whole & is_covered.any(axis=1)):
        median[row] = np.median(np.abs(flux[row, is_covered[row]]))
    return np.where(median > 0, median, np.float32(1))
