"""The one bump or dip that stands out most: where, how wide, and which way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from anomaly_explorer.engine.scoring.filters import WIDTHS, FilterBank
from anomaly_explorer.engine.scoring.statistics import Difference
from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid

_LIGHT_KMS = speed_of_light / 1e3
# Full width at half maximum of a Gaussian, in standard deviations.
_FWHM = 2 * np.sqrt(2 * np.log(2))


@dataclass(frozen=True)
class Feature:
    """A bump or dip of the difference of flux and model.

    Parameters
    ----------
    wavelength : float
        Of its middle; Å, vacuum, observed.
    width_bins : float
        Full width at half maximum in bins of the model; 1 for a single bin.
    bin_width : float
        Å.
    arm : Arm
    is_excess : bool
        Whether there is more flux than the model has.
    significance : float
        In standard deviations of the noise; of the noise-aware network, of noise and model error.
        NaN where the noise is unknown.
    height : float
        Largest |residual| in units of normalized flux; NaN for the noise-aware network, which is
        after more than one bin.
    """

    wavelength: float
    width_bins: float
    bin_width: float
    arm: Arm
    is_excess: bool
    significance: float
    height: float = float("nan")

    @property
    def width_angstrom(self) -> float:
        """Return the full width at half maximum in Å, observed."""
        return self.width_bins * self.bin_width

    @property
    def width_kms(self) -> float:
        """Return the full width at half maximum as a velocity."""
        return _LIGHT_KMS * self.width_angstrom / self.wavelength

    @property
    def limits(self) -> tuple[float, float]:
        """Return the two wavelengths (Å) where it is half as high as in its middle."""
        half = self.width_angstrom / 2
        return self.wavelength - half, self.wavelength + half


def fwhm_bins(sigma_bins: float) -> float:
    """Return the full width at half maximum of a filter of `WIDTHS`; a single bin is 1 wide."""
    return max(1.0, float(_FWHM * sigma_bins))


def feature_of_residual(
    residual: NDArray[np.floating], weight: NDArray[np.floating], grid: BinGrid
) -> Feature | None:
    """Return what is around the largest |residual|, (B,); None where no bin is covered.

    It is as wide as the run of bins of one arm around that bin whose residuals have its sign and
    half of its size at least.

    Parameters
    ----------
    residual : (B,) array
        Normalized flux − reconstruction, NaN where not covered.
    weight : (B,) array
        1 / variance of the noise of each bin in the same units; 0 where it is unknown.
    grid : BinGrid
    """
    size = np.where(np.isfinite(residual), np.abs(residual), -1.0)
    peak = int(size.argmax())
    if size[peak] < 0:
        return None
    arm, bins = _arm_of(peak, grid)
    is_in = np.sign(residual[peak]) * np.nan_to_num(residual) >= size[peak] / 2
    is_in[peak] = True
    first = last = peak
    while first > bins.start and is_in[first - 1]:
        first -= 1
    while last + 1 < bins.stop and is_in[last + 1]:
        last += 1
    run = slice(first, last + 1)
    return Feature(
        float(grid.centers[[first, last]].mean()), float(last - first + 1), grid.bin_width, arm,
        bool(residual[peak] > 0), _significance(residual[run], weight[run]), float(size[peak]),
    )  # fmt: skip


def feature_of_filter(
    difference: Difference, row: int, number: int, bank: FilterBank, grid: BinGrid
) -> Feature:
    """Return the bump or dip that a matched filter found in one of N spectra.

    Parameters
    ----------
    difference : Difference
        What was matched; values and weights (N, B).
    row : int
        Which of the spectra.
    number : int
        Of the filter in the bank, such as `match_filters` returns it.
    bank : FilterBank
    grid : BinGrid
    """
    shape = bank.shape(number, grid.n_bins).astype(np.float64)
    weight = difference.weight[row].astype(np.float64)
    signal = float((difference.values[row] * weight * shape).sum())
    power = float((weight * shape**2).sum())
    center = float(bank.center[number])
    whole = int(np.floor(center))
    arm, _ = _arm_of(whole, grid)
    return Feature(
        float(grid.centers[whole]) + (center - whole) * grid.bin_width,
        fwhm_bins(WIDTHS[int(bank.width[number])]), grid.bin_width, arm, signal > 0,
        abs(signal) / np.sqrt(power) if power > 0 else 0.0,
    )  # fmt: skip


def _significance(residual: NDArray[np.floating], weight: NDArray[np.floating]) -> float:
    """Return the size of a sum of residuals over that of its noise."""
    known = weight > 0
    if not known.any():
        return float("nan")
    noise = np.sqrt((1 / weight[known].astype(np.float64)).sum())
    return float(np.abs(residual[known].astype(np.float64).sum()) / noise)


def _arm_of(number: int, grid: BinGrid) -> tuple[Arm, slice]:
    """Return the arm that a bin belongs to, and the bins of the arm."""
    arm = next(arm for arm in ARMS if number < grid.bins_of(arm).stop)
    return arm, grid.bins_of(arm)
