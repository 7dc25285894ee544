"""What every reader of spectra promises, whatever the survey and the file layout."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from .spectrum import SpectrumBatch


class SpectrumSource(Protocol):
    """One file (or one simulated survey) of spectra, opened but not loaded.

    Opening checks the layout and raises `InputError` with one sentence when it is not what it
    should be, `NoSpectraError` when the file is recognised and holds no spectra.
    """

    path: Path
    kind: str  # "desi coadd", "desi spectra", "sdss spec", "lamost", "simulated"
    group: str  # what (survey, observation group) the objects belong to: see `schema.coadd_group`

    def __len__(self) -> int:
        """Return the number of objects."""
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
