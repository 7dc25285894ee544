"""The noise of a spectrum on the bins of the model, in the units of its input."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid
from anomaly_explorer.engine.spectra.spectrum import Spectrum


def bin_weights(spectrum: Spectrum, scale: float, grid: BinGrid) -> NDArray[np.float64]:
    """Return 1 / variance of each bin in units of normalized flux, (B,); 0 = nothing known.

    Parameters
    ----------
    spectrum : Spectrum
    scale : float
        Flux units per unit of normalized flux.
    grid : BinGrid
    """
    parts = []
    for arm in ARMS:
        is_known = spectrum.good(arm) & np.isfinite(spectrum.ivar[arm])
        ivar = np.where(is_known, spectrum.ivar[arm], 0).astype(np.float64)
        n_bins = grid.n_bins_of(arm)
        whole = ivar[: n_bins * grid.pixels_per_bin].reshape(n_bins, -1)
        parts.append(whole.sum(axis=1))
    return np.concatenate(parts) * scale**2
