"""What all sources that are one file have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .damage import refuse_damage
from .imagerows import Rows
from .spectrum import SpectrumBatch


class FileSource(ABC):
    """A `SpectrumSource` of one file; a reader says how rows are read.

    Parameters
    ----------
    path : Path
        The file.
    kind : str
        See `SpectrumSource`.
    n_objects : int
        Number of objects in the file.
    """

    def __init__(self, path: Path, kind: str, n_objects: int) -> None:
        self.path = path
        self.kind = kind
        self.group = ""
        self.notes: tuple[str, ...] = ()
        self.simulation: tuple[int, int] | None = None  # (generator version, seed)
        self._n_objects = n_objects
        self._is_open = True

    def __len__(self) -> int:
        return self._n_objects

    def batches(self, size: int = 256) -> Iterator[SpectrumBatch]:
        """Yield all objects in file order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(range(start, min(start + size, len(self))))

    def read(self, rows: Sequence[int]) -> SpectrumBatch:
        """Read the given rows only, in the given order.

        Raises
        ------
        ValueError
            When the source is closed.
        IndexError
            When a row is not in the file.
        InputError
            When the file is damaged.
        """
        if not self._is_open:
            raise ValueError(f"{self.path.name} is closed")
        index = np.asarray(rows, dtype=np.intp).reshape(-1)
        outside = index[(index < 0) | (index >= len(self))]
        if len(outside):
            raise IndexError(f"{self.path.name} has {len(self)} objects, no row {outside[0]}")
        with refuse_damage(self.path):
            return self._read(index)

    def close(self) -> None:
        """Release the file; reading again raises ValueError."""
        if self._is_open:
            self._is_open = False
            self._release()

    @property
    @abstractmethod
    def target_ids(self) -> NDArray[np.int64]:
        """Return the ids of all objects in file order, (N,), without reading the spectra."""

    @abstractmethod
    def _read(self, index: NDArray[np.intp]) -> SpectrumBatch:
        """Read rows that are known to be in the file."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the open file; called once."""


def as_rows(index: NDArray[np.intp]) -> Rows:
    """Return (M,) neighbouring rows in rising order as a slice, which reads without a copy."""
    if len(index) and (np.diff(index) == 1).all():
        return slice(int(index[0]), int(index[-1]) + 1)
    return index
