"""Rows of a FITS image, (N, n): mapped, unpacked row by row, or through astropy; native order.

astropy takes a millisecond to find an HDU, and unpacks a compressed image with 200 µs a row. DESI
stores masks with one gzip stream a row, nearly all of them the same few bytes: those are unpacked
once. Layouts: FITS standard 4.0, sections 5 and 10.1.
"""

import gzip
import zlib
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .hdu import Cards, Hdu
from .stored import StoredRows

Rows = slice | NDArray[np.intp]

_UNSIGNED_ZERO = 1 << 31  # BZERO of unsigned 32-bit integers


class ImageRows(Protocol):
    """Reads rows of one image; raises ValueError when they cannot be unpacked."""

    def read(self, rows: Rows) -> NDArray[Any]:
        """Return the given rows in native byte order and true scale."""
        ...


class PlainRows:
    """An image stored as it is, or as unsigned 32-bit integers.

    Parameters
    ----------
    header : dict
        Cards of the HDU.
    data : (k,) uint8
        Bytes of the file from the first pixel on.
    """

    def __init__(self, header: Cards, data: NDArray[np.uint8]) -> None:
        shape = tuple(header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1))
        kind = "f" if header["BITPIX"] < 0 else "i" if header["BITPIX"] > 8 else "u"
        dtype = np.dtype(f">{kind}{abs(header['BITPIX']) // 8}")
        self._is_unsigned = header.get("BZERO") == _UNSIGNED_ZERO
        self._view = data[: int(np.prod(shape)) * dtype.itemsize].view(dtype).reshape(shape)

    def read(self, rows: Rows) -> NDArray[Any]:
        """Return the given rows; only those are touched on disk."""
        part = self._view[rows]
        native = part.astype(part.dtype.newbyteorder("="))
        return _as_unsigned(native) if self._is_unsigned else native

    def holds(self, dtype: type[np.float32 | np.uint32]) -> bool:
        """Return whether the words of the file are those of numbers of that type."""
        kind = "f" if dtype is np.float32 else "i"
        return self._view.dtype.kind == kind and self._view.dtype.itemsize == 4

    def stored(self, rows: Rows) -> StoredRows:
        """Return the given rows of an image of 32-bit numbers as they lie in the file.

        Neighbouring rows are not copied, nor even read before somebody looks at them.
        """
        flipped = _UNSIGNED_ZERO if self._is_unsigned else 0
        is_swapped = not self._view.dtype.isnative
        return StoredRows(self._view[rows].view(np.uint32), is_swapped, flipped)


class GzipRows:
    """32-bit integers compressed with GZIP_1, one tile a row.

    Parameters
    ----------
    header : dict
        Cards of the binary table that holds the image.
    data : (k,) uint8
        Bytes of the file from the table on.
    """

    def __init__(self, header: Cards, data: NDArray[np.uint8]) -> None:
        self._n_pixels = int(header["ZNAXIS1"])
        self._is_unsigned = header.get("BZERO") == _UNSIGNED_ZERO
        n_rows = int(header["NAXIS2"])
        word = ">i8" if "Q" in header["TFORM1"] else ">i4"
        descriptors = data[: int(header["NAXIS1"]) * n_rows].view(word).reshape(n_rows, 2)
        self._sizes, self._starts = descriptors.T.astype(np.int64)
        heap = int(header.get("THEAP", header["NAXIS1"] * n_rows))
        self._heap = data[heap : heap + int(header["PCOUNT"])]

    def read(self, rows: Rows) -> NDArray[Any]:
        """Return the given rows; equal rows are unpacked once."""
        packed = [
            self._heap[start : start + size].tobytes()
            for start, size in zip(self._starts[rows], self._sizes[rows], strict=True)
        ]
        distinct = {stream: place for place, stream in enumerate(dict.fromkeys(packed))}
        table = np.empty((len(distinct), self._n_pixels), dtype=np.int32)
        for stream, place in distinct.items():
            table[place] = self._unpack(stream)
        values = table[[distinct[stream] for stream in packed]]
        return _as_unsigned(values) if self._is_unsigned else values

    def _unpack(self, stream: bytes) -> NDArray[np.int32]:
        try:
            return np.frombuffer(gzip.decompress(stream), dtype=">i4", count=self._n_pixels)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(str(error)) from error


class SectionRows:
    """Any other image, read through astropy.

    Parameters
    ----------
    hdu : HDU
        An image HDU of an open file.
    """

    def __init__(self, hdu: Any) -> None:
        self._hdu = hdu

    def read(self, rows: Rows) -> NDArray[Any]:
        """Return the given rows, neighbouring ones in one go."""
        runs = [rows] if isinstance(rows, slice) else _runs(rows)
        try:
            values = np.concatenate([np.asarray(self._hdu.section[run]) for run in runs])
        except (OSError, KeyError, IndexError, TypeError, zlib.error) as error:
            raise ValueError(str(error)) from error
        return values.astype(values.dtype.newbyteorder("="), copy=False)


def is_plain(hdu: Hdu) -> bool:
    """Return whether an image is stored without compression and without scaling of its own."""
    cards = hdu.cards
    is_unsigned = cards["BITPIX"] == 32 and cards.get("BZERO") == _UNSIGNED_ZERO
    is_scaled = cards.get("BSCALE", 1) != 1 or (cards.get("BZERO", 0) != 0 and not is_unsigned)
    return not hdu.is_packed_image and not is_scaled


def is_gzip_rows(hdu: Hdu) -> bool:
    """Return whether a compressed image is of the layout of `GzipRows`."""
    cards = hdu.cards
    return (
        hdu.is_packed_image
        and cards.get("ZCMPTYPE") in ("GZIP_1", "GZIP_ONE")
        and cards.get("ZNAXIS") == 2
        and cards.get("ZBITPIX") == 32
        and cards.get("ZTILE1") == cards["ZNAXIS1"]
        and cards.get("ZTILE2", 1) == 1
        and cards.get("TFIELDS") == 1
        and cards.get("BSCALE", 1) == 1
        and cards.get("BZERO", 0) in (0, _UNSIGNED_ZERO)
    )


def _as_unsigned(values: NDArray[np.int32]) -> NDArray[np.uint32]:
    """Add 2³¹ in place: the values are a copy already."""
    unsigned = values.view(np.uint32)
    return np.bitwise_xor(unsigned, np.uint32(_UNSIGNED_ZERO), out=unsigned)


def _runs(rows: NDArray[np.intp]) -> list[slice]:
    """Return the slices of neighbouring rows that make up `rows`, in their order."""
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    found = np.split(rows, breaks) if len(rows) else []
    return [slice(int(run[0]), int(run[-1]) + 1) for run in found] or [slice(0, 0)]
