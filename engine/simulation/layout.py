"""DESI's file layout for simulated spectra: coadd and redrock HDUs as the data model has them."""

from typing import Any, NamedTuple

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .canvas import LSF_SIGMA, LSF_WAVELENGTH
from .identity import NSIDE
from .survey import SimulatedSurvey

N_DIAGONALS = 11
_BUNIT = "10**-17 erg/(s cm2 Angstrom)"
_MEAN_MJD = 59600.0  # January 2022, in the middle of the year and a half of DR1

# FIBERMAP: (DESI name, FITS format, column of the batch or a constant).
_FIBERMAP: tuple[tuple[str, str, str | float], ...] = (
    ("TARGETID", "K", "target_id"),
    ("COADD_FIBERSTATUS", "J", "fiber_status"),
    ("TARGET_RA", "D", "ra_deg"),
    ("TARGET_DEC", "D", "dec_deg"),
    ("PMRA", "E", 0.0),
    ("PMDEC", "E", 0.0),
    ("REF_EPOCH", "E", 2015.5),
    ("OBJTYPE", "3A", "objtype"),
    ("MORPHTYPE", "4A", "morphtype"),
    ("FLUX_G", "E", "flux_g"),
    ("FLUX_R", "E", "flux_r"),
    ("FLUX_Z", "E", "flux_z"),
    ("FLUX_W1", "E", "flux_w1"),
    ("FLUX_W2", "E", "flux_w2"),
    ("EBV", "E", "ebv"),
    ("PARALLAX", "E", "parallax"),
    ("GAIA_PHOT_G_MEAN_MAG", "E", "gaia_phot_g_mean_mag"),
    ("SERSIC", "E", "sersic"),
    ("SHAPE_R", "E", "shape_r"),
    ("COADD_NUMEXP", "I", "coadd_numexp"),
    ("COADD_EXPTIME", "E", "coadd_exptime"),
    ("COADD_NUMNIGHT", "I", 1),
    ("COADD_NUMTILE", "I", 1),
    ("MEAN_FIBER_RA", "D", "mean_fiber_ra"),
    ("MEAN_FIBER_DEC", "D", "mean_fiber_dec"),
    ("MEAN_MJD", "D", _MEAN_MJD),
)
# One row an exposure, all of one fiber.
_EXPOSURES = (
    ("TARGETID", "K", "target_id"),
    ("MJD", "D", _MEAN_MJD),
    ("TILEID", "J", "tile_id"),
    ("PETAL_LOC", "I", "petal"),
    ("DEVICE_LOC", "J", "device"),
    ("LOCATION", "K", "location"),
    ("FIBER", "J", "fiber"),
)
_SCORES = (
    ("TARGETID", "K", "target_id"),
    *((f"MEDIAN_COADD_SNR_{a.value.upper()}", "E", f"snr_{a.value}") for a in ARMS),
    *((f"TSNR2_{t.upper()}", "E", f"tsnr2_{t}") for t in ("qso", "elg", "lrg", "bgs")),
)
_REDSHIFTS = (
    ("TARGETID", "K", "target_id"),
    ("Z", "D", "redshift"),
    ("ZERR", "D", "redshift_error"),
    ("ZWARN", "K", "redshift_warning"),
    ("SPECTYPE", "6A", "spectype"),
    ("SUBTYPE", "20A", "subtype"),
    ("DELTACHI2", "D", "deltachi2"),
)
_TRUTH = (
    ("TARGETID", "K", "target_id"),
    ("INJECTED_TYPE", "16A", "injected_type"),
    ("TRUE_CLASS", "10A", "class"),
    ("TRUE_Z", "D", "redshift"),
    ("TRUE_FLUX", "D", "flux"),
    ("STRENGTH", "D", "strength"),
    ("PEAK_WAVELENGTH", "D", "peak_wavelength"),
)


class FilePair(NamedTuple):
    """What one file pair holds: a HEALPix cell in a program, and its survey."""

    survey: SimulatedSurvey
    program: str
    cell: int


