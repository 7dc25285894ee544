"""The night sky as the fibers see it: continuum and emission lines in vacuum."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.air import AIRGLOW

# Dark-sky continuum through a fiber of 1.5 arcsec, 1e-17 erg s⁻¹ cm⁻² Å⁻¹.
_CONTINUUM = (
    (3600.0, 1.6),
    (4500.0, 1.6),
    (5500.0, 2.1),
    (7000.0, 2.2),
    (8500.0, 2.6),
    (9824.0, 3.2),
)
_LINE_SIGMA = 0.72  # Å, the line-spread of the arms


def sky_continuum(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the dark-sky continuum, (n,), 1e-17 erg s⁻¹ cm⁻² Å⁻¹."""
    knots = np.array(_CONTINUUM)
    return np.interp(wavelength, knots[:, 0], knots[:, 1])


def sky_lines(wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the emission lines of the sky on a pixel grid, (n,), 1e-17 erg s⁻¹ cm⁻² Å⁻¹."""
    total = np.zeros_like(wavelength)
    for center, strength in AIRGLOW:
        x = (wavelength - center) / _LINE_SIGMA
        total += strength / (_LINE_SIGMA * np.sqrt(2 * np.pi)) * np.exp(-0.5 * x * x)
    return total
