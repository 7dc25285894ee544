"""Strength and width of lines in single spectra: a Gaussian on a straight continuum."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light
from scipy.optimize import curve_fit

_LIGHT_KMS = speed_of_light / 1e3
_LEAST_PIXELS = 12


@dataclass(frozen=True)
class LineFit:
    """One line.

    Parameters
    ----------
    area : float
        Flux of the line, in units of the flux times Å; negative for absorption.
    sigma_kms : float
        Standard deviation as observed, the instrument's included, in km/s.
    shift_kms : float
        From where it was expected.
    significance : float
        Height over its error, width and place held.
    """

    area: float
    sigma_kms: float
    shift_kms: float
    significance: float


def fit_line(
    pixels: tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]],
    expected: float,
    widths_kms: tuple[float, float],
    window_kms: float,
) -> LineFit | None:
    """Fit a Gaussian and a straight line; None where there are too few pixels or no fit.

    Parameters
    ----------
    pixels : tuple of (n,) array
        Wavelength (Å, rising), flux and noise (1 sigma, 0 = do not use).
    expected : float
        Observed wavelength the line should have, in Å.
    widths_kms : tuple of float
        Least and largest standard deviation, in km/s.
    window_kms : float
        Half width of the stretch that is fitted.
    """
    wavelength, flux, noise = (np.asarray(each, np.float64) for each in pixels)
    velocity = (wavelength / expected - 1) * _LIGHT_KMS
    rows = (np.abs(velocity) < window_kms) & (noise > 0) & np.isfinite(flux)
    if rows.sum() < _LEAST_PIXELS or not velocity[rows].min() < 0 < velocity[rows].max():
        return None
    v, f, scale = velocity[rows], flux[rows], float(np.median(noise[rows]))
    edge = np.median(f)
    peak = f[np.abs(v - v[np.argmax(np.abs(f - edge))]) < widths_kms[1]].mean() - edge
    start = (peak, v[np.argmax(np.abs(f - edge))] / 3, np.mean(widths_kms) / 2, edge, 0.0)
    reach = window_kms / 3
    low = (-np.inf, -reach, widths_kms[0], -np.inf, -np.inf)
    high = (np.inf, reach, widths_kms[1], np.inf, np.inf)
    start = tuple(np.clip(start, [x + 1e-9 for x in low], [x - 1e-9 for x in high]))
    try:
        found, covariance = curve_fit(
            _line, v, f, start, noise[rows] + 1e-3 * scale, True, bounds=(low, high)
        )
    except (RuntimeError, ValueError):
        return None
    height, shift, sigma = found[:3]
    error = np.sqrt(covariance[0, 0])
    area = height * sigma / _LIGHT_KMS * expected * np.sqrt(2 * np.pi)
    return LineFit(float(area), float(sigma), float(shift), float(abs(height) / error))


def _line(v: NDArray, *parts: float) -> Any:
    height, shift, sigma, level, tilt = parts
    return height * np.exp(-0.5 * ((v - shift) / sigma) ** 2) + level + tilt * v / 1000
