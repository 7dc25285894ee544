"""What a measurer is learnt from: science targets of one survey, and its sky fibers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.model.training_set import Progress, file_blocks, simulated_blocks
from anomaly_explorer.engine.model.weighing import WeighedInput, weigh_bins
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .gate import SCIENCE, gate_objects, is_sky_fiber
from .known import Known

# What the pipeline says of objects: columns of which a file may lack some.
_KNOWN = ("target_id", "spectype", "subtype", "redshift")
MIN_SPECTRA = 100


@dataclass(frozen=True)
class Lessons:
    """Spectra to learn from.

    Parameters
    ----------
    spectra : WeighedInput
        N science targets.
    known : Known
        Of the same.
    target_ids : (N,) int64
    sky : WeighedInput
        Sky fibers.
    survey : str
        As model cards name it.
    """

    spectra: WeighedInput
    known: Known
    target_ids: NDArray[np.int64]
    sky: WeighedInput
    survey: str

    def take(self, rows: NDArray[np.integer]) -> "Lessons":
        """Return some of the science targets, given by their (K,) places, and all sky fibers."""
        return Lessons(
            self.spectra.take(rows), self.known.take(rows), self.target_ids[rows], self.sky,
            self.survey,
        )  # fmt: skip


def simulated_lessons(seed: int, n_objects: int, progress: Progress | None = None) -> Lessons:
    """Make the first objects of a simulated survey; four in five are science targets.

    Raises
    ------
    InputError
        Fewer than 100 are science targets.
    """
    return _gather(*simulated_blocks(seed, n_objects, progress))


def file_lessons(paths: Sequence[Path], progress: Progress | None = None) -> Lessons:
    """Read files of spectra of one survey.

    Raises
    ------
    InputError
        The files are of several surveys, or hold fewer than 100 science targets with a class.
    """
    return _gather(*file_blocks(paths, progress))


def _gather(survey: str, blocks: Iterable[SpectrumBatch]) -> Lessons:
    spectra: list[WeighedInput] = []
    sky: list[WeighedInput] = []
    facts: list[dict[str, NDArray[Any]]] = []
    for block in blocks:
        coverage = prepare_input(block, COMPATIBLE_GRID).coverage
        weighed = weigh_bins(block, COMPATIBLE_GRID)
        population, _ = gate_objects(block.columns, coverage)
        has_class = np.asarray(block.columns.get("spectype", np.full(len(block), "")), str) != ""
        chosen = np.flatnonzero((population == SCIENCE) & has_class)
        spectra.append(weighed.take(chosen))
        sky.append(weighed.take(np.flatnonzero(is_sky_fiber(block.columns, coverage))))
        facts.append({n: block.columns[n][chosen] for n in _KNOWN if n in block.columns})
    n = sum(map(len, spectra))
    if n < MIN_SPECTRA:
        raise InputError(
            f"only {n} science targets with a class to learn from: {MIN_SPECTRA} are needed"
        )
    # A class asks for a redshift file: of a file without one nothing was chosen.
    facts = [part for part in facts if len(part["target_id"])]
    names = [name for name in _KNOWN if all(name in part for part in facts)]
    joined = {name: np.concatenate([part[name] for part in facts]) for name in names}
    return Lessons(
        spectra[0].joined(*spectra[1:]), Known.of_columns(joined),
        joined["target_id"].astype(np.int64), sky[0].joined(*sky[1:]), survey,
    )  # fmt: skip
