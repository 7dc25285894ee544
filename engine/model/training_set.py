"""What the autoencoder is trained on: model inputs of science targets, with their ids."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.scan.plan import make_plan
from anomaly_explorer.engine.scan.worker import training_survey_of
from anomaly_explorer.engine.scoring.gate import SCIENCE, gate_objects
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, BinGrid
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .card import simulated_name
from .preprocess import prepare_input

Progress = Callable[[int, int], None]
READ = 512
# A simulated survey has an anomaly among 25 science targets, so that there are some to be found. Of
# those met in training every fourth is kept: 1 %, unlabelled, as among the spectra of a benchmark.
_EVERY = 4


@dataclass(frozen=True)
class TrainingSet:
    """Spectra to train on.

    Parameters
    ----------
    normalized_flux : (T, B) float32
    target_ids : (T,) int64
    survey : str
        As model cards name it.
    grid : BinGrid
    """

    normalized_flux: NDArray[np.float32]
    target_ids: NDArray[np.int64]
    survey: str
    grid: BinGrid


def simulated_blocks(
    seed: int, n_objects: int, progress: Progress | None = None
) -> tuple[str, Iterator[SpectrumBatch]]:
    """Return the name of a simulated survey and its first spectra, block by block.

    Three of four anomalies are left out.
    """
    survey = SimulatedSurvey(seed)
    ids = survey.target_ids(n_objects)
    is_odd = survey.injected_types(ids) != ""
    ids = ids[~is_odd | (np.cumsum(is_odd) % _EVERY == 0)]
    blocks = (survey.spectra(ids[start : start + READ]) for start in range(0, len(ids), READ))
    return simulated_name(survey.version, seed), _counted(blocks, len(ids), progress)


def file_blocks(
    paths: Sequence[Path], progress: Progress | None = None
) -> tuple[str, Iterator[SpectrumBatch]]:
    """Return the name of the survey that files are of, and their spectra, block by block.

    Raises
    ------
    InputError
        The files are of several surveys.
    """
    plan = make_plan(paths)
    surveys = {training_survey_of(spectra) for spectra in plan.inputs}
    if len(surveys) > 1:
        raise InputError(f"train on one survey at a time, these are {', '.join(sorted(surveys))}")
    total = sum(spectra.n_scanned for spectra in plan.inputs)

    def blocks() -> Iterator[SpectrumBatch]:
        for spectra in plan.inputs:
            wanted = np.setdiff1d(np.arange(spectra.n_objects), spectra.without_rows)
            source = open_source(plan.root / spectra.path)
            try:
                for start in range(0, len(wanted), READ):
                    yield source.read(wanted[start : start + READ])
            finally:
                source.close()

    return surveys.pop(), _counted(blocks(), total, progress)


def simulated_set(seed: int, n_objects: int, progress: Progress | None = None) -> TrainingSet:
    """Make simulated spectra and keep the science targets among them.

    Parameters
    ----------
    seed : int
        Seed of the survey; choose another for the spectra to be scored.
    n_objects : int
        Objects to draw from; about four in five are science targets, and of the anomalies three
        in four are left out.
    progress : callable, optional
        Called with (done, total).
    """
    return _gather(*simulated_blocks(seed, n_objects, progress))


def files_set(paths: Sequence[Path], progress: Progress | None = None) -> TrainingSet:
    """Read files of spectra of one survey and keep the science targets.

    Raises
    ------
    InputError
        The files are of several surveys, or hold fewer than ten science targets.
    """
    return _gather(*file_blocks(paths, progress))


def _counted(
    blocks: Iterable[SpectrumBatch], total: int, progress: Progress | None
) -> Iterator[SpectrumBatch]:
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        if progress is not None:
            progress(done, total)


def _gather(survey: str, blocks: Iterable[SpectrumBatch]) -> TrainingSet:
    fluxes: list[NDArray[np.float32]] = []
    ids: list[NDArray[np.int64]] = []
    for block in blocks:
        model_input = prepare_input(block, COMPATIBLE_GRID)
        population, _ = gate_objects(block.columns, model_input.coverage)
        chosen = population == SCIENCE
        fluxes.append(model_input.normalized_flux[chosen])
        ids.append(np.asarray(block.columns["target_id"], dtype=np.int64)[chosen])
    n = sum(len(part) for part in ids)
    if n < 10:
        raise InputError(f"only {n} science targets to train on: at least 10 are needed")
    return TrainingSet(np.concatenate(fluxes), np.concatenate(ids), survey, COMPATIBLE_GRID)
