"""Noise, its correlation and its masks; and what is left of the sky, simulated and real."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.pixels import run_lengths, smooth_pulls
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.simulation.sky import sky_lines
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from benchmarks.real.native import ArmNoise, ArmPixels, arms_with_noise

from .spectra import Both, Population

_FAR = 8.0  # a pull beyond is a cosmic ray or a line of the object
_NORMAL_BAND = (6600.0, 6800.0)  # Å, where curves of noise are set to 1: red, without strong lines
_QUIET_BAND = (8540.0, 8620.0)  # Å, between the lines of the sky
_SMOOTH = 31
# Å; OH lines of the NIR arm alone, which most of a faint spectrum's trouble comes from.
_OH_BAND = (7700.0, 9100.0)
_FAINT = 4.0


def noise_table(both: Both) -> dict[str, dict[Arm, ArmNoise]]:
    """Return the noise of each arm of each survey."""
    populations = {
        "simulated": both.simulated, "simulated sky": both.simulated_sky, "DESI": both.desi,
        "SDSS/BOSS": both.sdss, "SDSS sky": both.sdss_sky, "LAMOST": both.lamost,
        "OzDES": both.ozdes,
    }  # fmt: skip
    return {name: dict(arms_with_noise(each.pixels)) for name, each in populations.items()}


def noise_curves(population: Population) -> tuple[NDArray, NDArray]:
    """Return wavelength, (n,), and noise of faint spectra, (M, n), 1e-17 erg/s/cm2/Å per pixel.

    The arms stand after each other, a NaN between. Each value is the median of 31 pixels.
    """
    is_faint = np.all([population.pixels[arm].snr < _FAINT for arm in ARMS], axis=0)
    is_faint &= np.all([(population.pixels[arm].ivar > 0).any(axis=1) for arm in ARMS], axis=0)
    at, noise = [], []
    for arm in ARMS:
        pixels = population.pixels[arm].take(np.flatnonzero(is_faint))
        n = len(pixels.wavelength) // _SMOOTH
        cut = slice(0, n * _SMOOTH)
        with np.errstate(divide="ignore"):
            sigma = np.where(pixels.ivar > 0, 1 / np.sqrt(pixels.ivar), np.nan)[:, cut]
        noise += [np.nanmedian(sigma.reshape(len(sigma), n, _SMOOTH), axis=2),
                  np.full((len(sigma), 1), np.nan)]  # fmt: skip
        at += [pixels.wavelength[cut].reshape(n, _SMOOTH).mean(axis=1), [np.nan]]
    return np.concatenate(at), np.concatenate(noise, axis=1)


def normalized(at: NDArray[np.floating], curves: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return curves (M, n) over their median from 6600 to 6800 Å."""
    inside = (at > _NORMAL_BAND[0]) & (at < _NORMAL_BAND[1])
    return curves / np.nanmedian(curves[:, inside], axis=1, keepdims=True)


