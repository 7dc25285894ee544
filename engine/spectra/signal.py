"""Signal-to-noise of an arm, measured as DESI's SCORES table does, for every survey alike."""

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import STEP_ANGSTROM, Arm

# Windows of MEDIAN_COADD_SNR_{B,R,Z} in Å: DESI data model, SCORES table.
SNR_WINDOWS = MappingProxyType(
    {Arm.BLUE: (4000.0, 5800.0), Arm.RED: (5800.0, 7600.0), Arm.NIR: (7600.0, 9800.0)}
)


def median_snr(
    arm: Arm, flux: NDArray[Any], ivar: NDArray[Any], mask: NDArray[Any]
) -> NDArray[np.float32]:
    """Return the median S/N per square root of Å in the arm's window.

    Pixels with ivar 0, a mask bit or no finite flux do not count.

    Parameters
    ----------
    arm : Arm
        Which arm the pixels belong to.
    flux, ivar, mask : (N, n)
        As in `SpectrumBatch`.

    Returns
    -------
    (N,) float32
        Exactly 0 where no pixel of the window is usable.

    Examples
    --------
    >>> ones = np.ones((1, Arm.RED.n_pixels), dtype=np.float32)
    >>> median_snr(Arm.RED, ones, ones * 0.8, ones * 0).tolist()
    [1.0]
    """
    low, high = SNR_WINDOWS[arm]
    wavelength = arm.wavelength
    window = slice(*np.searchsorted(wavelength, (low - 1e-6, high - 1e-6)))
    f, v, m = flux[:, window], ivar[:, window], mask[:, window]
    is_usable = (v > 0) & (m == 0) & np.isfinite(f)
    snr = np.where(is_usable, f, 0) * np.sqrt(np.where(is_usable, v, 0))
    # Unusable pixels sort to the end, so that one sort serves all rows.
    ordered = np.sort(np.where(is_usable, snr, np.inf), axis=1)
    n_usable = is_usable.sum(axis=1)
    rows = np.arange(len(f))
    below = ordered[rows, np.maximum(n_usable - 1, 0) // 2]
    above = ordered[rows, np.minimum(n_usable // 2, ordered.shape[1] - 1)]
    has_signal = n_usable > 0
    median = np.where(has_signal, below, 0) / 2 + np.where(has_signal, above, 0) / 2
    return (median / np.sqrt(STEP_ANGSTROM)).astype(np.float32)
