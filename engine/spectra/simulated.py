"""The simulated survey as a source and as an archive of spectra, without any file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey

from .source import ObjectKey, SpectrumSource
from .spectrum import SpectrumBatch


class SimulatedSource(SpectrumSource):
    """The first objects of a simulated survey, in the order of their survey index.

    Parameters
    ----------
    survey : SimulatedSurvey
        Which survey.
    n_objects : int
        How many of its objects; InputError when it does not hold so many.
    """

    kind = "simulated"

    def __init__(self, survey: SimulatedSurvey, n_objects: int) -> None:
        self._target_ids = survey.target_ids(n_objects)
        self._survey = survey
        self._is_open = True
        self.path = Path(f"simulated-{survey.version}-{survey.seed}")
        self.simulation = (survey.version, survey.seed)
        self.group = f"simulated/{survey.version}/{survey.seed}"
        self.notes = ("Simulated spectra: made by a program, not by a telescope.",)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self._target_ids)

    @property
    def target_ids(self) -> NDArray[np.int64]:
        """Return the ids of all objects in survey order, (N,)."""
        return self._target_ids

    def batches(self, size: int = 256) -> Iterator[SpectrumBatch]:
        """Yield all objects in survey order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(range(start, min(start + size, len(self))))

    def read(self, rows: Sequence[int]) -> SpectrumBatch:
        """Make the spectra of the given survey rows, in the given order.

        Raises InputError for a row outside the survey and ValueError after `close`.
        """
        if not self._is_open:
            raise ValueError("the simulated source is closed")
        wrong = [row for row in rows if not 0 <= row < len(self)]
        if wrong:
            raise InputError(
                f"Row {wrong[0]} was asked of a simulated survey of {len(self)} objects: "
                f"ask for rows 0 to {len(self) - 1}."
            )
        return self._survey.spectra(self._target_ids[list(rows)])

    def close(self) -> None:
        """Forget the survey; reading again raises ValueError."""
        self._is_open = False


class SimulatedArchive:
    """Random access to the spectra of a simulated survey by TARGETID; it needs no files."""

    def __init__(self, survey: SimulatedSurvey) -> None:
        self.survey = survey

    def read(self, keys: Sequence[ObjectKey]) -> SpectrumBatch:
        """Make the spectra of the given objects, in the given order.

        Raises InputError when one of them is no object of this survey.
        """
        return self.survey.spectra([key.target_id for key in keys])

    def close(self) -> None:
        """Release nothing: there are no files."""
