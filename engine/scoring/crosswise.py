"""A measurer fitted to a small survey by that survey, fold by fold: nobody is judged by himself."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid

from .error_modes import N_MODES, ErrorModes
from .known import Known
from .measurer import Measured, Measurer
from .pixel_findings import PixelFindings

# Normals that each mode needs, and normals below which a class keeps the modes it has.
_PER_MODE, _LEAST = 10, 20
_LEAST_VARIANCE = np.float32(1e-8)


def scale_noise(spectra: WeighedInput, scales: Mapping[Arm, float], grid: BinGrid) -> WeighedInput:
    """Return N spectra whose noise is larger by a factor for each arm; flux stays as it is."""
    factor = np.ones(grid.n_bins, np.float32)
    for arm in ARMS:
        factor[grid.bins_of(arm)] = scales[arm] ** 2
    variance = np.clip(spectra.variance * factor, _LEAST_VARIANCE, UNKNOWN * np.float32(0.99))
    return replace(spectra, variance=np.where(spectra.is_known, variance, UNKNOWN))


def folds(n: int, n_folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Return the fold of each of n spectra, (n,), from 0; sizes differ by one at most."""
    return np.random.default_rng(seed).permutation(np.arange(n) % n_folds)


def fit_few_modes(measurer: Measurer, spectra: WeighedInput, known: Known) -> Measurer:
    """Return a measurer with modes of the classes of N normals, fewer modes where they are few.

    A class of fewer than 20 keeps the modes that the measurer has of it.
    """
    modes = dict(measurer.modes)
    for name in np.unique(known.classes[known.classes != ""]):
        rows = np.flatnonzero(known.classes == name)
        if len(rows) >= _LEAST:
            n_modes = min(N_MODES, len(rows) // _PER_MODE)
            found, _, _ = measurer.differences(spectra.take(rows), known.take(rows))
            modes[str(name)] = ErrorModes.fit(found, n_modes)
    return replace(measurer, modes=modes)


def expect(
    measurer: Measurer, spectra: WeighedInput, known: Known
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what is expected of N spectra, and how many deviations they are off, (N, B) each.

    Expected are the model, the known lines and the modes of their class; NaN where nothing is
    known of a bin.
    """
    differences, model, _ = measurer.differences(spectra, known)
    found = measurer.without_modes(differences, model, known)
    left, weight = found.values, found.weight
    expected = np.where(spectra.is_known, spectra.flux - left, np.float32(np.nan))
    return expected, np.where(spectra.is_known, left * np.sqrt(weight), np.float32(np.nan))


def measure_crosswise(
    fit: Callable[[WeighedInput, Known], Measurer],
    sets: tuple[WeighedInput, ...],
    known: Known,
    fold: NDArray[np.int64],
    pixels: PixelFindings | None = None,
) -> list[Measured]:
    """Return the statistics of N spectra by measurers that were fitted to the other folds.

    Parameters
    ----------
    fit : callable
        From spectra and what is known of them to a measurer.
    sets : tuple of WeighedInput
        Each of the same N objects: the first is fitted to and measured, the others, such as the
        same spectra with something planted, only measured.
    known : Known
        Of the N objects.
    fold : (N,) int64
        From 0.
    pixels : PixelFindings, optional
        Of the N objects; without them the statistics that need pixels stay unknown.

    Returns
    -------
    list of Measured
        One for each set, (N,) in the order of the objects.
    """
    if pixels is None:
        pixels = PixelFindings.unknown(len(known))
    parts: list[list[Measured]] = [[] for _ in sets]
    order = []
    for number in np.unique(fold):
        rows, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        measurer = fit(sets[0].take(others), known.take(others))
        order.append(rows)
        for part, spectra in zip(parts, sets, strict=True):
            part.append(measurer.measure(spectra.take(rows), known.take(rows), pixels.take(rows)))
    back = np.argsort(np.concatenate(order))
    return [_joined(part, back) for part in parts]


def _joined(parts: list[Measured], rows: NDArray[np.integer]) -> Measured:
    def join(of: Callable[[Measured], NDArray]) -> NDArray:
        return np.concatenate([of(part) for part in parts])[rows]

    return Measured(
        {name: join(lambda part, name=name: part.values[name]) for name in parts[0].values},
        join(lambda part: part.filters), join(lambda part: part.snr),
        join(lambda part: part.latents),
    )  # fmt: skip
