"""From normalized flux and reconstruction to the published scores.

Definitions (section 1.4 of the published catalog's code): score_mse is the mean squared residual
over all bins; rB, rR, rZ are mean absolute residuals per arm; the worst arm is the largest of the
three, ties to the earlier. Bins a survey does not cover are left out of every mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid

ARM_LETTERS = np.array(["B", "R", "Z"], dtype=object)


@dataclass(frozen=True)
class Scores:
    """Scores of N objects; units are those of normalized flux (dimensionless).

    Parameters
    ----------
    score_mse, score_sum, residual_kurtosis : (N,) float32
        Mean squared residual; sum of the three arm residuals; excess kurtosis of the residuals.
    arm_residuals : (N, 3) float32
        Mean absolute residual per arm B, R, Z; NaN where no bin of an arm is covered.
    worst_arm : (N,) array of str
        B, R or Z; empty where nothing is covered.
    peak_wavelength, published_peak_wavelength : (N,) float32
        Å, true bin centre and the published approximation, of the largest |residual|.
    """

    score_mse: NDArray[np.float32]
    score_sum: NDArray[np.float32]
    residual_kurtosis: NDArray[np.float32]
    arm_residuals: NDArray[np.float32]
    worst_arm: NDArray[np.object_]
    peak_wavelength: NDArray[np.float32]
    published_peak_wavelength: NDArray[np.float32]

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Return the scores under their schema names."""
        named = {name: getattr(self, name) for name in (
            "score_mse", "score_sum", "residual_kurtosis", "worst_arm", "peak_wavelength",
            "published_peak_wavelength",
        )}  # fmt: skip
        named |= {f"arm_residual_{arm.value}": self.arm_residuals[:, i]
                  for i, arm in enumerate(ARMS)}  # fmt: skip
        return named


def score_residuals(
    normalized_flux: NDArray[np.float32],
    reconstruction: NDArray[np.float32],
    is_covered: NDArray[np.bool_],
    grid: BinGrid,
) -> Scores:
    """Score N spectra from their normalized flux and reconstruction.

    Parameters
    ----------
    normalized_flux, reconstruction : (N, B) float32
        Model input and output, flux / median |flux|.
    is_covered : (N, B) bool
        Bins the survey has; the others enter no mean.
    grid : BinGrid
        The grid of the B bins.

    Returns
    -------
    Scores
        NaN scores where no bin is covered.

    Examples
    --------
    >>> import numpy as np
    >>> from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID as grid
    >>> flux, model = np.ones((1, 496), np.float32), np.zeros((1, 496), np.float32)
    >>> scores = score_residuals(flux, model, np.ones((1, 496), bool), grid)
    >>> float(scores.score_mse[0]), float(scores.score_sum[0]), scores.worst_arm[0]
    (1.0, 3.0, 'B')
    """
    residual = np.where(is_covered, normalized_flux.astype(np.float64) - reconstruction, 0.0)
    n_covered = is_covered.sum(axis=1)
    nothing = n_covered == 0
    n_safe = np.maximum(n_covered, 1)
    mse = np.square(residual).sum(axis=1) / n_safe
    arm_residuals = _mean_absolute_per_arm(residual, is_covered, grid)
    peak = np.abs(residual).argmax(axis=1)
    worst = np.where(np.isnan(arm_residuals), -1.0, arm_residuals).argmax(axis=1)
    blank = np.where(nothing, np.nan, 0.0)
    return Scores(
        score_mse=(mse + blank).astype(np.float32),
        score_sum=(np.nansum(arm_residuals, axis=1) + blank).astype(np.float32),
        residual_kurtosis=_excess_kurtosis(residual, is_covered).astype(np.float32),
        arm_residuals=arm_residuals.astype(np.float32),
        worst_arm=np.where(nothing, "", ARM_LETTERS[worst]).astype(object),
        peak_wavelength=(grid.centers[peak] + blank).astype(np.float32),
        published_peak_wavelength=(grid.published_wavelengths[peak] + blank).astype(np.float32),
    )


def _mean_absolute_per_arm(
    residual: NDArray[np.float64], is_covered: NDArray[np.bool_], grid: BinGrid
) -> NDArray[np.float64]:
    means = np.full((len(residual), len(ARMS)), np.nan)
    for i, arm in enumerate(ARMS):
        bins = grid.bins_of(arm)
        count = is_covered[:, bins].sum(axis=1)
        some = count > 0
        means[some, i] = np.abs(residual[some, bins]).sum(axis=1) / count[some]
    return means


def _excess_kurtosis(
    residual: NDArray[np.float64], is_covered: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the Fisher kurtosis over covered bins, (N,); NaN without spread."""
    count = np.maximum(is_covered.sum(axis=1), 1)
    mean = residual.sum(axis=1) / count
    centered = np.where(is_covered, residual - mean[:, None], 0.0)
    second = np.square(centered).sum(axis=1) / count
    fourth = np.square(np.square(centered)).sum(axis=1) / count
    spread = second > 0
    return np.where(spread, fourth / np.where(spread, np.square(second), 1.0) - 3.0, np.nan)
