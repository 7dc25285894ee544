"""A FITS file opened with suspicion: checked for being FITS and for being whole."""

import gzip
import os
import shutil
import tempfile
import threading
import warnings
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .damage import refuse_damage
from .hdu import Hdu, walk_hdus

# The warning filters that are switched off while astropy looks at a damaged file are global.
_OPENING = threading.Lock()


@dataclass
class WholeFile:
    """An open FITS file of which every announced byte is there.

    Parameters
    ----------
    content : (k,) uint8
        The bytes of the file, unpacked and mapped.
    hdus : tuple of Hdu
        Its parts.
    path : Path
        Of the plain content: the temporary file where there is one.
    unpacked : temporary file or None
        What a gzipped file was unpacked to.
    """

    content: NDArray[np.uint8]
    hdus: tuple[Hdu, ...]
    path: Path
    unpacked: Any
    _by_astropy: Any = None

    def data_of(self, hdu: Hdu) -> NDArray[np.uint8]:
        """Return the bytes of the file from the data of an HDU on, (n,)."""
        return self.content[hdu.start :]

    def announce(self, hdus: Iterable[Hdu]) -> None:
        """Have the system fetch the data of some HDUs from the disk while others are read."""
        if not hasattr(os, "posix_fadvise"):
            return
        with self.path.open("rb") as stream:
            for hdu in hdus:
                os.posix_fadvise(stream.fileno(), hdu.start, hdu.n_bytes, os.POSIX_FADV_WILLNEED)

    def by_astropy(self, place: int) -> Any:
        """Return an HDU as astropy opens it, for images that only astropy can unpack."""
        if self._by_astropy is None:
            with _OPENING, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._by_astropy = fits.open(self.path, memmap=False, lazy_load_hdus=False)
        return self._by_astropy[place]

    def close(self) -> None:
        """Release the file; a temporary one is deleted."""
        if self._by_astropy is not None:
            self._by_astropy.close()
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
        with plain.open("rb") as stream, refuse_damage(path):
            content = np.frombuffer(mmap(stream.fileno(), 0, access=ACCESS_READ), np.uint8)
            hdus = _whole_hdus(path, stream, len(content))
    except InputError:
        if unpacked is not None:
            unpacked.close()
        raise
    return WholeFile(content, hdus, plain, unpacked)


def _whole_hdus(path: Path, stream: BinaryIO, size: int) -> tuple[Hdu, ...]:
    """Return the HDUs; raise `InputError` when the file ends before one of them does."""
    hdus = []
    expected = "a header has no end"
    try:
        for hdu in walk_hdus(stream):
            hdus.append(hdu)
            if hdu.start + hdu.n_bytes > size:
                expected = f"its headers announce {hdu.start + hdu.n_bytes}"
                raise EOFError(expected)
    except EOFError:
        raise InputError(
            f"{path.name} is cut short: it has {size} bytes and {expected}; fetch it again."
        ) from None
    return tuple(hdus)


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
