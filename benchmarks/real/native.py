"""Flux and ivar of real spectra on the pixels their surveys gave them: there noise is honest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.pixels import (
    noise_scale,
    pixel_correlation,
    smooth_pulls,
    widening,
)
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.fitsfile import FitsFile
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

# Where one arm ends and the next begins, in Å, for surveys that have joined theirs.
ENDS = {Arm.BLUE: (3600.0, 5780.0), Arm.RED: (5780.0, 7560.0), Arm.NIR: (7560.0, 9824.0)}
# Noise is taken from spectra in which the sky rules: no lines hide in it.
FAINT, LEAST_FAINT = 4.0, 10
N_LAGS = 6
BIN_ANGSTROM = 12.8


@dataclass(frozen=True)
class ArmPixels:
    """Pixels of one arm of N spectra.

    Parameters
    ----------
    wavelength : (n,) float64
        Å, of the common lattice.
    flux, ivar : (N, n) float64
        Ivar 0 = do not use.
    """

    wavelength: NDArray[np.float64]
    flux: NDArray[np.float64]
    ivar: NDArray[np.float64]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> "ArmPixels":
        """Return some of the spectra."""
        return ArmPixels(self.wavelength, self.flux[rows], self.ivar[rows])

    @property
    def snr(self) -> NDArray[np.float64]:
        """Return the median S/N of a pixel of each spectrum, (N,)."""
        ratio = np.where(self.ivar > 0, self.flux * np.sqrt(self.ivar), np.nan)
        has_any = (self.ivar > 0).any(axis=1)
        ratio[~has_any] = 0
        return np.nanmedian(ratio, axis=1)


@dataclass(frozen=True)
class ArmNoise:
    """What the pixels of one arm of a survey say of its noise.

    Parameters
    ----------
    scale : float
        True noise of a pixel over the stated one, median over spectra.
    low, high : float
        16th and 84th percentile of that over the spectra.
    correlation : (6,) float64
        Of neighbours 1 … 6 pixels apart.
    bin_scale : float
        True noise of a bin of 12.8 Å over the stated one: scale and correlation together.
    n_spectra : int
        Faint spectra it rests on, or the faintest where few are faint.
    """

    scale: float
    low: float
    high: float
    correlation: NDArray[np.float64]
    bin_scale: float
    n_spectra: int


def pixels_of_batch(batch: SpectrumBatch) -> dict[Arm, ArmPixels]:
    """Return the pixels of spectra on DESI's own lattice."""
    return {
        arm: ArmPixels(
            arm.wavelength, np.nan_to_num(batch.flux[arm].astype(np.float64)),
            np.where(batch.good(arm), batch.ivar[arm], 0).astype(np.float64),
        )
        for arm in ARMS
    }  # fmt: skip


def pixels_of_files(paths: list[Path]) -> dict[Arm, ArmPixels]:
    """Return the pixels of SDSS or LAMOST files on their lattice of 1e-4 in log10 wavelength."""
    spectra = [found for found in map(_read, paths) if found is not None]
    first = round(np.log10(ENDS[Arm.BLUE][0]) * 1e4)
    n = round(np.log10(ENDS[Arm.NIR][1]) * 1e4) - first + 1
    at = 10 ** ((first + np.arange(n)) / 1e4)
    flux, ivar = np.zeros((len(spectra), n)), np.zeros((len(spectra), n))
    for row, (logs, values, weights) in enumerate(spectra):
        place = np.round(logs * 1e4).astype(int) - first
        inside = (place >= 0) & (place < n)
        flux[row, place[inside]] = np.nan_to_num(values[inside])
        ivar[row, place[inside]] = np.nan_to_num(weights[inside])
    found = {}
    for arm in ARMS:
        columns = (at >= ENDS[arm][0]) & (at < ENDS[arm][1])
        found[arm] = ArmPixels(at[columns], flux[:, columns], ivar[:, columns])
    return found


def _read(path: Path) -> tuple[NDArray, NDArray, NDArray] | None:
    """Return log10 wavelength, flux and ivar of one SDSS or LAMOST file; None of another."""
    try:
        file = FitsFile(path)
    except InputError:
        return None
    try:
        names = {name.lower(): name for name in file.column_names(1)} if len(file.names) > 1 else {}
        if {"flux", "loglam", "ivar"} <= names.keys():
            logs, flux, ivar = (file.column(1, names[n]) for n in ("loglam", "flux", "ivar"))
            return logs.astype(float), flux.astype(float), ivar.astype(float)
        shape, header = file.shape(0), file.header()
        if len(shape) == 2 and shape[0] == 5:
            image = file.rows(0, slice(None)).astype(float)
            is_third = "wavelength" in str(header.get("EXTEN0", "")).lower()
            logs = np.log10(image[2]) if is_third else (
                header["COEFF0"] + header["COEFF1"] * np.arange(shape[1])
            )  # fmt: skip
            return logs, image[0], np.where(image[0] == 0, 0, image[1])
        return None
    finally:
        file.close()


def arm_noise(pixels: ArmPixels) -> ArmNoise:
    """Return the noise of an arm from its faint spectra, or from the ten faintest."""
    snr = pixels.snr
    has_data = (pixels.ivar > 0).mean(axis=1) > 0.3
    order = np.flatnonzero(has_data)[np.argsort(snr[has_data])]
    rows = order[: max(int((snr[order] < FAINT).sum()), min(LEAST_FAINT, len(order)))]
    faint = pixels.take(rows)
    scales = noise_scale(faint.flux, faint.ivar)
    scale = float(np.nanmedian(scales))
    correlation = pixel_correlation(smooth_pulls(faint.flux, faint.ivar), N_LAGS)
    n_pixels = max(round(BIN_ANGSTROM / float(np.median(np.diff(pixels.wavelength)))), 1)
    wide = scale * widening(np.where(np.abs(correlation) > 0.02, correlation, 0), n_pixels)
    low, high = (float(q) for q in np.nanquantile(scales, (0.16, 0.84)))
    return ArmNoise(scale, low, high, correlation, wide, len(rows))


def arms_with_noise(pixels: dict[Arm, ArmPixels]) -> Iterator[tuple[Arm, ArmNoise]]:
    """Yield the arms with what their pixels say."""
    for arm, each in pixels.items():
        yield arm, arm_noise(each)
