"""From normalized flux and reconstruction to the published scores.

Definitions (section 1.4 of the published catalog's code): score_mse is the mean squared residual
over all bins; rB, rR, rZ are mean absolute residuals per arm; the worst arm is the largest of the
three, ties to the earlier. Bins a survey does not cover are left out of every mean.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid

# Mean square, kurtosis, and the mean absolute residual of each arm.
_N_MEANS = 2 + len(ARMS)

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
    n = len(normalized_flux)
    means, peak = np.empty((n, _N_MEANS)), np.empty(n, np.intp)
    limits = tuple(grid.bins_of(arm).stop for arm in ARMS)
    _score_rows(normalized_flux, reconstruction, is_covered, limits, (means, peak))
    arm_residuals = means[:, _N_MEANS - len(ARMS) :]
    worst = np.where(np.isnan(arm_residuals), -1.0, arm_residuals).argmax(axis=1)
    nothing = ~is_covered.any(axis=1)
    blank = np.where(nothing, np.nan, 0.0)
    return Scores(
        score_mse=means[:, 0].astype(np.float32),
        score_sum=(np.nansum(arm_residuals, axis=1) + blank).astype(np.float32),
        residual_kurtosis=means[:, 1].astype(np.float32),
        arm_residuals=arm_residuals.astype(np.float32),
        worst_arm=np.where(nothing, "", ARM_LETTERS[worst]).astype(object),
        peak_wavelength=(grid.centers[peak] + blank).astype(np.float32),
        published_peak_wavelength=(grid.published_wavelengths[peak] + blank).astype(np.float32),
    )


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _score_rows(
    flux: NDArray,
    reconstruction: NDArray,
    is_covered: NDArray,
    limits: tuple[int, int, int],
    out: tuple[NDArray, NDArray],
) -> None:
    """Take the means of each row, in float64, NaN where there is nothing to take them of.

    Parameters
    ----------
    flux, reconstruction : (N, B) float32
    is_covered : (N, B) bool
    limits : tuple of int
        Bin after the last one of each arm.
    out : tuple
        Filled: mean square, excess kurtosis and mean |residual| of each arm, (N, 5) float64; bin
        of the largest |residual| (N,), the first of several, 0 where no residual is.
    """
    means, peaks = out
    residual = np.zeros(flux.shape[1])
    for row in range(len(flux)):
        for b in range(len(residual)):
            some = np.float64(flux[row, b]) - np.float64(reconstruction[row, b])
            residual[b] = some if is_covered[row, b] else 0.0
        n, total, square, start = 0, 0.0, 0.0, 0
        for arm in range(len(limits)):
            n_arm, absolute = 0, 0.0
            for b in range(start, limits[arm]):
                n_arm += is_covered[row, b]
                absolute += abs(residual[b])
                total += residual[b]
                square += residual[b] * residual[b]
            means[row, 2 + arm] = absolute / n_arm if n_arm else np.nan
            n, start = n + n_arm, limits[arm]
        means[row, 0] = square / n if n else np.nan
        means[row, 1] = _excess_kurtosis(residual, is_covered[row], total, n) if n else np.nan
        peaks[row] = _largest(residual)


@numba.njit(nogil=True, cache=True)
def _largest(residual: NDArray) -> int:
    """Return the bin of the largest |residual|, the first of several; NaN is the largest."""
    place, largest = 0, 0.0
    for b in range(len(residual)):
        size = abs(residual[b])
        if not size <= largest and largest == largest:
            place, largest = b, size
    return place


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _excess_kurtosis(residual: NDArray, is_covered: NDArray, total: float, n: int) -> float:
    """Return the Fisher kurtosis over the n covered bins of a row; NaN without spread."""
    mean, second, fourth = total / n, 0.0, 0.0
    for b in range(len(residual)):
        centered = residual[b] - mean if is_covered[b] else 0.0
        square = centered * centered
        second += square
        fourth += square * square
    second, fourth = second / n, fourth / n
    return fourth / (second * second) - 3.0 if second > 0 else np.nan
