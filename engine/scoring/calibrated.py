"""The calibrated score: how surprising a spectrum is, given its class and its noise, in sigmas.

Every statistic becomes a p-value among normals of the same class and a like signal-to-noise ratio;
the p-values of a set are combined, and the combination is calibrated once more the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid

from .calibrate import Calibration
from .combine import combine, to_sigma
from .density import LatentDensity
from .known import Known
from .known_lines import remove_known_lines
from .statistics import ASTRO, INSTRUMENT, NAMES, Difference, measure

SETS = {"astro": ASTRO, "instrument": INSTRUMENT, "all": {**ASTRO, **INSTRUMENT}}
_BLOCK = 1024
_LEAST_SNR = 1e-3
# Arms that must have data in so large a share of their bins.
_LEAST_ARMS, _LEAST_SHARE = 2, 0.5


@dataclass(frozen=True)
class Measured:
    """The statistics of N spectra.

    Parameters
    ----------
    values : mapping of str to (N,) array
        Under `statistics.NAMES`; NaN where one could not be measured, and all of a spectrum
        without data in half of the bins of two arms.
    filters : (N, W) int64
        Best filter of each width.
    snr : (N,) float64
        Median over the known bins of flux over noise; positive.
    latents : (N, 128) float32
    """

    values: Mapping[str, NDArray[np.floating]]
    filters: NDArray[np.int64]
    snr: NDArray[np.float64]
    latents: NDArray[np.float32]


@dataclass(frozen=True)
class CalibratedScores:
    """What the calibrated score says of N spectra.

    Parameters
    ----------
    sigma, p_value : mapping of str to (N,) float64
        For each of `SETS`; NaN where the class was not calibrated.
    is_extrapolated : mapping of str to (N,) bool
        Whether fewer than three of the normals are as odd.
    p_values : mapping of str to (N,) float64
        Of each statistic.
    """

    sigma: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    is_extrapolated: Mapping[str, NDArray[np.bool_]]
    p_values: Mapping[str, NDArray[np.float64]]

    def winner(self, name: str) -> NDArray[np.str_]:
        """Return the least likely statistic of a set, (N,); empty where there is none."""
        members = np.array([*SETS[name], ""])
        p = np.stack([np.nan_to_num(self.p_values[each], nan=2.0) for each in members[:-1]])
        return members[np.where(p.min(axis=0) > 1, len(members) - 1, p.argmin(axis=0))]


class Measurer:
    """Turns spectra into statistics with one network.

    Parameters
    ----------
    network : Denoiser
        In eval mode.
    density : LatentDensity
        Of latents the network was trained on.
    sky : (K, B) array
        Templates of sky residuals.
    grid : BinGrid
    """

    def __init__(
        self, network: Denoiser, density: LatentDensity, sky: NDArray[np.floating], grid: BinGrid
    ) -> None:
        self.network, self.density, self.sky, self.grid = network, density, sky, grid

    def measure(self, spectra: WeighedInput, known: Known) -> Measured:
        """Return the statistics of N spectra."""
        parts = [
            self._measure(spectra.take(rows), known.take(rows))
            for rows in np.array_split(np.arange(len(spectra)), -(-len(spectra) // _BLOCK) or 1)
        ]
        values, filters, snr, latents = zip(*parts, strict=True)
        joined = {name: np.concatenate([each[name] for each in values]) for name in NAMES}
        return Measured(joined, *(np.concatenate(each) for each in (filters, snr, latents)))

    def _measure(self, spectra: WeighedInput, known: Known) -> tuple:
        with torch.inference_mode():
            made = self.network(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
        model, log_variance, latents = (each.numpy() for each in made)
        has_data = spectra.is_known
        weight = np.where(has_data, 1 / (spectra.variance + np.exp(log_variance)), np.float32(0))
        values = np.where(has_data, spectra.flux - model, np.float32(0))
        values = remove_known_lines(values, weight, known, self.grid)
        difference = Difference(values, weight, model)
        found, filters = measure(difference, self.density.surprise(latents), self.sky, self.grid)
        shares = [has_data[:, self.grid.bins_of(arm)].mean(axis=1) for arm in ARMS]
        lacks_data = np.sum(np.array(shares) >= _LEAST_SHARE, axis=0) < _LEAST_ARMS
        for values in found.values():
            values[lacks_data] = np.nan
        return found, filters, signal_to_noise(spectra), latents


def signal_to_noise(spectra: WeighedInput) -> NDArray[np.float64]:
    """Return the median over the known bins of flux over noise, (N,), 0.001 at least."""
    ratios = np.where(spectra.is_known, spectra.flux / np.sqrt(spectra.variance), np.nan)
    has_any = spectra.is_known.any(axis=1)
    ratios[~has_any] = 0
    return np.maximum(np.nanmedian(ratios, axis=1).astype(np.float64), _LEAST_SNR)


@dataclass(frozen=True)
class ScoreCalibration:
    """What statistics and their combinations are among normals.

    Parameters
    ----------
    statistics, combined : mapping of str to Calibration
        Under `statistics.NAMES`, and under `SETS` for minus the log of the combined p-value.
    """

    statistics: Mapping[str, Calibration]
    combined: Mapping[str, Calibration]

    @classmethod
    def fit(cls, normals: Measured, classes: NDArray[np.str_]) -> "ScoreCalibration":
        """Fit to N normals of classes (N,); ValueError names a class with too few."""
        statistics = {
            name: Calibration.fit(values, classes, normals.snr)
            for name, values in normals.values.items()
        }
        made = cls(statistics, {})
        oddness = made._oddness(made._p_values(normals, classes))
        combined = {
            name: Calibration.fit(values, classes, normals.snr) for name, values in oddness.items()
        }
        return cls(statistics, combined)

    def score(self, measured: Measured, classes: NDArray[np.str_]) -> CalibratedScores:
        """Return what N measured spectra of classes (N,) amount to."""
        p_values = self._p_values(measured, classes)
        found = {
            name: self.combined[name].p_values(values, classes, measured.snr)
            for name, values in self._oddness(p_values).items()
        }
        return CalibratedScores(
            {name: to_sigma(p) for name, p in found.items()},
            found,
            {name: self.combined[name].is_extrapolated(p, classes) for name, p in found.items()},
            p_values,
        )

    def _p_values(
        self, measured: Measured, classes: NDArray[np.str_]
    ) -> dict[str, NDArray[np.float64]]:
        return {
            name: calibration.p_values(measured.values[name], classes, measured.snr)
            for name, calibration in self.statistics.items()
        }

    def _oddness(
        self, p_values: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        """Return minus the log of the combined p-value of each set, (N,)."""
        return {
            name: -np.log(combine(np.stack([p_values[each] for each in weights]),
                                  np.array([*weights.values()])))
            for name, weights in SETS.items()
        }  # fmt: skip
