"""Spectra as they lie in a file: words of 32 bits, not yet in the machine's byte order.

What a scan makes of pixels is 16 times smaller: to copy them into arrays first would take longer
than to bin them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import Arm
from .spectrum import SpectrumBatch


@dataclass(frozen=True)
class StoredRows:
    """Rows of an image of 32-bit numbers.

    Parameters
    ----------
    words : (M, n) uint32
        One word for each pixel as the file has it; made read-only, as a mapped file is.
    is_swapped : bool
        Whether the bytes of a word are in the other order than the machine's.
    flipped : int
        Bits that the file has flipped: 2³¹ of unsigned integers, which FITS stores as signed ones.

    Examples
    --------
    >>> rows = StoredRows(np.array([[0x05000080]], dtype=np.uint32), True, 1 << 31)
    >>> bool(rows.word_of(5) == rows.words[0, 0])
    True
    """

    words: NDArray[np.uint32]
    is_swapped: bool = False
    flipped: int = 0

    def __post_init__(self) -> None:
        words = np.ascontiguousarray(self.words).view()
        words.flags.writeable = False  # so that compiled loops know one type of array only
        object.__setattr__(self, "words", words)

    def __len__(self) -> int:
        return len(self.words)

    def take(self, index: NDArray[np.intp]) -> "StoredRows":
        """Return the rows at the given positions, in that order."""
        return StoredRows(self.words[index], self.is_swapped, self.flipped)

    def floats(self) -> NDArray[np.float32]:
        """Return the rows as numbers of the machine, (M, n), where they are floats.

        >>> as_stored(np.array([[1.5]]), np.float32).floats().tolist()
        [[1.5]]
        """
        words = self.words.byteswap() if self.is_swapped else self.words
        words.flags.writeable = False  # as the words are, for the same reason
        return words.view(np.float32)

    def word_of(self, value: int) -> np.uint32:
        """Return how an integer stands in the file."""
        word = np.uint32(value ^ self.flipped)
        return word.byteswap() if self.is_swapped else word


def as_stored(values: NDArray[Any], dtype: type[np.float32 | np.uint32]) -> StoredRows:
    """Return (M, n) values as rows of words of that type, without a copy where they have it."""
    return StoredRows(np.ascontiguousarray(values, dtype).view(np.uint32))


@dataclass(frozen=True)
class StoredBatch:
    """N spectra as `SpectrumBatch` has them, their pixels as they lie in the file.

    Parameters
    ----------
    arms : mapping of Arm to tuple of StoredRows
        Flux (float32), ivar (float32) and mask (uint32) of the arm, each (N, n).
    columns : mapping of str to (N,) array
        See `SpectrumBatch`.
    """

    arms: Mapping[Arm, tuple[StoredRows, StoredRows, StoredRows]]
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.arms[Arm.BLUE][0])

    def take(self, rows: NDArray[np.intp]) -> "StoredBatch":
        """Return the spectra at the given positions, in that order."""
        return StoredBatch(
            {arm: tuple(image.take(rows) for image in images) for arm, images in self.arms.items()},
            {name: values[rows] for name, values in self.columns.items()},
        )


def stored_rows(
    batch: SpectrumBatch | StoredBatch, arm: Arm
) -> tuple[StoredRows, StoredRows, StoredRows]:
    """Return flux, ivar and mask of an arm as compiled loops take them, (N, n) words each."""
    if isinstance(batch, StoredBatch):
        return batch.arms[arm]
    return (
        as_stored(batch.flux[arm], np.float32),
        as_stored(batch.ivar[arm], np.float32),
        as_stored(batch.mask[arm], np.uint32),
    )
