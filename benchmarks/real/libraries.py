"""Spectra that no reader of the product knows: text files, stellar libraries, two DESI arrays.

They carry relative flux, and most carry no noise: it is taken from neighbouring pixels, and no bin
is believed to better than 2 %. Flux is interpolated to DESI's lattice; its variance grows by
the width of a pixel over 0.8 Å, so that the S/N of a wide window stays what it was.
"""

import gzip
import re
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, SpectrumBatch, concatenate

from .collections import Collection, read_index

FLOOR = 0.02  # relative error of a bin: nothing better is believed of a library
_LEAST = 1e-3
_GAP = 3.0  # steps over the median that are a hole
_WINDOW = 50  # pixels to each side that a noise is taken from


def to_arms(
    wavelength: NDArray[np.floating], flux: NDArray[np.floating], noise: NDArray[np.floating]
) -> SpectrumBatch:
    """Return one spectrum, (n,) each, on the arms by interpolation; noise 0 = do not use."""
    order = np.unique(wavelength, return_index=True)[1]
    at, flux, noise = wavelength[order], flux[order].astype(float), noise[order].astype(float)
    scale = np.median(np.abs(flux[noise > 0]))
    step = np.gradient(at)
    is_hole = (np.diff(at) > _GAP * np.median(np.diff(at))) | (noise[1:] <= 0) | (noise[:-1] <= 0)
    parts: tuple[dict, dict, dict] = ({}, {}, {})
    for arm in ARMS:
        place = np.clip(np.searchsorted(at, arm.wavelength) - 1, 0, len(at) - 2)
        is_out = (arm.wavelength < at[0]) | (arm.wavelength > at[-1]) | is_hole[place]
        variance = np.interp(arm.wavelength, at, noise**2 * step / STEP_ANGSTROM) / scale**2
        values = np.interp(arm.wavelength, at, flux) / scale
        parts[0][arm] = np.where(is_out, 0, values)[None].astype(np.float32)
        ivar = np.where(is_out, 0, 1 / np.maximum(variance, 1e-12))
        parts[1][arm] = ivar[None].astype(np.float32)
        parts[2][arm] = np.where(is_out, NOT_COVERED, np.uint32(0))[None].astype(np.uint32)
    return SpectrumBatch(*parts, {})


