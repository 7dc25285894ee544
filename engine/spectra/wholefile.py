"""A FITS file opened with suspicion: checked for being FITS and for being whole."""

import gzip
import shutil
import tempfile
import threading
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .damage import check_structure, refuse_damage

_DAMAGE = (OSError, ValueError, KeyError, IndexError, TypeError, fits.VerifyError)

# The warning filters that are switched off while astropy looks at a damaged file are global.
_OPENING = threading.Lock()


@dataclass
class WholeFile:
    """An open FITS file of which every announced byte is there.

    Parameters
    ----------
    content : (k,) uint8
        The bytes of the file, unpacked and mapped.
    hdus : fits.HDUList
        Its HDUs.
    places : list of (int, int)
        Where header and data of each HDU start, in bytes.
    unpacked : temporary file or None
        What a gzipped file was unpacked to.
    """

    content: NDArray[np.uint8]
    hdus: fits.HDUList
    places: list[tuple[int, int]]
    unpacked: Any

    def header_at(self, place: int) -> bytes:
        """Return a header as it is in the file, before astropy makes an image of a table."""
        return self.content[slice(*self.places[place])].tobytes()

    def data_at(self, place: int) -> NDArray[np.uint8]:
        """Return the bytes of the file from the data of an HDU on, (n,)."""
        return self.content[self.places[place][1] :]

    def close(self) -> None:
        """Release the file; a temporary one is deleted."""
        self.hdus.close()
        if self.unpacked is not None:
            self.unpacked.close()


def open_whole(path: Path) -> WholeFile:
    """Open a plain or gzipped FITS file.

    A gzipped file is unpacked once into a temporary file.

    Raises
    ------
    InputError
        When the file is missing, empty, not FITS, damaged or cut short.
    """
    is_packed = _first_bytes(path).startswith(b"\x1f\x8b")
    unpacked = _unpack(path) if is_packed else None
    plain = Path(unpacked.name) if is_packed else path
    try:
        _check_start(path, _first_bytes(plain))
        content = np.asarray(np.memmap(plain, dtype=np.uint8, mode="r"))
        with refuse_damage(path):
            check_structure(content)
            hdus, places, end = _read_headers(path, plain)
        try:
            _check_end(path, plain, end)
        except InputError:
            hdus.close()
            raise
    except InputError:
        if unpacked is not None:
            unpacked.close()
        raise
    return WholeFile(content, hdus, places, unpacked)


def _read_headers(path: Path, plain: Path) -> tuple[fits.HDUList, list[tuple[int, int]], int]:
    """Return the HDUs, where header and data of each start, and where the last one ends."""
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            hdus = fits.open(plain, memmap=False, lazy_load_hdus=False)
        except _DAMAGE as error:
            raise InputError(
                f"{path.name} is not readable FITS ({error}): it is cut short or damaged, "
                "fetch it again."
            ) from error
        places = [hdu.fileinfo() for hdu in hdus]
    end = places[-1]["datLoc"] + places[-1]["datSpan"]
    return hdus, [(place["hdrLoc"], place["datLoc"]) for place in places], end


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(512)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be opened: {reason}; check the path.") from error


def _check_start(path: Path, start: bytes) -> None:
    """Raise `InputError` when the first bytes are not those of a FITS file."""
    if start.startswith(b"SIMPLE  ="):
        return
    if not start:
        raise InputError(f"{path.name} is empty, expected a FITS file: fetch it again.")
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise InputError(
            f"{path.name} is HTML, not FITS: the server answered with a page instead of "
            "the file, fetch it again."
        )
    if start.startswith(b"version https://git-lfs"):
        raise InputError(f"{path.name} is a Git LFS pointer, not FITS: run 'git lfs pull'.")
    raise InputError(
        f"{path.name} is not FITS: it starts with {start[:9]!r} instead of 'SIMPLE  ='."
    )


def _unpack(path: Path) -> Any:
    """Return a temporary file with the content of a gzipped one, deleted when closed."""
    unpacked = tempfile.NamedTemporaryFile(suffix=".fits")  # noqa: SIM115 - closed by the owner
    try:
        with gzip.open(path, "rb") as packed:
            shutil.copyfileobj(packed, unpacked, 1 << 20)
    except (EOFError, OSError, zlib.error) as error:
        unpacked.close()
        raise InputError(
            f"{path.name} cannot be unpacked ({error}): it is cut short or damaged, fetch it again."
        ) from error
    unpacked.flush()
    return unpacked


def _check_end(path: Path, plain: Path, end: int) -> None:
    """Raise `InputError` when a file ends before byte `end`, or in a header that follows it."""
    size = plain.stat().st_size
    with plain.open("rb") as file:
        file.seek(end)
        is_cut_in_header = file.read(8) == b"XTENSION"
    if size < end or is_cut_in_header:
        expected = "more HDUs follow" if is_cut_in_header else f"its headers announce {end}"
        raise InputError(
            f"{path.name} is cut short: it has {size} bytes and {expected}; fetch it again."
        )
