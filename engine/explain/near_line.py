"""The known line that a feature is nearest to, at the redshift of its object."""

import math
from dataclasses import dataclass

from scipy.constants import speed_of_light

from anomaly_explorer.engine.spectra.lines import LINES, RARE_LINES, SpectralLine

_LIGHT_KMS = speed_of_light / 1e3


@dataclass(frozen=True)
class NearLine:
    """A line of `LINES` or `RARE_LINES` and how far off it is.

    Parameters
    ----------
    line : SpectralLine
    observed_wavelength : float
        Where the redshift puts it, Å.
    offset_kms : float
        Velocity of the feature against the line: positive = redward of it.
    """

    line: SpectralLine
    observed_wavelength: float
    offset_kms: float


def nearest_line(wavelength: float, redshift: float) -> NearLine | None:
    """Return the line nearest in velocity to an observed wavelength.

    Parameters
    ----------
    wavelength : float
        Å, vacuum, observed.
    redshift : float
        Of the object; None is returned where it is NaN or -1 at most.

    Examples
    --------
    >>> near = nearest_line(6564.61 * 1.5 * 1.001, 0.5)
    >>> near.line.name, round(near.offset_kms)
    ('Hα', 300)
    """
    if not (math.isfinite(redshift) and redshift > -1):
        return None
    rest = wavelength / (1 + redshift)
    line = min((*LINES, *RARE_LINES), key=lambda each: abs(math.log(rest / each.wavelength)))
    offset = _LIGHT_KMS * (rest / line.wavelength - 1)
    return NearLine(line, line.wavelength * (1 + redshift), offset)
