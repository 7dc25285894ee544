"""A FITS file read by rows of images and by columns of tables."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .fitstable import FitsTable
from .imagerows import GzipRows, ImageRows, PlainRows, Rows, SectionRows, is_gzip_rows, is_plain
from .stored import StoredRows, as_stored
from .wholefile import open_whole

# Tables and wavelengths: what nearly every reader asks for first.
_SMALL_BYTES = 1 << 18


class FitsFile:
    """A whole FITS file; only the rows and columns that are asked for are read.

    Parameters
    ----------
    path : Path
        A plain or gzipped file.

    Raises
    ------
    InputError
        When the file is missing, empty, not FITS, damaged or cut short.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole: Any = open_whole(path)
        self._tables: dict[int, FitsTable | None] = {}
        self._images: dict[int, ImageRows] = {}
        try:
            self.names: tuple[str, ...] = tuple(hdu.name for hdu in self._whole.hdus)
            self._whole.announce(hdu for hdu in self._whole.hdus if hdu.n_bytes <= _SMALL_BYTES)
            for place, hdu in enumerate(self._whole.hdus):
                if hdu.is_image and not is_plain(hdu):
                    self._images[place] = self._open_image(place)
        except BaseException:
            self.close()
            raise

    def __contains__(self, hdu: str) -> bool:
        return hdu in self.names

    def header(self, hdu: str | int = 0) -> fits.Header:
        """Return the header of an HDU."""
        return fits.Header.fromstring(self._whole.hdus[self._place(hdu)].header)

    def shape(self, hdu: str | int) -> tuple[int, ...]:
        """Return the numpy shape of an image HDU; () when it is a table or has no data."""
        found = self._whole.hdus[self._place(hdu)]
        return found.shape if found.is_image else ()

    def table(self, hdu: str | int) -> FitsTable | None:
        """Return a binary table, None when the HDU is an image or not there."""
        place = self._place(hdu)
        if place not in self._tables:
            self._tables[place] = self._open_table(place)
        return self._tables[place]

    def column_names(self, hdu: str | int) -> tuple[str, ...]:
        """Return the column names of a table as written; () when there is no such table."""
        table = self.table(hdu)
        return () if table is None else table.names

    def column(self, hdu: str | int, name: str) -> NDArray[Any]:
        """Return a column of a table, (n_rows,) or (n_rows, k): see `FitsTable.column`."""
        table = self.table(hdu)
        try:
            if table is None:
                raise ValueError("there is no such table")
            return table.column(name)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{self.path.name}: column {name} of {hdu} cannot be read ({error}); "
                "fetch the original."
            ) from error

    def rows(self, hdu: str | int, rows: Rows) -> NDArray[Any]:
        """Return rows of an image in native byte order and true scale, reading only those.

        Parameters
        ----------
        hdu : str or int
            An image HDU of shape (N, ...), plain or compressed.
        rows : slice or (M,) int array
            Which of the N rows, in any order.
        """
        try:
            return self._image(hdu).read(rows)
        except ValueError as error:
            raise InputError(
                f"{self.path.name}: {hdu} cannot be unpacked ({error}); "
                "the file is damaged: fetch it again."
            ) from error

    def stored_rows(
        self, hdu: str | int, rows: Rows, dtype: type[np.float32 | np.uint32]
    ) -> StoredRows:
        """Return rows of an image, (M, n), as they lie in the file where its numbers are `dtype`.

        Others are unpacked and converted. Raises as `rows` does.
        """
        image = self._image(hdu)
        if isinstance(image, PlainRows) and image.holds(dtype):
            return image.stored(rows)
        return as_stored(self.rows(hdu, rows), dtype)

    def announce(self, names: Iterable[str]) -> None:
        """Say which HDUs will be read whole soon, so that the disk need not be waited for."""
        places = [self._place(name) for name in names if name in self.names]
        self._whole.announce(self._whole.hdus[place] for place in places)

    def content_hash(self) -> bytes:
        """Return the 32-byte BLAKE2b hash of the unpacked content, so gzip does not matter."""
        return hashlib.blake2b(self._whole.content, digest_size=32).digest()

    def close(self) -> None:
        """Release the file."""
        self._tables.clear()
        self._images.clear()
        self._whole.close()
        self._whole = None

    def _place(self, hdu: str | int) -> int:
        """Return the number of an HDU, -1 when there is none."""
        if isinstance(hdu, int):
            return hdu if hdu < len(self.names) else -1
        return self.names.index(hdu) if hdu in self.names else -1

    def _open_table(self, place: int) -> FitsTable | None:
        hdu = self._whole.hdus[place] if place >= 0 else None
        if hdu is None or not hdu.is_table:
            return None
        return FitsTable(hdu.header, self._whole.data_of(hdu))

    def _image(self, hdu: str | int) -> ImageRows:
        place = self._place(hdu)
        if place not in self._images:
            self._images[place] = self._open_image(place)
        return self._images[place]

    def _open_image(self, place: int) -> ImageRows:
        hdu = self._whole.hdus[place]
        data = self._whole.data_of(hdu)
        if is_plain(hdu):
            return PlainRows(hdu.cards, data)
        if is_gzip_rows(hdu):
            return GzipRows(hdu.cards, data)
        return SectionRows(self._whole.by_astropy(place))
