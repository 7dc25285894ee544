"""The image HDUs of a DESI file: {B,R,Z} x {WAVELENGTH, FLUX, IVAR, MASK}, found by name."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .fitsfile import FitsFile
from .grid import ARMS, Arm
from .imagerows import Rows
from .stored import StoredRows, as_stored

# Float32 copies of the lattice are off by up to 5e-4 Å; another grid is off by far more.
WAVELENGTH_TOLERANCE = 1e-3

StoredArms = Mapping[Arm, tuple[StoredRows, StoredRows, StoredRows]]
ArmImages = tuple[dict[Arm, NDArray[Any]], dict[Arm, NDArray[Any]], dict[Arm, NDArray[Any]]]


class DesiArms:
    """The spectra of a DESI file, row by row.

    Parameters
    ----------
    file : FitsFile
        A file with at least one FLUX image.

    Raises
    ------
    InputError
        When an arm is incomplete, on another wavelength grid, or of another number of rows.
    """

    def __init__(self, file: FitsFile) -> None:
        self._file = file
        self.n_rows = _check_arms(file)

    def read(self, rows: Rows) -> ArmImages:
        """Return flux, ivar (M, n) float32 and mask (M, n) uint32 of each arm.

        A missing mask is all zero.
        """
        flux = {arm: self._image(arm, "FLUX", rows).astype(np.float32, copy=False) for arm in ARMS}
        ivar = {arm: self._image(arm, "IVAR", rows).astype(np.float32, copy=False) for arm in ARMS}
        mask = {arm: self._mask(arm, rows, len(flux[arm])) for arm in ARMS}
        return flux, ivar, mask

    def stored(self, rows: Rows) -> StoredArms:
        """Return flux, ivar and mask of each arm, (M, n), as they lie in the file.

        A missing mask is all zero.
        """
        return {
            arm: (
                self._file.stored_rows(hdu_name(arm, "FLUX"), rows, np.float32),
                self._file.stored_rows(hdu_name(arm, "IVAR"), rows, np.float32),
                self._stored_mask(arm, rows),
            )
            for arm in ARMS
        }

    def announce(self) -> None:
        """Say that all spectra will be read soon."""
        self._file.announce(hdu_name(arm, c) for arm in ARMS for c in ("FLUX", "IVAR", "MASK"))

    def _image(self, arm: Arm, content: str, rows: Rows) -> NDArray[Any]:
        return self._file.rows(hdu_name(arm, content), rows)

    def _mask(self, arm: Arm, rows: Rows, n: int) -> NDArray[np.uint32]:
        if hdu_name(arm, "MASK") not in self._file:
            return np.zeros((n, arm.n_pixels), dtype=np.uint32)
        return self._image(arm, "MASK", rows).astype(np.uint32, copy=False)

    def _stored_mask(self, arm: Arm, rows: Rows) -> StoredRows:
        hdu = hdu_name(arm, "MASK")
        if hdu not in self._file:
            n = len(self._file.stored_rows(hdu_name(arm, "FLUX"), rows, np.float32))
            return as_stored(np.zeros((n, arm.n_pixels), np.uint32), np.uint32)
        return self._file.stored_rows(hdu, rows, np.uint32)


def hdu_name(arm: Arm, content: str) -> str:
    """Return the HDU name of an arm's image.

    Examples
    --------
    >>> hdu_name(Arm.BLUE, "FLUX")
    'B_FLUX'
    """
    return f"{arm.value.upper()}_{content}"


def _check_arms(file: FitsFile) -> int:
    """Check every image HDU and return the number of rows."""
    name = file.path.name
    needed = [hdu_name(arm, c) for arm in ARMS for c in ("WAVELENGTH", "FLUX", "IVAR")]
    missing = [hdu for hdu in needed if hdu not in file]
    if missing:
        raise InputError(
            f"{name} lacks {', '.join(missing)}: a DESI file needs wavelength, flux and ivar of "
            "all three arms; fetch the original."
        )
    n_rows = (file.shape("B_FLUX") or (0,))[0]
    for arm in ARMS:
        _check_wavelength(file, arm)
        for content in ("FLUX", "IVAR", "MASK"):
            hdu = hdu_name(arm, content)
            if hdu in file and file.shape(hdu) != (n_rows, arm.n_pixels):
                raise InputError(
                    f"{name}: {hdu} has shape {file.shape(hdu)}, expected "
                    f"{(n_rows, arm.n_pixels)} as B_FLUX and the arm's wavelengths say; "
                    "fetch the original."
                )
    return n_rows


def _check_wavelength(file: FitsFile, arm: Arm) -> None:
    hdu = hdu_name(arm, "WAVELENGTH")
    if file.shape(hdu) != (arm.n_pixels,):
        raise InputError(
            f"{file.path.name}: {hdu} has shape {file.shape(hdu)}, expected ({arm.n_pixels},) "
            "pixels of DESI's 0.8 Å grid; only that grid can be read."
        )
    offset = np.abs(file.rows(hdu, slice(None)) - arm.wavelength).max()
    if not offset < WAVELENGTH_TOLERANCE:
        raise InputError(
            f"{file.path.name}: {hdu} is {offset:.3g} Å off DESI's 0.8 Å grid, expected less than "
            f"{WAVELENGTH_TOLERANCE} Å; only that grid can be read."
        )