def primary_header(pair: FilePair, n_objects: int) -> fits.Header:
    """Return the primary header; SIMULATD, SIMVER, SIMSEED and SIMCOUNT tell where it is from."""
    return fits.Header(
        [
            ("SPGRP", "healpix", "how spectra are grouped"),
            ("SPGRPVAL", pair.cell, "value of the group"),
            ("HPXPIXEL", pair.cell, "HEALPix cell"),
            ("HPXNSIDE", NSIDE, "HEALPix nside"),
            ("HPXNEST", True, "nested ordering"),
            ("SURVEY", "main", "DESI survey imitated"),
            ("PROGRAM", pair.program, "DESI program imitated"),
            ("SIMULATD", True, "made by a simulator, not by a telescope"),
            ("SIMVER", pair.survey.version, "generator version"),
            ("SIMSEED", str(pair.survey.seed), "seed of the survey"),
            ("SIMCOUNT", n_objects, "number of spectra"),
        ]
    )


def coadd_hdus(
    pair: FilePair, batch: SpectrumBatch, truth: dict[str, NDArray[Any]], *, resolution: bool
) -> fits.HDUList:
    """Return a coadd file: both fibermaps, three arms, SCORES and TRUTH (of `truth`: (N,))."""
    hdus = [
        fits.PrimaryHDU(header=primary_header(pair, len(batch))),
        _table("FIBERMAP", _FIBERMAP, batch.columns),
        _table("EXP_FIBERMAP", _EXPOSURES, _exposures(batch)),
    ]
    for arm in ARMS:
        hdus.extend(_arm_hdus(arm, batch))
        if resolution:
            diagonals = np.broadcast_to(
                resolution_diagonals(arm), (len(batch), N_DIAGONALS, arm.n_pixels)
            )
            name = f"{arm.value.upper()}_RESOLUTION"
            hdus.append(fits.ImageHDU(np.ascontiguousarray(diagonals), name=name))
    hdus.append(_table("SCORES", _SCORES, batch.columns))
    hdus.append(_table("TRUTH", _TRUTH, truth))
    return fits.HDUList(hdus)


def redrock_hdus(pair: FilePair, batch: SpectrumBatch) -> fits.HDUList:
    """Return a redrock file: REDSHIFTS and the FIBERMAP."""
    return fits.HDUList(
        [
            fits.PrimaryHDU(header=primary_header(pair, len(batch))),
            _table("REDSHIFTS", _REDSHIFTS, batch.columns),
            _table("FIBERMAP", _FIBERMAP, batch.columns),
        ]
    )


def resolution_diagonals(arm: Arm) -> NDArray[np.float32]:
    """Return the resolution matrix of an arm as DESI stores it, (11, n): offsets +5 to -5.

    Each column of the matrix is a Gaussian of the arm's line-spread sigma that sums to 1.
    """
    sigma = np.interp(arm.wavelength, LSF_WAVELENGTH, LSF_SIGMA) / 0.8
    offsets = (N_DIAGONALS // 2 - np.arange(N_DIAGONALS))[:, None]
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return (weights / weights.sum(axis=0)).astype(np.float32)


def _exposures(batch: SpectrumBatch) -> dict[str, NDArray[Any]]:
    """Return what the table of exposures says, (E,) each."""
    rows = np.repeat(np.arange(len(batch)), batch.columns["coadd_numexp"])
    found = {name: batch.columns[name][rows] for name in ("target_id", "tile_id", "location")}
    petal, device = np.divmod(found["location"], 1000)
    return {**found, "petal": petal, "device": device, "fiber": 500 * petal + device}


def _arm_hdus(arm: Arm, batch: SpectrumBatch) -> list[fits.ImageHDU]:
    letter = arm.value.upper()
    wavelength = fits.ImageHDU(arm.wavelength, name=f"{letter}_WAVELENGTH")
    wavelength.header["BUNIT"] = "Angstrom"
    flux = fits.ImageHDU(batch.flux[arm], name=f"{letter}_FLUX")
    flux.header["BUNIT"] = _BUNIT
    ivar = fits.ImageHDU(batch.ivar[arm], name=f"{letter}_IVAR")
    ivar.header["BUNIT"] = "10**+34 (s2 cm4 Angstrom2) / erg2"
    return [wavelength, flux, ivar, fits.ImageHDU(batch.mask[arm], name=f"{letter}_MASK")]


def _table(name: str, layout: tuple[tuple[str, str, Any], ...], columns: Any) -> fits.BinTableHDU:
    n = len(columns["target_id"])
    fields = []
    for title, form, source in layout:
        values = columns[source] if isinstance(source, str) else np.full(n, source)
        fields.append(fits.Column(title, form, array=values))
    return fits.BinTableHDU.from_columns(fields, name=name)
