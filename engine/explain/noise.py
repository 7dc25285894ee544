"""The noise of a spectrum on the bins of the model, in the units of its input."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid
from anomaly_explorer.engine.spectra.spectrum import Spectrum


def bin_weights(spectrum: Spectrum, scale: float, grid: BinGrid) -> NDArray[np.float64]:
    """Return 1 / variance of each bin in units of normalized flux, (B,); 0 = nothing known.

    The bins of the compatible model are plain means of their pixels: the variance of one is the sum
    of the variances of its good pixels over the square of their number.

    Parameters
    ----------
    spectrum : Spectrum
    scale : float
        Flux units per unit of normalized flux.
    grid : BinGrid
    """
    parts = []
    for arm in ARMS:
        ivar = np.asarray(spectrum.ivar[arm], np.float64)
        is_known = spectrum.good(arm) & np.isfinite(ivar)
        variance = np.divide(1, ivar, out=np.zeros_like(ivar), where=is_known)
        n_bins = grid.n_bins_of(arm)
        shape = n_bins, grid.pixels_per_bin
        total, n_known = (each[: shape[0] * shape[1]].reshape(shape).sum(axis=1)
                          for each in (variance, is_known))  # fmt: skip
        parts.append(np.divide(n_known**2, total, out=np.zeros(n_bins), where=n_known > 0))
    return np.concatenate(parts) * scale**2
