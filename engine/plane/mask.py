"""Which of N rows: one bit a row, 2.8 MB for 22.5 million, with the algebra of sets.

Compiled functions here call none of another file: numba's disk cache would keep what that file
said before it changed.
"""

import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

WORD = 64
Words = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Mask:
    """A set of the rows 0 to N - 1.

    Parameters
    ----------
    words : (ceil(N / 64),) uint64
        Bit i of word w stands for row 64 w + i; bits beyond N are 0.
    n_rows : int
        N.

    Examples
    --------
    >>> import numpy as np
    >>> even, low = Mask.of_bools(np.arange(9) % 2 == 0), Mask.of_bools(np.arange(9) < 4)
    >>> (even & low).rows().tolist(), (even - low).count, (~even | low).count
    ([0, 2], 3, 6)
    """

    words: Words
    n_rows: int

    @classmethod
    def none(cls, n_rows: int) -> "Mask":
        """Return the mask of no row."""
        return cls(np.zeros(_n_words(n_rows), np.uint64), n_rows)

    @classmethod
    def all(cls, n_rows: int) -> "Mask":
        """Return the mask of every row."""
        return ~cls.none(n_rows)

    @classmethod
    def of_bools(cls, bools: NDArray[np.bool_]) -> "Mask":
        """Return the mask of the true ones among (N,) booleans."""
        words = np.zeros(_n_words(len(bools)), np.uint64)
        packed = np.packbits(bools, bitorder="little")
        words.view(np.uint8)[: len(packed)] = packed
        return cls(words, len(bools))

    @classmethod
    def of_rows(cls, rows: NDArray[np.integer], n_rows: int) -> "Mask":
        """Return the mask of row numbers, (M,) in any order, each below `n_rows`."""
        words = np.zeros(_n_words(n_rows), np.uint64)
        _set_bits(words, np.ascontiguousarray(rows, np.int64))
        return cls(words, n_rows)

    @classmethod
    def unpack(cls, packed: bytes, n_rows: int) -> "Mask":
        """Undo `pack`; ValueError when the bytes are not those of a mask of N rows."""
        n_bytes = 8 * _n_words(n_rows)
        try:
            # They may come from a stranger: a few bytes can stand for more than the memory holds.
            content = zlib.decompressobj().decompress(packed, n_bytes + 1)
            words = np.frombuffer(content, np.uint64).copy()
        except (zlib.error, ValueError) as error:
            raise ValueError(f"no packed mask: {error}") from None
        if len(words) != _n_words(n_rows) or (words & ~cls.all(n_rows).words).any():
            raise ValueError(f"the packed mask is not one of {n_rows} rows")
        return cls(words, n_rows)

    def pack(self) -> bytes:
        """Return the mask compressed: rows of a lasso lie together, and take little room."""
        return self._packed

    @cached_property
    def _packed(self) -> bytes:
        return zlib.compress(self.words, 1)

    @cached_property
    def key(self) -> bytes:
        """Return 16 bytes that are the same for the same rows and differ for any others."""
        # Processors have instructions for this one: a third of the time of others.
        digest = hashlib.sha256(self.words)
        digest.update(self.n_rows.to_bytes(8, "little"))
        return digest.digest()[:16]

    @cached_property
    def count(self) -> int:
        """Return how many rows are in the mask."""
        return int(np.bitwise_count(self.words).sum(dtype=np.int64))

    def bools(self) -> NDArray[np.bool_]:
        """Return (N,) booleans."""
        bits = np.unpackbits(self.words.view(np.uint8), count=self.n_rows, bitorder="little")
        return bits.view(np.bool_)

    def rows(self) -> NDArray[np.int64]:
        """Return the row numbers, (M,) sorted."""
        found = np.empty(self.count, np.int64)
        _list_bits(self.words, found)
        return found

    def sample(self, n_most: int) -> NDArray[np.int64]:
        """Return at most so many rows, (M,) sorted: evenly spaced among all of the mask.

        Rows are in map order, so they come from every part of it. No more rows are listed.

        Raises
        ------
        ValueError
            When `n_most` is less than 1.

        Examples
        --------
        >>> Mask.all(1_000).sample(4).tolist(), Mask.all(3).sample(4).tolist()
        ([0, 333, 666, 999], [0, 1, 2])
        """
        if n_most < 1:
            raise ValueError(f"n_most must be at least 1, got {n_most}")
        if self.count <= n_most:
            return self.rows()
        ranks = np.linspace(0, self.count - 1, n_most).astype(np.int64)
        found = np.empty(n_most, np.int64)
        _list_ranks(self.words, ranks, found)
        return found

    def has(self, rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Return which of some rows, (M,), are in the mask."""
        index = np.asarray(rows).astype(np.uint64)
        words = self.words[index >> np.uint64(6)]
        return (words >> (index & np.uint64(63))) & np.uint64(1) == 1

    def __and__(self, other: "Mask") -> "Mask":
        return Mask(self.words & other.words, self.n_rows)

    def __or__(self, other: "Mask") -> "Mask":
        return Mask(self.words | other.words, self.n_rows)

    def __sub__(self, other: "Mask") -> "Mask":
        return Mask(self.words & ~other.words, self.n_rows)

    def __invert__(self) -> "Mask":
        words = ~self.words
        beyond = len(words) * WORD - self.n_rows
        if beyond:
            words[-1] &= np.uint64((1 << (WORD - beyond)) - 1)
        return Mask(words, self.n_rows)

    def equals(self, other: "Mask") -> bool:
        """Return whether both are the same rows of as many."""
        return self.n_rows == other.n_rows and np.array_equal(self.words, other.words)


def _n_words(n_rows: int) -> int:
    return -(-n_rows // WORD)


@numba.njit(nogil=True, cache=True)
def _set_bits(words: Words, rows: NDArray[np.int64]) -> None:
    for i in range(len(rows)):
        row = np.uint64(rows[i])
        words[row >> np.uint64(6)] |= np.uint64(1) << (row & np.uint64(63))


@numba.njit(nogil=True, cache=True)
def _list_bits(words: Words, found: NDArray[np.int64]) -> None:
    n_found = 0
    for w in range(len(words)):
        word = words[w]
        if word == 0:
            continue
        for bit in range(64):
            if (word >> np.uint64(bit)) & np.uint64(1):
                found[n_found] = 64 * w + bit
                n_found += 1


@numba.njit(nogil=True, cache=True)
def _list_ranks(words: Words, ranks: NDArray[np.int64], found: NDArray[np.int64]) -> None:
    """Find the rows that have so many of the mask before them; ranks rise."""
    n_found, n_before = 0, 0
    for w in range(len(words)):
        left, n_here = words[w], 0
        while left:
            left &= left - np.uint64(1)
            n_here += 1
        seen, bit = n_before, 0
        while n_found < len(ranks) and ranks[n_found] < n_before + n_here:
            if (words[w] >> np.uint64(bit)) & np.uint64(1):
                if seen == ranks[n_found]:
                    found[n_found] = 64 * w + bit
                    n_found += 1
                seen += 1
            bit += 1
        n_before += n_here
