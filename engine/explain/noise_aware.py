"""The evidence for a calibrated score: an object measured once more, with its bins looked at."""

from typing import TYPE_CHECKING

import numpy as np

from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.filters import WIDTHS, filter_bank
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.scoring.statistics import MATCHED
from anomaly_explorer.engine.spectra.grid import BinGrid

from .evidence import Evidence, evidence_of
from .feature import Feature, feature_of_filter
from .leftover import leave
from .shares import shares_of_difference

if TYPE_CHECKING:
    from anomaly_explorer.engine.scoring.measurer import Measured
    from anomaly_explorer.engine.scoring.statistics import Difference


def noise_aware_evidence(
    measurer: Measurer,
    spectrum: WeighedInput,
    known: Known,
    winner: str = "",
    line_wavelength: float = float("nan"),
) -> Evidence:
    """Return the evidence for the calibrated score of one spectrum.

    Parameters
    ----------
    measurer : Measurer
    spectrum : WeighedInput
        One.
    known : Known
        Its class and redshift.
    winner : str
        The statistic of `statistics.NAMES` that won. Where no matched filter did, the most
        significant bump of any width is named.
    line_wavelength : float
        Where a narrow line has won, in Å: its bin is looked at.
    """
    measured, left = measurer.measure(spectrum, known), leave(measurer, spectrum, known)
    feature = _line_feature(measurer.grid, left, line_wavelength)
    feature = feature or _feature(measurer, left, measured, winner)
    shares = shares_of_difference(left, 0, measurer.grid)
    return evidence_of(feature, shares, float(known.redshift[0]))


def _line_feature(grid: BinGrid, left: "Difference", wavelength: float) -> Feature | None:
    """Return the bin at a wavelength; None where there is none, or where it is unknown."""
    if np.isnan(wavelength):
        return None
    bank = filter_bank(grid)
    away = np.where(left.weight[0] > 0, np.abs(grid.centers - wavelength), np.inf)
    if away.min() > grid.bin_width / 2:
        return None
    number = np.flatnonzero((np.array(WIDTHS)[bank.width] == 0) & (bank.center == away.argmin()))
    return feature_of_filter(left, 0, int(number[0]), bank, grid)


def _feature(
    measurer: Measurer, left: "Difference", measured: "Measured", winner: str
) -> Feature | None:
    """Return the bump that won, or the most significant one where something else did."""
    matches = np.array([measured.values[name][0] for name in MATCHED], np.float64)
    usable = np.isfinite(matches) & (measured.filters[0] >= 0)
    if not usable.any():
        return None
    best = int(np.where(usable, matches, -1.0).argmax())
    if winner in MATCHED and usable[MATCHED.index(winner)]:
        best = MATCHED.index(winner)
    number = int(measured.filters[0, best])
    return feature_of_filter(left, 0, number, filter_bank(measurer.grid), measurer.grid)
