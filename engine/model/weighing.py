"""From pixels to the noise-aware network's input: bins weighted by ivar, their variance beside.

Nothing is clipped, because the clip hides lines. Flux is divided by its root mean square, so flux
times any number with ivar over its square is the same input.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, stored_rows

from .bins import restore_words

WEIGHING_VERSION = "weighed-1"
# Variance of a bin without any information, in units of the mean square of the flux, and the least
# one that is believed: no flux is known to better than one part in ten thousand.
UNKNOWN = np.float32(1e6)
_LEAST = 1e-8


@dataclass(frozen=True)
class WeighedInput:
    """What the noise-aware network sees of N spectra.

    Parameters
    ----------
    flux : (N, B) float32
        Ivar-weighted mean flux of each bin over `amplitude`; 0 where nothing is known.
    variance : (N, B) float32
        Of `flux`, as the pipeline has it; `UNKNOWN` where nothing is known.
    amplitude : (N,) float32
        Ivar-weighted root mean square of the bins, 1e-17 erg s⁻¹ cm⁻² Å⁻¹; 1 where it is 0.
    """

    flux: NDArray[np.float32]
    variance: NDArray[np.float32]
    amplitude: NDArray[np.float32]

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Return which bins carry information, (N, B)."""
        return self.variance < UNKNOWN

    def __len__(self) -> int:
        return len(self.amplitude)

    def take(self, rows: NDArray[np.integer]) -> "WeighedInput":
        """Return the input of some spectra, given by their (K,) places."""
        return WeighedInput(self.flux[rows], self.variance[rows], self.amplitude[rows])

    def joined(self, *others: "WeighedInput") -> "WeighedInput":
        """Return the input of these spectra and of others after them."""
        parts = (self, *others)
        return WeighedInput(
            np.concatenate([part.flux for part in parts]),
            np.concatenate([part.variance for part in parts]),
            np.concatenate([part.amplitude for part in parts]),
        )


def weigh_bins(batch: SpectrumBatch | StoredBatch, grid: BinGrid) -> WeighedInput:
    """Average N spectra into B bins, each pixel by its ivar; bad pixels do not count.

    Parameters
    ----------
    batch : SpectrumBatch or StoredBatch
        N spectra on the DESI arms; how their pixels are stored changes no bit of the result.
    grid : BinGrid
        B bins.

    Returns
    -------
    WeighedInput
    """
    total = np.zeros((len(batch), grid.n_bins), np.float64)
    weight = np.zeros_like(total)
    for arm in ARMS:
        bins = grid.bins_of(arm)
        flux, ivar, mask = stored_rows(batch, arm)
        _add_pixels(
            (flux.words, ivar.words, mask.words),
            (flux.is_swapped, ivar.is_swapped),
            mask.word_of(0),
            grid.pixels_per_bin,
            (total[:, bins], weight[:, bins]),
        )
    return normalize_weighed(total, weight)


def normalize_weighed(total: NDArray[np.float64], weight: NDArray[np.float64]) -> WeighedInput:
    """Return the input for sums of ivar × flux and of ivar over the pixels of bins, each (N, B)."""
    known = weight > 0
    mean = np.divide(total, weight, out=np.zeros_like(total), where=known)
    power, weights = (weight * mean**2).sum(axis=1), weight.sum(axis=1)
    square = np.divide(power, weights, out=np.zeros_like(power), where=weights > 0)
    amplitude = np.where(square > 0, np.sqrt(square), 1.0)[:, None]
    variance = np.divide(
        1, weight * amplitude**2, out=np.full_like(total, float(UNKNOWN)), where=known
    )
    # What is noisier than that says nothing either.
    variance = np.clip(variance, _LEAST, UNKNOWN)
    flux = np.where(variance < UNKNOWN, mean / amplitude, 0)
    return WeighedInput(
        flux.astype(np.float32), variance.astype(np.float32), amplitude[:, 0].astype(np.float32)
    )


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _add_pixels(
    words: tuple[NDArray, NDArray, NDArray],
    is_swapped: tuple[bool, bool],
    no_bit: np.uint32,
    width: int,
    out: tuple[NDArray, NDArray],
) -> None:
    flux_words, ivar_words, mask = words
    total, weight = out
    # A row at a time in the machine's byte order: the file's own may be the other.
    row_words = np.empty((2, total.shape[1] * width), np.uint32)
    values = row_words.view(np.float32)
    for row in range(len(mask)):
        restore_words(flux_words[row], is_swapped[0], row_words[0])
        restore_words(ivar_words[row], is_swapped[1], row_words[1])
        for b in range(total.shape[1]):
            for i in range(b * width, (b + 1) * width):
                f, w = np.float64(values[0, i]), np.float64(values[1, i])
                if mask[row, i] == no_bit and w > 0 and np.isfinite(w) and np.isfinite(f):
                    total[row, b] += w * f
                    weight[row, b] += w
