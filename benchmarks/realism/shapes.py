"""Continua and lines, simulated and real: rest-frame medians, components, widths and ratios."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.pca import WeightedPca
from anomaly_explorer.engine.benchmark.profiles import LineFit, fit_line
from anomaly_explorer.engine.model.weighing import WeighedInput
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import signal_to_noise
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID

from .spectra import Both, Population

CLASSES = ("GALAXY", "QSO", "STAR")
# Rest wavelengths (Å) of the common grid of a class, and the band in which spectra are set to 1.
_REST = {
    "GALAXY": (3200.0, 7200.0, (5400.0, 5600.0)),
    "QSO": (1250.0, 5200.0, (2150.0, 2250.0)),
    "STAR": (3800.0, 9000.0, (5500.0, 6000.0)),
}
_STEP_LOG = 2e-3  # of ln wavelength
LEAST, MOST_FITTED = 5, 600
_LEAST_SNR = 2.0


@dataclass(frozen=True)
class Median:
    """Rest-frame median of some spectra.

    Parameters
    ----------
    wavelength, middle, low, high : (n,) float64
        Å; median, 16th and 84th percentile; NaN where fewer than five spectra reach.
    n_spectra : int
    """

    wavelength: NDArray[np.float64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_spectra: int


def rest_median(spectra: WeighedInput, known: Known, name: str) -> Median:
    """Return the median of the spectra of a class in their rest frames, each 1 in one band."""
    low, high, band = _REST[name]
    at = np.exp(np.arange(np.log(low), np.log(high), _STEP_LOG))
    inside = (at > band[0]) & (at < band[1])
    usable = (known.classes == name) & (signal_to_noise(spectra) > _LEAST_SNR)
    rows, curves = np.flatnonzero(usable & np.isfinite(known.redshift)), []
    centers = COMPATIBLE_GRID.centers
    order = np.argsort(centers, kind="stable")
    for row in rows:
        good = order[spectra.is_known[row, order]]
        rest = centers[good] / (1 + known.redshift[row])
        curve = np.interp(at, rest, spectra.flux[row, good], np.nan, np.nan)
        level = np.median(curve[inside])  # NaN where the band is not seen
        if level > 0:
            curves.append(curve / level)
    if len(curves) < LEAST:
        blank = np.full(len(at), np.nan)
        return Median(at, blank, blank, blank, len(curves))
    stacked = np.array(curves)
    enough = np.isfinite(stacked).sum(axis=0) >= LEAST
    found = np.full((3, len(at)), np.nan)
    found[:, enough] = np.nanquantile(stacked[:, enough], (0.5, 0.16, 0.84), axis=0)
    return Median(at, *found, len(curves))


def shape_distance(one: Median, other: Median) -> float:
    """Return the median of |ln ratio| of two medians where both are positive."""
    both = (one.middle > 0) & (other.middle > 0)
    return float(np.median(np.abs(np.log(one.middle[both] / other.middle[both]))))


def unexplained(pca: WeightedPca, spectra: WeighedInput) -> NDArray[np.float64]:
    """Return the root mean square that components leave of N spectra beyond the noise, (N,).

    In units of the root mean square of the flux; 0 where the noise explains all.
    """
    left = spectra.flux - pca.mean - pca.coefficients(spectra) @ pca.components
    excess = np.where(spectra.is_known, left**2 - spectra.variance, 0).sum(axis=1)
    return np.sqrt(np.maximum(excess / np.maximum(spectra.is_known.sum(axis=1), 1), 0))


def unexplained_table(both: Both) -> dict[str, dict[str, tuple[float, int]]]:
    """Return the median unexplained share of bright spectra and their number, by class.

    The components are those of every other simulated spectrum; the rest of them are judged.
    """
    simulated = both.simulated.weighed
    pca = WeightedPca.fit(simulated.take(np.arange(0, len(simulated), 2)))
    found: dict[str, dict[str, tuple[float, int]]] = {name: {} for name in CLASSES}
    for survey, population in both.objects.items():
        spectra = population.weighed
        left, bright = unexplained(pca, spectra), signal_to_noise(spectra) > 5
        if survey == "simulated":
            bright[::2] = False
        for name in CLASSES:
            rows = bright & (population.known.classes == name)
            if rows.sum() >= LEAST:
                found[name][survey] = (float(np.median(left[rows])), int(rows.sum()))
    return found


# Line, rest wavelength (Å, vacuum), standard deviations allowed and half window, in km/s.
NARROW = {"Hβ": 4862.68, "[O III]": 5008.24, "Hα": 6564.61, "[N II]": 6585.27}
BROAD = {"C IV": 1549.48, "Mg II": 2799.5}
_NARROW_WIDTHS, _NARROW_WINDOW = (25.0, 400.0), 1400.0
_PAIR_WINDOW = 600.0  # Hα and [N II] stand 940 km/s apart
_BROAD_WIDTHS, _BROAD_WINDOW = (600.0, 6000.0), 11_000.0
_SIGNIFICANT = 5.0


@dataclass(frozen=True)
class Lines:
    """Lines that stand out, of N spectra.

    Parameters
    ----------
    width : mapping of str to (M,) array
        Standard deviation as observed, km/s.
    ratio : mapping of str to (N,) array
        log10 of [O III]/Hβ, [N II]/Hα and Hα/Hβ; NaN where a line does not stand out.
    """

    width: dict[str, NDArray[np.float64]]
    ratio: dict[str, NDArray[np.float64]]


def lines_of(population: Population) -> Lines:
    """Fit the lines of galaxies and quasars of a survey on its own pixels, of 600 at most."""
    at = np.concatenate([population.pixels[arm].wavelength for arm in ARMS])
    order = np.argsort(at, kind="stable")
    flux = np.concatenate([population.pixels[arm].flux for arm in ARMS], axis=1)[:, order]
    ivar = np.concatenate([population.pixels[arm].ivar for arm in ARMS], axis=1)[:, order]
    with np.errstate(divide="ignore"):
        noise = np.where(ivar > 0, 1 / np.sqrt(ivar), 0)
    first = slice(0, MOST_FITTED)
    known = Known.of_classes(population.known.classes[first], population.known.redshift[first])
    return fit_lines(at[order], (flux[first], noise[first]), known)


def fit_lines(
    at: NDArray[np.floating], pixels: tuple[NDArray[np.floating], NDArray[np.floating]],
    known: Known,
) -> Lines:  # fmt: skip
    """Fit the lines of N spectra: wavelength (n,), then flux and noise (N, n)."""
    fits: dict[str, list[LineFit | None]] = {name: [] for name in (*NARROW, *BROAD)}
    for row, (name, redshift) in enumerate(zip(known.classes, known.redshift, strict=True)):
        spectrum = (at, pixels[0][row], pixels[1][row])
        for line, found in fits.items():
            found.append(_fit(spectrum, line, redshift) if _is_asked(line, name) else None)
    width = {
        line: np.array([fit.sigma_kms for fit in found if fit is not None])
        for line, found in fits.items()
    }
    area = {line: np.array([np.nan if fit is None else fit.area for fit in found])
            for line, found in fits.items()}  # fmt: skip
    pairs = {"[O III]/Hβ": ("[O III]", "Hβ"), "[N II]/Hα": ("[N II]", "Hα"), "Hα/Hβ": ("Hα", "Hβ")}
    ratio = {name: np.log10(area[a] / area[b]) for name, (a, b) in pairs.items()}
    return Lines(width, ratio)


def _is_asked(line: str, name: str) -> bool:
    return name == ("QSO" if line in BROAD else "GALAXY")


def _fit(spectrum: tuple[NDArray, NDArray, NDArray], line: str, redshift: float) -> LineFit | None:
    """Return a line in emission that stands out and is not as wide as allowed; else None."""
    if not np.isfinite(redshift):
        return None
    is_broad = line in BROAD
    rest = BROAD[line] if is_broad else NARROW[line]
    window = _PAIR_WINDOW if line in ("Hα", "[N II]") else _NARROW_WINDOW
    widths = _BROAD_WIDTHS if is_broad else _NARROW_WIDTHS
    found = fit_line(spectrum, rest * (1 + redshift), widths, _BROAD_WINDOW if is_broad else window)
    if found is None or found.significance < _SIGNIFICANT or found.area <= 0:
        return None
    is_at_edge = not 1.02 * widths[0] < found.sigma_kms < 0.98 * widths[1]
    return None if is_at_edge else found


def edr_lines(edr: dict[str, NDArray]) -> Lines:
    """Fit the lines of the normalised DESI spectra, whose noise is that of their neighbours.

    Their level is lost (a median was taken off) but lines above their continuum are not.
    """
    flux = np.sinh(edr["flux_norm"].astype(np.float64))
    steps = np.abs(2 * flux[:, 4:-4] - flux[:, :-8] - flux[:, 8:]) / np.sqrt(6)
    noise = np.pad(steps, ((0, 0), (4, 4)), mode="edge")
    kernel = np.ones(201) / 201
    noise = 1.25 * np.array([np.convolve(row, kernel, mode="same") for row in noise])
    noise = np.where(edr["valid"], np.maximum(noise, 1e-6), 0)
    known = Known.of_classes(np.full(len(flux), "GALAXY"), edr["z"].astype(np.float64))
    return fit_lines(edr["wavelength"], (flux, noise), known)
