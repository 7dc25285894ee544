"""From spectra to statistics: the network's model, what is known taken out, and what is left."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid
from anomaly_explorer.engine.threads import one_thread

from .density import LatentDensity
from .error_modes import Differences, ErrorModes
from .known import Known
from .known_lines import remove_known_lines
from .pixel_findings import PixelFindings
from .statistics import NAMES, Difference, measure

_BLOCK = 1024
_LEAST_SNR = 1e-3
# Arms that must have data in so large a share of their bins.
_LEAST_ARMS, _LEAST_SHARE = 2, 0.5
# More normals of a class tell no more of so few modes.
_MODE_NORMALS = 6000


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
    modes : mapping of str to ErrorModes
        By class; of a class without them the network's variance is believed as it is.
    """

    network: Denoiser
    density: LatentDensity
    sky: NDArray[np.floating]
    grid: BinGrid
    modes: Mapping[str, ErrorModes] = field(default_factory=dict)

    def with_modes(self, spectra: WeighedInput, known: Known) -> "Measurer":
        """Return one with the modes of the classes that N normals belong to.

        Give normals that the network was not trained on: to those it is closer than to others.
        Raises ValueError for a class with too few.
        """
        modes = {}
        for name in np.unique(known.classes[known.classes != ""]):
            rows = np.flatnonzero(known.classes == name)[:_MODE_NORMALS]
            differences, _, _ = self.differences(spectra.take(rows), known.take(rows))
            modes[str(name)] = ErrorModes.fit(differences)
        return replace(self, modes=modes)

    def measure(
        self,
        spectra: WeighedInput,
        known: Known,
        pixels: PixelFindings | None = None,
    ) -> Measured:
        """Return the statistics of N spectra.

        Parameters
        ----------
        spectra : WeighedInput
        known : Known
        pixels : PixelFindings, optional
            Of the same spectra; without them the statistics that need pixels stay unknown.
        """
        if pixels is None:
            pixels = PixelFindings.unknown(len(spectra))
        blocks = np.array_split(np.arange(len(spectra)), -(-len(spectra) // _BLOCK) or 1)
        n_threads = len(os.sched_getaffinity(0))
        # A block a thread: most of the work is compiled loops that no library would spread.
        with one_thread(), threadpool_limits(1), ThreadPoolExecutor(n_threads) as pool:
            parts = list(
                pool.map(
                    lambda rows: self._measure(
                        spectra.take(rows), known.take(rows), pixels.take(rows)
                    ),
                    blocks,
                )
            )
        values, filters, snr, latents = zip(*parts, strict=True)
        joined = {name: np.concatenate([each[name] for each in values]) for name in NAMES}
        return Measured(joined, *(np.concatenate(each) for each in (filters, snr, latents)))

    def _measure(self, spectra: WeighedInput, known: Known, pixels: PixelFindings) -> tuple:
        differences, model, latents = self.differences(spectra, known)
        difference = self.without_modes(differences, model, known)
        surprise = self.density.surprise(latents)
        found, filters = measure(difference, surprise, pixels, self.sky, self.grid)
        shares = [spectra.is_known[:, self.grid.bins_of(arm)].mean(axis=1) for arm in ARMS]
        lacks_data = np.sum(np.array(shares) >= _LEAST_SHARE, axis=0) < _LEAST_ARMS
        for values in found.values():
            values[lacks_data] = np.nan
        return found, filters, signal_to_noise(spectra), latents

    def differences(
        self, spectra: WeighedInput, known: Known
    ) -> tuple[Differences, NDArray[np.float32], NDArray[np.float32]]:
        """Return the differences without known lines, the model (N, B) and latents (N, 128)."""
        with torch.inference_mode():
            made = self.network(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
        model, log_variance, latents = (each.numpy() for each in made)
        values = np.where(spectra.is_known, spectra.flux - model, np.float32(0))
        found = Differences(values, spectra.variance, np.exp(log_variance), spectra.is_known)
        values = remove_known_lines(values, found.weight(), known, self.grid)
        return replace(found, values=values), model, latents

    def encode(self, spectra: WeighedInput) -> NDArray[np.float32]:
        """Return the latents of N spectra, (N, 128)."""
        flux, variance = torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance)
        with torch.inference_mode():
            return self.network.encode(flux, variance).numpy()

    def without_modes(
        self, differences: Differences, model: NDArray[np.float32], known: Known
    ) -> Difference:
        """Return what the statistics are made of: `differences`, model (N, B), less the modes."""
        values = differences.values.copy()
        weight = differences.weight()
        strength = np.full(len(values), np.nan, np.float32)
        for name, modes in self.modes.items():
            rows = np.flatnonzero(known.classes == name)
            values[rows], weight[rows], strength[rows] = modes.remove(differences.take(rows))
        return Difference(values, weight, model, strength)


def signal_to_noise(spectra: WeighedInput) -> NDArray[np.float64]:
    """Return the median over the known bins of flux over noise, (N,), 0.001 at least."""
    return np.maximum(_median_ratios(spectra.flux, spectra.variance, UNKNOWN), _LEAST_SNR)


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _median_ratios(flux: NDArray, variance: NDArray, unknown: float) -> NDArray:
    medians = np.zeros(len(flux))
    for row in range(len(flux)):
        known = variance[row] < unknown
        if known.any():
            medians[row] = np.median(flux[row][known] / np.sqrt(variance[row][known]))
    return medians
