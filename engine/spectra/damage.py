"""What a damaged file may do to those who read it: be refused in one sentence, nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ExplorerError, InputError

_BLOCK, _CARD = 2880, 80
_MAX_AXES = 999  # FITS standard 4.0, section 4.4.1
_BITS = {8, 16, 32, 64, -32, -64}
_STRUCTURE = re.compile(rb"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT) *=([^/]*)")


@contextmanager
def refuse_damage(path: Path) -> Iterator[None]:
    """Turn whatever reading a damaged file raises into one sentence.

    Any byte of a header may be wrong, and astropy and numpy answer with nearly any exception. What
    is already said in a sentence passes, and so do want of memory and an interrupt.

    Raises
    ------
    InputError
        When the body raises another exception than those.
    """
    try:
        yield
    except (ExplorerError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # of the machine
            raise InputError(
                f"{path.name} cannot be read ({error.strerror}): try again, or fetch it again."
            ) from error
        said = " ".join(str(error).split()).rstrip(".")
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        raise InputError(f"{path.name} is damaged ({what}): fetch it again.") from error


def check_structure(content: NDArray[np.uint8]) -> None:
    """Check what the headers of a FITS file say of its layout, before anybody believes it.

    astropy takes seconds over an image of negative size, and numpy knows no 82-bit number.

    Parameters
    ----------
    content : (n,) uint8
        The bytes of the file. Where it is cut short the check ends: that is for others to say.

    Raises
    ------
    ValueError
        When a header has another BITPIX than the standard's, or a size below zero.
    """
    start = 0
    while start < len(content):
        header, start = _header(content, start)
        cards = _structure_of(header)
        if header[:8] not in (b"SIMPLE  ", b"XTENSION") or "NAXIS" not in cards:
            return
        start += -(-_data_bytes(cards) // _BLOCK) * _BLOCK


def _header(content: NDArray[np.uint8], start: int) -> tuple[bytes, int]:
    """Return the header that begins at a byte, and where its data begin."""
    blocks = []
    for first in range(start, len(content), _BLOCK):
        block = content[first : first + _BLOCK].tobytes()
        blocks.append(block)
        ends = any(block[at : at + 8] == b"END     " for at in range(0, len(block), _CARD))
        if ends or (first == start and block[:8] not in (b"SIMPLE  ", b"XTENSION")):
            break
    return b"".join(blocks), start + len(blocks) * _BLOCK


def _structure_of(header: bytes) -> dict[str, int]:
    """Return the structure cards of a header; of several equal ones the first counts."""
    cards: dict[str, int] = {}
    for at in range(0, len(header), _CARD):
        match = _STRUCTURE.match(header[at : at + _CARD])
        if match:
            name, value = match.group(1).decode(), match.group(2)
            try:
                cards.setdefault(name, int(value))
            except ValueError:
                said = value.decode("ascii", "replace").strip()
                raise ValueError(f"{name} is {said!r}, expected a whole number") from None
    return cards


def _data_bytes(cards: dict[str, int]) -> int:
    """Return how many bytes of data a header announces, without the filling of the last block."""
    if cards.get("BITPIX") not in _BITS:
        raise ValueError(f"BITPIX is {cards.get('BITPIX')}, expected one of {sorted(_BITS)}")
    if not 0 <= cards["NAXIS"] <= _MAX_AXES:
        raise ValueError(f"NAXIS is {cards['NAXIS']}, expected 0 to {_MAX_AXES}")
    names = [f"NAXIS{axis}" for axis in range(1, cards["NAXIS"] + 1)]
    for name in (*names, *({"PCOUNT", "GCOUNT"} & cards.keys())):
        if cards.get(name, -1) < 0:
            raise ValueError(f"{name} is {cards.get(name)}, expected 0 or more")
    n_elements = prod(cards[name] for name in names) if names else 0
    n_elements = (n_elements + cards.get("PCOUNT", 0)) * cards.get("GCOUNT", 1)
    return n_elements * abs(cards["BITPIX"]) // 8
