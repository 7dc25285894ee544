"""Spectra to judge a score by, with what is true of them; drawn from a simulated survey.

A survey has few anomalies of each type. Which objects carry which is drawn before anything is
rendered, so any number of each type costs only those.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.model.weighing import WeighedInput, weigh_bins
from anomaly_explorer.engine.scoring.figures import NORMAL, Labels
from anomaly_explorer.engine.scoring.gate import SCIENCE, gate_objects
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import signal_to_noise
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.population import INJECTED_TYPES
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .truth import Told

Progress = Callable[[int, int], None]
_BLOCK = 50_000  # objects drawn at once
_READ = 512  # spectra rendered at once


@dataclass(frozen=True)
class Sample:
    """Science targets of a survey whose truth is known, N of them.

    Parameters
    ----------
    weighed : WeighedInput
        What the noise-aware network sees.
    compatible : (N, B) float32
        What the compatible network sees.
    is_covered : (N, B) bool
        The bins of it that there are.
    known : Known
        Class and redshift by the pipeline.
    is_sure : (N,) bool
        Whether the pipeline warns of nothing.
    redshift : (N,) float64
        The true one, which the pipeline may have missed; NaN where nobody says.
    labels : Labels
        What was put in.
    pixels : PixelFindings
        What only they can tell.
    """

    weighed: WeighedInput
    compatible: NDArray[np.float32]
    is_covered: NDArray[np.bool_]
    known: Known
    is_sure: NDArray[np.bool_]
    redshift: NDArray[np.float64]
    labels: Labels
    pixels: PixelFindings

    def __len__(self) -> int:
        return len(self.known)

    def take(self, rows: NDArray[np.integer]) -> "Sample":
        """Return some of the spectra, given by their (K,) places."""
        values = (getattr(self, each.name) for each in fields(self))
        return Sample(*(v[rows] if isinstance(v, np.ndarray) else v.take(rows) for v in values))

    def joined(self, *others: "Sample") -> "Sample":
        """Return these spectra and others after them."""
        parts = [[getattr(each, of.name) for each in (self, *others)] for of in fields(self)]
        return Sample(*(
            np.concatenate(each) if isinstance(each[0], np.ndarray) else each[0].joined(*each[1:])
            for each in parts
        ))  # fmt: skip


def draw_sample(
    survey: SimulatedSurvey, n_normals: int, n_each: int, progress: Progress | None = None
) -> Sample:
    """Render science targets of a survey, normals first, then the anomalies type by type.

    The first of each kind in the survey are taken; the few that the gate holds back are missing.

    Parameters
    ----------
    survey : SimulatedSurvey
    n_normals, n_each : int
        Normal spectra, and anomalies of each type.
    progress : callable, optional
        Called with (done, total).
    """
    wanted = {NORMAL: n_normals, **dict.fromkeys(INJECTED_TYPES[1:], n_each)}
    found: dict[str, list[NDArray[np.int64]]] = {name: [] for name in wanted}
    for ids in _blocks(survey):
        ids = ids[survey.fiber_uses(ids) == identity.SCIENCE]
        types = survey.injected_types(ids)
        for name, parts in found.items():
            parts.append(ids[types == name][: wanted[name] - sum(map(len, parts))])
        if all(sum(map(len, found[name])) == n for name, n in wanted.items()):
            break
    return _render(survey, np.concatenate([part for parts in found.values() for part in parts]),
                   progress)  # fmt: skip


def draw_sky(survey: SimulatedSurvey, n: int) -> WeighedInput:
    """Render the first n sky fibers of a survey."""
    ids = np.zeros(0, np.int64)
    for block in _blocks(survey):
        ids = np.concatenate([ids, block[survey.fiber_uses(block) == identity.SKY]])[:n]
        if len(ids) == n:
            break
    parts = [weigh_bins(survey.spectra(part), COMPATIBLE_GRID) for part in _parts(ids)]
    return parts[0].joined(*parts[1:])


def _blocks(survey: SimulatedSurvey) -> Iterator[NDArray[np.int64]]:
    for start in range(0, identity.capacity(), _BLOCK):
        indices = np.arange(start, min(start + _BLOCK, identity.capacity()))
        yield identity.target_ids(survey.seed, survey.version, indices)


def _parts(ids: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(ids, -(-len(ids) // _READ) or 1)


def _render(survey: SimulatedSurvey, ids: NDArray[np.int64], progress: Progress | None) -> Sample:
    parts, done = [], 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for part in pool.map(lambda some: _render_part(survey, some), _parts(ids)):
            parts.append(part)
            done = min(done + _READ, len(ids))
            if progress is not None:
                progress(done, len(ids))
    return parts[0].joined(*parts[1:])


def _render_part(survey: SimulatedSurvey, ids: NDArray[np.int64]) -> Sample:
    batch, truth = survey.spectra_with_truth(ids)
    told = Told(truth["injected_type"], truth["strength"], truth["redshift"])
    return sample_of(batch, told.take)


def sample_of(batch: SpectrumBatch, tell: Callable[[NDArray[np.intp]], Told]) -> Sample:
    """Return the science targets among N spectra; asked of (K,) places, `tell` says the truth."""
    model_input = prepare_input(batch, COMPATIBLE_GRID)
    population, _ = gate_objects(batch.columns, model_input.coverage)
    rows = np.flatnonzero(population == SCIENCE)
    weighed = weigh_bins(batch, COMPATIBLE_GRID).take(rows)
    known = Known.of_columns(batch.columns)
    pixels = PixelFindings.of_batch(batch, known).take(rows)
    known, told = known.take(rows), tell(rows)
    snr = signal_to_noise(weighed)
    return Sample(
        weighed,
        model_input.normalized_flux[rows],
        model_input.is_covered[rows],
        known,
        np.asarray(batch.columns.get("redshift_warning", np.ones(len(batch))))[rows] == 0,
        told.redshift,
        Labels(told.injected, known.classes, snr, told.strength),
        pixels,
    )