def level_ratio(at: NDArray[np.floating], curves: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the noise of curves (M, n) from 8540 to 8620 Å over that at 6700 Å, (M,)."""
    quiet = (at > _QUIET_BAND[0]) & (at < _QUIET_BAND[1])
    return np.nanmedian(normalized(at, curves)[:, quiet], axis=1)


@dataclass(frozen=True)
class SkyResidue:
    """What is left of the OH lines of the NIR arm in faint spectra.

    Parameters
    ----------
    on, off : float
        Root mean square of the pulls of pixels on sky lines, and between them.
    coherent : float
        Median size of a template of the sky lines fitted to the pulls, in its own errors: 0.67 for
        noise alone.
    first_share : float
        Share of the pulls' power on the lines in the first of their shapes over all fibers, less
        what it is in noise alone (1 / number of fibers, at least).
    n_spectra : int
    """

    on: float
    off: float
    coherent: float
    first_share: float
    n_spectra: int


def sky_residue(pixels: ArmPixels, template: NDArray[np.floating]) -> SkyResidue:
    """Return what is left of the sky lines of a template (n,) in the faint ones of N spectra.

    Parameters
    ----------
    pixels : ArmPixels
        The NIR arm.
    template : (n,) array
        The lines of the sky on these pixels, any unit.
    """
    has_data = (pixels.ivar > 0).mean(axis=1) > 0.5
    faint = pixels.take(np.flatnonzero(has_data & (np.abs(pixels.snr) < _FAINT)))
    band = (pixels.wavelength > _OH_BAND[0]) & (pixels.wavelength < _OH_BAND[1])
    pulls = smooth_pulls(faint.flux, faint.ivar)[:, band]
    pulls = np.where(np.abs(pulls) < _FAR, pulls, np.nan)
    lines = template[band]
    bright, dark = np.quantile(lines, (0.85, 0.5))
    is_on, is_off = lines > bright, lines < dark
    shape = (lines - np.mean(lines)) * np.sqrt(faint.ivar[:, band])
    known = np.isfinite(pulls)
    fitted = np.where(known, shape * np.nan_to_num(pulls), 0).sum(axis=1)
    sizes = np.abs(fitted) / np.sqrt(np.where(known, shape**2, 0).sum(axis=1))
    power = np.linalg.svd(np.nan_to_num(pulls[:, is_on]), compute_uv=False) ** 2
    mixed = np.random.default_rng(0).permuted(np.nan_to_num(pulls[:, is_on]), axis=1)
    chance = np.linalg.svd(mixed, compute_uv=False) ** 2
    share = power[0] / power.sum() - chance[0] / chance.sum()
    return SkyResidue(
        _rms(pulls[:, is_on]), _rms(pulls[:, is_off]), float(np.median(sizes)), float(share),
        len(faint.flux),
    )  # fmt: skip


def _rms(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.nanmean(values**2)))


def sky_residues(both: Both) -> dict[str, SkyResidue]:
    """Return what is left of the sky lines in each population that has its NIR arm."""
    found = {}
    for name, population in (
        ("simulated objects", both.simulated), ("DESI objects", both.desi),
        ("simulated sky fibers", both.simulated_sky), ("SDSS sky fibers", both.sdss_sky),
        ("SDSS/BOSS objects", both.sdss),
    ):  # fmt: skip
        pixels = population.pixels[Arm.NIR]
        found[name] = sky_residue(pixels, sky_lines(pixels.wavelength))
    return found


def bin_pulls(spectra: WeighedInput) -> NDArray[np.float64]:
    """Return the root mean square of flux over noise of sky fibers in each bin, (B,).

    A bin seen in fewer than five spectra is NaN; pulls are held to 8.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        pulls = np.where(spectra.is_known, spectra.flux / np.sqrt(spectra.variance), np.nan)
    counted = spectra.is_known.sum(axis=0)
    squares = np.nansum(np.clip(pulls, -_FAR, _FAR) ** 2, axis=0)
    return np.where(counted >= 5, np.sqrt(squares / np.maximum(counted, 1)), np.nan)


@dataclass(frozen=True)
class Masks:
    """Pixels without use among those that a survey covers.

    Parameters
    ----------
    share : mapping of Arm to float
        Of the pixels between the first and the last usable one.
    median_run, longest_run : float
        Pixels in a row, over all arms.
    """

    share: Mapping[Arm, float]
    median_run: float
    longest_run: float


def masks_of(pixels: Mapping[Arm, ArmPixels]) -> Masks:
    """Return the masks of N spectra that have data at all."""
    shares, runs = {}, []
    for arm, each in pixels.items():
        bad = each.ivar <= 0
        bad = bad[~bad.all(axis=1)]
        first, last = (~bad).argmax(axis=1), bad.shape[1] - (~bad)[:, ::-1].argmax(axis=1)
        place = np.arange(bad.shape[1])
        inside = (place >= first[:, None]) & (place < last[:, None])
        shares[arm] = float((bad & inside).sum() / max(inside.sum(), 1))
        runs.append(run_lengths(bad & inside))
    lengths = np.concatenate(runs)
    if not len(lengths):
        return Masks(shares, 0.0, 0.0)
    return Masks(shares, float(np.median(lengths)), float(lengths.max()))


def bin_centers() -> NDArray[np.float64]:
    """Return the centres of the bins, (B,), in Å."""
    return COMPATIBLE_GRID.centers