def local_noise(flux: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the noise of pixels, (n,), from their neighbours, a little of the flux at least."""
    flux = np.asarray(flux, np.float64)
    pulls = np.abs(2 * flux[2:-2] - flux[:-4] - flux[4:]) / np.sqrt(6)
    pulls = np.pad(pulls, 2, mode="edge")
    starts = np.clip(np.arange(len(flux)) - _WINDOW, 0, max(len(flux) - 2 * _WINDOW, 0))
    knots = np.arange(0, len(flux), 10)
    at_knots = [1.4826 * np.median(pulls[starts[i] : starts[i] + 2 * _WINDOW]) for i in knots]
    noise = np.interp(np.arange(len(flux)), knots, at_knots)
    return np.hypot(noise, _LEAST * np.abs(flux))


def to_vacuum(air: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return vacuum wavelengths of wavelengths in air, (n,) in Å (Ciddor 1996, by way of SDSS).

    Examples
    --------
    >>> import numpy as np
    >>> to_vacuum(np.array([5006.843])).round(2).tolist()
    [5008.24]
    """
    air = np.asarray(air, np.float64)
    squared = (1e4 / air) ** 2
    return air * (1 + 5.792105e-2 / (238.0185 - squared) + 1.67917e-3 / (57.362 - squared))


def _text(path: Path) -> NDArray[np.float64]:
    with gzip.open(path, "rt", encoding="ascii") as lines:
        return np.loadtxt(lines)


def read_ozdes(root: Path) -> Collection:
    """Read the OzDES spectra of supernovae and their hosts; the third column is the noise."""
    index = read_index(root / "ozdes")
    parts = []
    for name in sorted(index):
        columns = _text(root / "ozdes" / name)
        parts.append(to_arms(*columns[:, :3].T))
    redshift = np.array([float(index[name]["z"]) for name in sorted(index)])
    types = np.array([index[name]["type"] for name in sorted(index)])
    classes = np.full(len(parts), "GALAXY")
    return _collection("OzDES", parts, sorted(index), Known.of_classes(classes, redshift), types)


def read_supernovae(root: Path) -> Collection:
    """Read the supernovae of superfit, at redshift 0; noise from neighbouring pixels."""
    index = read_index(root / "supernovae")
    parts = []
    for name in sorted(index):
        at, flux = _text(root / "supernovae" / name)[:, :2].T
        keep = flux != 0
        parts.append(to_arms(at[keep], flux[keep], local_noise(flux[keep])))
    types = np.array([index[name]["type"] for name in sorted(index)])
    known = Known.of_classes(np.full(len(parts), "GALAXY"), np.zeros(len(parts)))
    return _collection("supernovae", parts, sorted(index), known, types)


def read_stelib(root: Path) -> Collection:
    """Read STELIB; zero flux is no data."""
    index = read_index(root / "stars-stelib")
    parts = []
    for name in sorted(index):
        image = fits.getdata(root / "stars-stelib" / name).astype(np.float64)
        header = fits.getheader(root / "stars-stelib" / name)
        at = to_vacuum(header["CRVAL1"] + header["CDELT1"] * np.arange(len(image)))
        noise = np.where(image > 0, local_noise(image / image.max()) * image.max(), 0)
        parts.append(to_arms(at, image, noise))
    types = np.array([index[name]["sptype"] for name in sorted(index)])
    known = Known.of_classes(np.full(len(parts), "STAR"), np.zeros(len(parts)))
    return _collection("STELIB", parts, sorted(index), known, types)


def read_calspec(root: Path) -> Collection:
    """Read CALSPEC; its statistical error where it has one."""
    folder = root / "calspec"
    names, parts = [], []
    for path in sorted(folder.glob("*.fits.gz")):
        table = fits.getdata(path, 1)
        at, flux = (np.asarray(table[each], np.float64) for each in ("WAVELENGTH", "FLUX"))
        keep = (at > 3400) & (at < 10000) & (flux > 0)
        if keep.sum() < 100:
            continue
        stated = table["STATERROR"][keep] if "STATERROR" in table.names else 0.0
        error = np.hypot(stated, _LEAST * flux[keep])
        parts.append(to_arms(at[keep], flux[keep], error))
        names.append(path.name)
    types = _calspec_types(folder / "calspec_info.txt")
    kinds = np.array([types.get(name.removesuffix(".gz").split("_")[0], "") for name in names])
    known = Known.of_classes(np.full(len(parts), "STAR"), np.zeros(len(parts)))
    return _collection("CALSPEC", parts, names, known, kinds)


def _calspec_types(table: Path) -> dict[str, str]:
    """Return spectral types by the first word of the file's name."""
    found = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        after_position = re.search(r"[+-]\d\d:\d\d:[\d.]+\s+(?:J=)?[\d.]+\s+(\S+)", line)
        if ".fits" in line and after_position:
            found[line.split("_")[0]] = after_position[1]
    return found


def read_edr(folder: Path) -> Collection:
    """Read the two DESI spectra of the Early Data Release that have their ivar."""
    names = ("desi-edr-z020.npz", "desi-edr-z287.npz")
    parts, redshift = [], []
    for name in names:
        arrays = np.load(folder / name, allow_pickle=False)
        good = ~arrays["mask"] & (arrays["ivar"] > 0)
        first = np.round((arrays["wavelength"].astype(float) - 3600) / STEP_ANGSTROM).astype(int)
        lattice = np.zeros((2, 7781))
        lattice[0, first], lattice[1, first] = arrays["flux"], np.where(good, arrays["ivar"], 0)
        starts = [round((arm.first_wavelength - 3600) / STEP_ANGSTROM) for arm in ARMS]
        cut = [{arm: lattice[i, s : s + arm.n_pixels][None].astype(np.float32)
                for arm, s in zip(ARMS, starts, strict=True)} for i in (0, 1)]  # fmt: skip
        mask = {arm: np.zeros((1, arm.n_pixels), np.uint32) for arm in ARMS}
        parts.append(SpectrumBatch(*cut, mask, {"target_id": np.array([int(arrays["object_id"])])}))
        redshift.append(float(arrays["z_true"]))
    known = Known.of_classes(np.array(["GALAXY", "QSO"]), np.array(redshift))
    return _collection("DESI", parts, list(names), known, np.full(2, ""))


def _note(name: str, kind: str) -> str:
    """Return what is odd about a star of a type in a library of ordinary ones."""
    rare = {"STELIB": {"W": "Wolf-Rayet star", "D": "white dwarf", "s": "subdwarf"},
            "CALSPEC": {"L": "L dwarf", "T": "T dwarf"}}  # fmt: skip
    return rare.get(name, {}).get(kind[:1], "")


def _collection(
    name: str, parts: list[SpectrumBatch], files: list[str], known: Known, kinds: NDArray[np.str_]
) -> Collection:
    batch = concatenate(parts)
    floor = 0.0 if name in ("DESI", "OzDES") else FLOOR
    notes = np.array([_note(name, kind) for kind in kinds])
    return Collection(name, batch, np.array(files), known, notes, kinds, (), floor)
