"""The Gunn-Peterson trough of a quasar, measured: how much light is left blueward of Lyman alpha.

At z > 6 the gas between us and a quasar is neutral enough to swallow the light between Lyman beta
and Lyman alpha (Gunn & Peterson 1965; Fan et al. 2006). The windows keep clear of Lyman beta, of
the quasar's own ionized surroundings, and of the Lyman alpha and N V lines.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.spectrum import Spectrum

LYMAN_ALPHA = 1215.67
# Rest wavelengths in Å.
BLUEWARD, REDWARD = (1090.0, 1180.0), (1260.0, 1310.0)
_MIN_PIXELS, _MIN_SIGNIFICANCE = 30, 3.0
# A trough leaves less than the first, and what leaves more than the second has none: gas at z > 5.3
# lets a few percent through (Fan et al. 2006), thin gas most, and a cool dwarf has 0.1 of its own.
_DARK, _CLEAR = 0.1, 0.3


@dataclass(frozen=True)
class Trough:
    """Flux left blueward of Lyman alpha.

    Parameters
    ----------
    ratio, error : float
        Mean flux blueward over redward, and its standard error from ivar; NaN when not measured.
    reason : str
        Why it was not measured; empty when it was.
    """

    ratio: float
    error: float
    reason: str = ""

    @property
    def verdict(self) -> str:
        """Return what the ratio says, at two standard errors."""
        if self.reason:
            return "not measured"
        if self.ratio + 2 * self.error < _DARK:
            return "trough"
        return "no trough" if self.ratio - 2 * self.error > _CLEAR else "undecided"


def measure_trough(spectrum: Spectrum, redshift: float) -> Trough:
    """Compare the mean flux of two windows, at a redshift.

    Each pixel counts alike: weights by ivar would follow the flux, which raises the noise. The
    error is sqrt(σ_b² + R² σ_r²) / F_r for the ratio R of blueward to redward flux.
    """
    blue, red = (_mean(spectrum, window, redshift) for window in (BLUEWARD, REDWARD))
    if blue is None or red is None:
        side = "blueward" if blue is None else "redward"
        return Trough(np.nan, np.nan, f"too few good pixels {side} of Lyman alpha")
    if red[0] < _MIN_SIGNIFICANCE * red[1]:
        return Trough(np.nan, np.nan, "no flux above the noise redward of Lyman alpha")
    ratio = blue[0] / red[0]
    return Trough(ratio, float(np.hypot(blue[1], ratio * red[1]) / red[0]))


def _mean(
    spectrum: Spectrum, window: tuple[float, float], redshift: float
) -> tuple[float, float] | None:
    """Return mean flux and its error over the good pixels of a rest-frame window."""
    low, high = (edge * (1 + redshift) for edge in window)
    flux: list[NDArray[np.float64]] = []
    variance: list[NDArray[np.float64]] = []
    for arm in ARMS:
        used = spectrum.good(arm) & (arm.wavelength >= low) & (arm.wavelength <= high)
        flux.append(spectrum.flux[arm][used].astype(np.float64))
        variance.append(1 / spectrum.ivar[arm][used].astype(np.float64))
    values, errors = np.concatenate(flux), np.concatenate(variance)
    if len(values) < _MIN_PIXELS:
        return None
    # Sky lines are the noisiest pixels: the worst tenth would be most of the error.
    kept = errors <= np.quantile(errors, 0.9)
    return float(values[kept].mean()), float(np.sqrt(errors[kept].sum()) / np.count_nonzero(kept))
