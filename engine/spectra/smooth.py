"""Gaussian smoothing of a spectrum for the eye; no score is ever computed from it."""

import numpy as np
from numpy.typing import NDArray

# Beyond four sigma a Gaussian weighs less than 1e-4 of its peak.
_TRUNCATE_SIGMA = 4.0


def smooth_flux(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], sigma_pixels: float
) -> NDArray[np.float32]:
    """Return the flux averaged with Gaussian times ivar weights; NaN where there is no ivar.

    Parameters
    ----------
    flux : (n,) array
        Flux of one arm; its values where ivar is 0 are never used.
    ivar : (n,) array
        Inverse variance of flux; 0 = do not use. Only ratios matter.
    sigma_pixels : float
        Width of the Gaussian in detector pixels, >= 0; 0 leaves the flux as it is.

    Returns
    -------
    (n,) float32
        Smoothed flux, in the unit of `flux`.

    Examples
    --------
    >>> smooth_flux(np.array([1.0, 9.0, 1.0]), np.array([1.0, 0.0, 1.0]), 2.0).tolist()
    [1.0, nan, 1.0]
    """
    if sigma_pixels < 0:
        raise ValueError(f"sigma_pixels must not be negative, got {sigma_pixels}")
    good = (ivar > 0) & np.isfinite(ivar) & np.isfinite(flux)
    if not good.any():
        return np.full(flux.shape, np.nan, np.float32)
    weight = np.where(good, ivar, 0.0).astype(np.float64)
    weight /= weight.max()
    weighted = np.where(good, flux, 0.0) * weight
    if sigma_pixels > 0:
        weight, weighted = (_blur(values, sigma_pixels) for values in (weight, weighted))
    result = np.full(flux.shape, np.nan, np.float32)
    # A weight can underflow to zero when ivar spans more than a double does.
    usable = good & (weight > 0)
    result[usable] = weighted[usable] / weight[usable]
    return result


def _blur(values: NDArray[np.float64], sigma_pixels: float) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter1d  # takes a while, and no page is made of it

    return gaussian_filter1d(values, sigma_pixels, mode="constant", truncate=_TRUNCATE_SIGMA)
