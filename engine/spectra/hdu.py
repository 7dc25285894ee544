"""The parts (HDUs) of a FITS file, found by walking its headers once; nothing is unpacked.

astropy takes 20 ms to read the headers of one coadd file, more than its spectra take to score;
only images that nothing here can unpack are left to it. Layout: FITS standard 4.0, sections 3, 4.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import BinaryIO

Cards = dict[str, str | float | bool]

_BLOCK, _CARD = 2880, 80
_MAX_AXES = 999  # FITS standard 4.0, section 4.4.1
_BITS = {8, 16, 32, 64, -32, -64}
_STARTS = (b"SIMPLE  ", b"XTENSION")
_END = re.compile(rb"(?:.{80})*?END {5}", re.DOTALL)  # at the start of a card
_SIZES = re.compile(r"BITPIX|NAXIS\d*|PCOUNT|GCOUNT")
# The cards that say how data are stored, and the name; a quote in a text is doubled.
_STORAGE = re.compile(
    rb"(SIMPLE|XTENSION|EXTNAME|BITPIX|NAXIS\d*|[PG]COUNT|BSCALE|BZERO|TFIELDS|TFORM1|THEAP"
    rb"|ZIMAGE|ZCMPTYPE|ZBITPIX|ZNAXIS\d*|ZTILE\d+) *= *(?:'((?:[^']|'')*)'|([^/]*))"
)


@dataclass(frozen=True)
class Hdu:
    """One part of a FITS file.

    Parameters
    ----------
    header : bytes
        As it is in the file.
    cards : dict
        The cards that say how the data are stored; of several equal ones the first.
    start : int
        First byte of the data in the file.
    n_bytes : int
        Bytes of data announced, with the filling of the last block.
    """

    header: bytes
    cards: Cards
    start: int
    n_bytes: int

    @property
    def name(self) -> str:
        """Return the name in upper case; the first HDU is PRIMARY unless it says otherwise."""
        default = "PRIMARY" if "SIMPLE" in self.cards else ""
        return str(self.cards.get("EXTNAME", default)).upper()

    @property
    def is_packed_image(self) -> bool:
        """Return whether it is a compressed image, stored as a table."""
        return self._is_binary_table and self.cards.get("ZIMAGE") is True

    @property
    def is_table(self) -> bool:
        """Return whether it is a binary table and nothing else."""
        return self._is_binary_table and not self.is_packed_image

    @property
    def is_image(self) -> bool:
        """Return whether it is an image, compressed or not."""
        is_plain = self.cards.get("XTENSION", "IMAGE") in ("IMAGE", "IUEIMAGE")
        return is_plain or self.is_packed_image

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the numpy shape of an image, unpacked; () of anything without data."""
        axis = "ZNAXIS" if self.is_packed_image else "NAXIS"
        return tuple(int(self.cards[f"{axis}{i}"]) for i in range(int(self.cards[axis]), 0, -1))

    @property
    def _is_binary_table(self) -> bool:
        return self.cards.get("XTENSION") in ("BINTABLE", "A3DTABLE")


def walk_hdus(stream: BinaryIO) -> Iterator[Hdu]:
    """Yield the parts of a FITS file; whether their data are all there is for others to say.

    Parameters
    ----------
    stream : binary file
        Headers are read, not mapped: while a thread waits for the disk, others may run.

    Raises
    ------
    ValueError
        A header has no end, another BITPIX than the standard's, or a size below zero.

    Examples
    --------
    >>> from io import BytesIO
    >>> text = "SIMPLE  =                    T" + " " * 50
    >>> text += "BITPIX  =                    8" + " " * 50
    >>> text += "NAXIS   =                    0" + " " * 50 + "END"
    >>> [hdu.name for hdu in walk_hdus(BytesIO(text.ljust(2880).encode()))]
    ['PRIMARY']
    """
    start = 0
    while header := _header(stream, start):
        cards = _cards(header)
        n_bytes = -(-_data_bytes(cards) // _BLOCK) * _BLOCK
        start += len(header)
        yield Hdu(header, cards, start, n_bytes)
        start += n_bytes


def _header(stream: BinaryIO, start: int) -> bytes:
    """Return the header that begins at a byte; empty where none begins."""
    stream.seek(start)
    blocks = [stream.read(_BLOCK)]
    if not blocks[0].startswith(_STARTS):
        return b""
    while not _END.match(blocks[-1]):
        blocks.append(stream.read(_BLOCK))
        if not blocks[-1]:
            raise EOFError("a header has no end")
    return b"".join(blocks)


def _cards(header: bytes) -> Cards:
    cards: Cards = {}
    for at in range(0, len(header.rstrip()), _CARD):
        match = _STORAGE.match(header, at, at + _CARD)
        if match:
            name = match.group(1).decode()
            cards.setdefault(name, _value(name, match.group(2), match.group(3)))
    return cards


def _value(name: str, text: bytes | None, other: bytes | None) -> str | float | bool:
    if _SIZES.fullmatch(name):
        said = (other or text or b"").decode("ascii", "replace").strip()
        try:
            return int(said)
        except ValueError:
            raise ValueError(f"{name} is {said!r}, expected a whole number") from None
    if text is not None:
        return text.decode("ascii", "replace").replace("''", "'").rstrip()
    said = (other or b"").decode("ascii", "replace").strip()
    if said in ("T", "F"):
        return said == "T"
    number = float(said.replace("D", "E"))
    return int(number) if number.is_integer() else number


def _data_bytes(cards: Cards) -> int:
    """Return how many bytes of data a header announces, without the filling of the last block."""
    if cards.get("BITPIX") not in _BITS:
        raise ValueError(f"BITPIX is {cards.get('BITPIX')}, expected one of {sorted(_BITS)}")
    if not 0 <= cards.get("NAXIS", -1) <= _MAX_AXES:
        raise ValueError(f"NAXIS is {cards.get('NAXIS')}, expected 0 to {_MAX_AXES}")
    names = [f"NAXIS{axis}" for axis in range(1, cards["NAXIS"] + 1)]
    for name in (*names, *({"PCOUNT", "GCOUNT"} & cards.keys())):
        if cards.get(name, -1) < 0:
            raise ValueError(f"{name} is {cards.get(name)}, expected 0 or more")
    n_elements = prod(cards[name] for name in names) if names else 0
    n_elements = (n_elements + cards.get("PCOUNT", 0)) * cards.get("GCOUNT", 1)
    return n_elements * abs(cards["BITPIX"]) // 8
