"""What of a spectrum speaks for its score: a feature, what is near it, and shares."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.air import name_air
from anomaly_explorer.engine.spectra.grid import BinGrid

from .feature import Feature, feature_of_residual
from .near_line import NearLine, nearest_line
from .shares import Shares, shares_of_residual


@dataclass(frozen=True)
class Evidence:
    """Where in the spectrum a score comes from.

    Parameters
    ----------
    feature : Feature or None
        What stands out most; None where no bin is known.
    shares : Shares or None
        None where the score is 0 or there is none.
    line : NearLine or None
        Nearest to the feature; None without a feature or a redshift.
    air : str
        What of the air lies on the feature, such as ``telluric A band O₂``; empty for nothing.
    """

    feature: Feature | None
    shares: Shares | None
    line: NearLine | None
    air: str


def evidence_of(feature: Feature | None, shares: Shares | None, redshift: float) -> Evidence:
    """Return the evidence with what is near the feature; an unknown redshift is NaN."""
    if feature is None:
        return Evidence(None, shares, None, "")
    near = nearest_line(feature.wavelength, redshift)
    return Evidence(feature, shares, near, name_air(*feature.limits))


def evidence_of_residual(
    residual: NDArray[np.floating],
    weight: NDArray[np.floating],
    grid: BinGrid,
    redshift: float,
) -> Evidence:
    """Return the evidence for the compatible score.

    Parameters
    ----------
    residual : (B,) array
        Normalized flux − reconstruction; NaN = not covered.
    weight : (B,) array
        1 / variance of the noise in the same units, such as `bin_weights` finds it.
    grid : BinGrid
    redshift : float
        NaN = unknown.
    """
    feature = feature_of_residual(residual, weight, grid)
    return evidence_of(feature, shares_of_residual(residual, grid), redshift)
