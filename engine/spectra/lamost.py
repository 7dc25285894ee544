"""LAMOST low-resolution spectra: one object per file, five rows in the primary image."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .fitsfile import FitsFile
from .single import SingleSource, make_samples

_N_ROWS = 5  # flux, inverse variance, wavelength or continuum-normalised flux, andmask, ormask
# FIBERTYP of a fiber on no target. The others, Obj and F-Std, say only that one was meant to be
# observed, and LAMOST has no fiber status. Source: column fibertype of the LAMOST DR6 catalog.
_OBJTYPES = {"SKY": "SKY", "UNUSED": "BAD", "POSERR": "BAD", "DEAD": "BAD"}
_NOTE = "LAMOST flux is relative: compare shapes, not brightness; it carries no fiber status"


def is_lamost(file: FitsFile) -> bool:
    """Return whether the primary image is that of a LAMOST low-resolution spectrum."""
    shape = file.shape(0)
    telescope = str(file.header().get("TELESCOP", "")).strip().upper()
    return telescope == "LAMOST" and len(shape) == 2 and shape[0] == _N_ROWS


def open_lamost(file: FitsFile) -> SingleSource:
    """Read a LAMOST spectrum, close it and return its one object on DESI's arms.

    Row 2 is the wavelength where EXTEN0 says so (DR8 and later); elsewhere wavelength is
    10 ** (COEFF0 + COEFF1 i), vacuum. Pixels of exactly zero flux are filling, not data.

    Raises
    ------
    InputError
        When the header gives no wavelengths or they are not those of a spectrum.
    """
    header = file.header()
    image = file.rows(0, slice(None))
    flux, ivar, mask = image[0], image[1], image[3]
    wavelength = _wavelength(file, image)
    samples = make_samples(file, wavelength, (flux, np.where(flux == 0, 0, ivar), mask))
    facts = {
        "target_id": header.get("OBSID"),
        "survey": "LAMOST",
        "ra_deg": header.get("RA"),
        "dec_deg": header.get("DEC"),
        "redshift": header.get("Z"),
        "redshift_error": header.get("Z_ERR"),
        "spectype": header.get("CLASS"),
        "subtype": header.get("SUBCLASS"),
        "objtype": _OBJTYPES.get(str(header.get("FIBERTYP", "")).strip().upper()),
    }
    source = SingleSource(file, "lamost", _group(header), samples, facts)
    source.notes = (_NOTE,)
    return source


def _wavelength(file: FitsFile, image: NDArray[Any]) -> NDArray[np.float64]:
    header = file.header()
    if "wavelength" in str(header.get("EXTEN0", "")).lower():
        return image[2].astype(np.float64)
    if "COEFF0" not in header or "COEFF1" not in header:
        raise InputError(
            f"{file.path.name} has neither a wavelength row (EXTEN0) nor COEFF0 and COEFF1, "
            "expected one of them in a LAMOST spectrum; fetch the original."
        )
    return 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(image.shape[1]))


def _group(header: Any) -> str:
    keys = [str(header.get(key, "")).strip() for key in ("LMJD", "PLANID", "SPID")]
    return f"lamost/{'/'.join(keys)}" if all(keys) else ""
