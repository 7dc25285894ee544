"""SDSS, BOSS and eBOSS spectra: ``spec-PLATE-MJD-FIBER.fits``, one object per file."""

from typing import Any

import numpy as np

from .fitsfile import FitsFile
from .single import SingleSource, make_samples

_COADD_COLUMNS = ("flux", "loglam", "ivar")
# ZWARNING bits of a fiber without a usable target: UNPLUGGED, BAD_TARGET, NODATA (SDSS ZWARNING).
_BAD_FIBER = sum(1 << bit for bit in (7, 8, 9))
_NO_TYPE = {"", "NA", "N/A", "NONE"}


def is_sdss(file: FitsFile) -> bool:
    """Return whether HDU 1 is a COADD table of a spec file, whatever the case of its columns."""
    return set(_COADD_COLUMNS) <= {name.lower() for name in file.column_names(1)}


def open_sdss(file: FitsFile) -> SingleSource:
    """Read a spec file, close it and return its one object on DESI's arms.

    Flux is in 1e-17 erg s⁻¹ cm⁻² Å⁻¹ and wavelengths are vacuum, as SDSS defines them.

    Raises
    ------
    InputError
        When its wavelengths are not those of a spectrum.
    """
    names = {name.lower(): name for name in file.column_names(1)}
    flux, loglam, ivar = (file.column(1, names[name]) for name in _COADD_COLUMNS)
    mask = file.column(1, names["and_mask"]) if "and_mask" in names else np.zeros(len(flux), int)
    samples = make_samples(file, 10 ** loglam.astype(np.float64), (flux, ivar, mask))
    row = _first_row(file)
    keys = [_value(row, *options) for options in (("PLATE", "PLATEID"), ("MJD",), ("FIBERID",))]
    target_id, group = None, ""
    if None not in keys:
        plate, mjd, fiber = (int(key) for key in keys)
        target_id = plate * 10**9 + mjd * 10**4 + fiber
        group = f"sdss/{plate}-{mjd}"
    facts = {"target_id": target_id, "survey": "SDSS", **_facts(row)}
    return SingleSource(file, "sdss spec", group, samples, facts)


def _first_row(file: FitsFile) -> dict[str, Any]:
    """Return header cards, overruled by the one row of SPECOBJ or SPALL, by upper-case name."""
    header = file.header()
    cards = {key: header[key] for key in _HEADER_KEYS if key in header}
    table = file.table(2)
    if table is None or table.n_rows != 1:
        return cards
    wanted = {name.upper(): name for name in table.names if name.upper() in _ROW_KEYS}
    return cards | {upper: file.column(2, name)[0] for upper, name in wanted.items()}


_HEADER_KEYS = {"PLATEID", "MJD", "FIBERID", "RA", "DEC", "PLUG_RA", "PLUG_DEC"}
_ROW_KEYS = {
    *("PLATE", "MJD", "FIBERID", "RA", "DEC", "PLUG_RA", "PLUG_DEC"),
    *("TARGETTYPE", "SOURCETYPE", "OBJTYPE"),
    *("Z", "Z_ERR", "ZWARNING", "CLASS", "SUBCLASS"),
}


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    warning = _value(row, "ZWARNING")
    return {
        "ra_deg": _value(row, "PLUG_RA", "RA"),
        "dec_deg": _value(row, "PLUG_DEC", "DEC"),
        "redshift": _value(row, "Z"),
        "redshift_error": _value(row, "Z_ERR"),
        "redshift_warning": warning,
        "spectype": _value(row, "CLASS"),
        "subtype": _value(row, "SUBCLASS"),
        "objtype": _objtype(row),
        "fiber_status": None if warning is None else int(warning) & _BAD_FIBER,
    }


def _objtype(row: dict[str, Any]) -> str | None:
    """Return SKY or TGT from the target types a file carries, None when it carries none."""
    types = {str(row.get(key, "")).strip().upper() for key in _TYPE_KEYS} - _NO_TYPE
    if not types:
        return None
    return "SKY" if "SKY" in types else "TGT"


_TYPE_KEYS = ("TARGETTYPE", "SOURCETYPE", "OBJTYPE")


def _value(row: dict[str, Any], *names: str) -> Any:
    return next((row[name] for name in names if name in row), None)
