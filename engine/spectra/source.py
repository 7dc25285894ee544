"""What every reader of spectra promises, whatever the survey and the file layout."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .spectrum import SpectrumBatch


class SpectrumSource(Protocol):
    """One file (or one simulated survey) of spectra, opened but not loaded.

    Opening checks the layout and raises `InputError` with one sentence when it is not what it
    should be, `NoSpectraError` when the file is recognised and holds no spectra.
    """

    path: Path
    kind: str  # "desi coadd", "desi spectra", "sdss spec", "lamost", "simulated"
    group: str  # what (survey, observation group) the objects belong to: see `schema.coadd_group`
    simulation: tuple[int, int] | None  # (generator version, seed) when a simulator made it
    notes: tuple[str, ...]  # sentences about what is missing or degraded, such as no redrock file

    def __len__(self) -> int:
        """Return the number of objects."""
        ...

    @property
    def target_ids(self) -> NDArray[np.int64]:
        """Return the ids of all objects in file order, (N,), without reading the spectra."""
        ...

    def batches(self, size: int = 256) -> Iterator[SpectrumBatch]:
        """Yield all objects in file order, at most `size` at a time."""
        ...

    def read(self, rows: Sequence[int]) -> SpectrumBatch:
        """Read the given rows only, in the given order, without loading the file."""
        ...

    def close(self) -> None:
        """Release the file; reading again raises ValueError."""
        ...


@dataclass(frozen=True)
class ObjectKey:
    """Where the spectrum of one catalog object is: what a store row says of its source.

    A catalog made elsewhere says nothing of files, and a survey simulated on the way has none.
    """

    target_id: int
    source_file: str | None
    row_in_file: int | None


class SpectrumArchive(Protocol):
    """Random access to the spectra behind a catalog, whatever files hold them."""

    def read(self, keys: Sequence[ObjectKey]) -> SpectrumBatch:
        """Read the spectra of the given objects, in the given order.

        Raises `InputError` when a file is missing, changed, or holds another object at that row.
        """
        ...

    def close(self) -> None:
        """Release every open file."""
        ...
