"""Facts of DESI objects: FIBERMAP, SCORES and redrock columns under our names."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .columns import cast_column, match_rows, take_matched
from .damage import refuse_damage
from .fitsfile import FitsFile

Columns = dict[str, NDArray[Any]]

# Our name -> FITS name, first one present counts. Source: DESI data model.
_FIBERMAP = MappingProxyType(
    {
        "ra_deg": ("TARGET_RA", "RA"),
        "dec_deg": ("TARGET_DEC", "DEC"),
        "target_ra": ("TARGET_RA", "RA"),
        "target_dec": ("TARGET_DEC", "DEC"),
        "objtype": ("OBJTYPE",),
        "fiber_status": ("COADD_FIBERSTATUS",),
        "morphtype": ("MORPHTYPE",),
        "flux_g": ("FLUX_G",),
        "flux_r": ("FLUX_R",),
        "flux_z": ("FLUX_Z",),
        "flux_w1": ("FLUX_W1",),
        "flux_w2": ("FLUX_W2",),
        "ebv": ("EBV",),
        "parallax": ("PARALLAX",),
        "gaia_phot_g_mean_mag": ("GAIA_PHOT_G_MEAN_MAG",),
        "sersic": ("SERSIC",),
        "shape_r": ("SHAPE_R",),
        "coadd_numexp": ("COADD_NUMEXP",),
        "coadd_exptime": ("COADD_EXPTIME",),
        "mean_fiber_ra": ("MEAN_FIBER_RA",),
        "mean_fiber_dec": ("MEAN_FIBER_DEC",),
        "healpix": ("HPXPIXEL", "HEALPIX"),
        "tile_id": ("TILEID",),
        "location": ("LOCATION",),
    }
)
# What a coadd over tiles says of single exposures only.
_EXPOSURES = MappingProxyType({"tile_id": ("TILEID",), "location": ("LOCATION",)})
_SCORES = MappingProxyType(
    {
        **{f"snr_{arm}": (f"MEDIAN_COADD_SNR_{arm.upper()}",) for arm in "brz"},
        **{f"tsnr2_{kind}": (f"TSNR2_{kind.upper()}",) for kind in ("qso", "elg", "lrg", "bgs")},
    }
)
_REDSHIFTS = MappingProxyType(
    {
        "redshift": ("Z",),
        "redshift_error": ("ZERR",),
        "redshift_warning": ("ZWARN",),
        "spectype": ("SPECTYPE",),
        "subtype": ("SUBTYPE",),
        "deltachi2": ("DELTACHI2",),
    }
)


def fibermap_columns(file: FitsFile) -> Columns:
    """Return the FIBERMAP columns under our names, each (n_rows,); empty without FIBERMAP."""
    return _renamed(file, "FIBERMAP", _FIBERMAP)


def fibermap_column(file: FitsFile, name: str) -> NDArray[Any] | None:
    """Return one FIBERMAP column as it is, (n_rows,); None where the file has not got it."""
    if name in file.column_names("FIBERMAP"):
        return file.column("FIBERMAP", name)
    return None


def exposure_columns(file: FitsFile, target_ids: NDArray[np.int64]) -> Columns:
    """Return what all exposures of an object share, (N,) each; -1 where they differ.

    Empty without EXP_FIBERMAP.
    """
    found = _renamed(file, "EXP_FIBERMAP", _EXPOSURES)
    if not found or "TARGETID" not in file.column_names("EXP_FIBERMAP"):
        return {}
    ids, owner = np.unique(file.column("EXP_FIBERMAP", "TARGETID"), return_inverse=True)
    match, shared = match_rows(target_ids, ids), {}
    for name, values in found.items():
        first = np.zeros(len(ids), values.dtype)
        first[owner] = values
        differs = np.bincount(owner, values != first[owner], len(ids)) > 0
        shared[name] = take_matched(np.where(differs, values.dtype.type(-1), first), match)
    return shared


def score_columns(file: FitsFile, target_ids: NDArray[np.int64]) -> Columns:
    """Return S/N and TSNR2 of the objects, (N,) each, matched by TARGETID where SCORES has it."""
    scores = _renamed(file, "SCORES", _SCORES)
    if "TARGETID" not in file.column_names("SCORES"):
        return scores
    match = match_rows(target_ids, file.column("SCORES", "TARGETID"))
    return {name: take_matched(values, match) for name, values in scores.items()}


def injected_types(file: FitsFile, target_ids: NDArray[np.int64]) -> Columns:
    """Return what a simulator put in, ``injected_type`` (N,); empty without a TRUTH table."""
    if file.table("TRUTH") is None:
        return {}
    match = match_rows(target_ids, file.column("TRUTH", "TARGETID"))
    types = cast_column("injected_type", file.column("TRUTH", "INJECTED_TYPE"))
    return {"injected_type": take_matched(types, match)}


def redshift_columns(
    path: Path | None, target_ids: NDArray[np.int64]
) -> tuple[Columns, tuple[str, ...]]:
    """Return the redrock columns of the objects, matched by TARGETID, and notes.

    Parameters
    ----------
    path : Path or None
        The redrock file beside the spectra, None when there is none.
    target_ids : (N,) int64
        Objects to look up.

    Returns
    -------
    columns : dict of (N,) arrays
        Only ``redshift_warning`` = -1 when there is nothing usable. An object that redrock does
        not list has redshift NaN and redshift_warning -1.
    notes : tuple of str
        What is missing.
    """
    nothing = {"redshift_warning": np.full(len(target_ids), -1, dtype=np.int64)}
    if path is None:
        return nothing, ("no redrock file beside it: redshifts are unknown",)
    try:
        with refuse_damage(path):
            have, columns = _read_redrock(path)
    except InputError as error:
        return nothing, (f"redshifts are unknown: {error}",)
    match = match_rows(target_ids, have)
    n_missing = int((match < 0).sum())
    notes = (f"{path.name} lists no redshift for {n_missing} objects",) if n_missing else ()
    return {name: take_matched(values, match) for name, values in columns.items()}, notes


def _read_redrock(path: Path) -> tuple[NDArray[np.int64], Columns]:
    file = FitsFile(path)
    try:
        if "TARGETID" not in file.column_names("REDSHIFTS"):
            raise InputError(f"{path.name} has no REDSHIFTS table with TARGETID")
        return file.column("REDSHIFTS", "TARGETID"), _renamed(file, "REDSHIFTS", _REDSHIFTS)
    finally:
        file.close()


def _renamed(file: FitsFile, hdu: str, names: Mapping[str, tuple[str, ...]]) -> Columns:
    present = set(file.column_names(hdu))
    columns = {}
    for ours, theirs in names.items():
        found = next((name for name in theirs if name in present), None)
        if found is not None:
            columns[ours] = cast_column(ours, file.column(hdu, found))
    return columns
