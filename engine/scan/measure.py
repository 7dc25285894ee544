"""The columns of the calibrated score that a scan makes: statistics, and how good the noise is."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.noise_scale import noise_scales
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.filters import WIDTHS, filter_bank
from anomaly_explorer.engine.scoring.measurer import Measured
from anomaly_explorer.engine.scoring.statistics import MATCHED
from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid


def statistic_column(name: str) -> str:
    """Return the column of a statistic.

    >>> statistic_column("width_0.5")
    'statistic_width_0_5'
    """
    return f"statistic_{name.replace('.', '_')}"


def measured_columns(
    measured: Measured, weighed: WeighedInput, grid: BinGrid
) -> dict[str, NDArray[np.float32]]:
    """Return the columns of N spectra, (N,) each.

    Parameters
    ----------
    measured : Measured
    weighed : WeighedInput
        Of the same spectra.
    grid : BinGrid
        Of the measurer.
    """
    found = {statistic_column(name): values for name, values in measured.values.items()}
    found["snr_bin"] = measured.snr
    found["bump_wavelength"], found["bump_width"] = best_bump(measured, grid)
    scales = noise_scales(weighed, grid)
    found |= {f"noise_scale_{arm.value}": scales[:, i] for i, arm in enumerate(ARMS)}
    return {name: np.asarray(values, np.float32) for name, values in found.items()}


def best_bump(measured: Measured, grid: BinGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the most significant bump is, in Å, and its width in bins, (N,) each.

    The width is the standard deviation of the Gaussian; 0 is a single bin. NaN where none could be
    measured.
    """
    matches = np.stack([measured.values[name] for name in MATCHED], axis=1)
    has_any = np.isfinite(matches).any(axis=1)
    best = np.nan_to_num(matches, nan=-1.0).argmax(axis=1)
    filters = np.take_along_axis(measured.filters, best[:, None], axis=1)[:, 0]
    center = filter_bank(grid).center[filters]
    wavelength = np.interp(center, np.arange(grid.n_bins), grid.centers)
    width = np.array(WIDTHS)[best]
    return np.where(has_any, wavelength, np.nan), np.where(has_any, width, np.nan)
