"""Bumps planted into real spectra: the only anomalies in them whose truth is known."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID

# Standard deviation in bins, sign, and ideal S/N by the noise of the spectrum.
PLANTED = {"narrow line": (1.0, 1.0, 12.0), "broad dip": (6.0, -1.0, 30.0)}


def plant(
    spectra: WeighedInput, kind: str, rng: np.random.Generator
) -> tuple[WeighedInput, NDArray[np.float64]]:
    """Return N spectra with a bump each, and where it is (Å), (N,).

    The place is drawn among the bins of an arm that are known a standard deviation around.
    """
    width, sign, strength = PLANTED[kind]
    flux, at = spectra.flux.copy(), np.full(len(spectra), np.nan)
    bins = np.arange(COMPATIBLE_GRID.n_bins)
    for row in range(len(spectra)):
        known = spectra.is_known[row]
        places = np.flatnonzero(known)
        if not len(places):
            continue
        center = rng.choice(places)
        arm = next(arm for arm in ARMS if center < COMPATIBLE_GRID.bins_of(arm).stop)
        inside = np.zeros(len(bins), bool)
        inside[COMPATIBLE_GRID.bins_of(arm)] = True
        shape = np.where(inside & known, np.exp(-0.5 * ((bins - center) / width) ** 2), 0)
        power = np.sqrt((shape**2 / spectra.variance[row]).sum())
        flux[row] += (sign * strength / power * shape).astype(np.float32)
        at[row] = COMPATIBLE_GRID.centers[center]
    return WeighedInput(flux, spectra.variance, spectra.amplitude), at


def add_light(
    spectra: WeighedInput, light: tuple[NDArray, NDArray], redshift: NDArray, share: float
) -> WeighedInput:
    """Return N spectra with the light of something at their own redshifts (N,) added.

    Parameters
    ----------
    spectra : WeighedInput
    light : tuple of array
        Rest wavelength (n,) in Å and flux (N, n), one row for each spectrum; 0 = not known.
    redshift : (N,) array
        A spectrum without one is left as it is.
    share : float
        Of the spectrum's own flux, on the median of the bins that the light reaches.
    """
    rest, rows = light
    flux = spectra.flux.copy()
    for row in np.flatnonzero(np.isfinite(redshift)):
        known = rows[row] != 0
        at = COMPATIBLE_GRID.centers / (1 + redshift[row])
        added = np.interp(at, rest[known], rows[row][known], 0, 0)
        level = np.median(spectra.flux[row][(added != 0) & spectra.is_known[row]])
        size = np.median(np.abs(added[added != 0])) if (added != 0).any() else 0
        if size > 0 and level > 0:
            flux[row] += (share * level / size * added).astype(np.float32)
    return WeighedInput(flux, spectra.variance, spectra.amplitude)
