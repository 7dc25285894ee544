"""A catalog of a simulated survey: spectra made, scored and forgotten, none kept on disk."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import torch

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.model.card import simulated_name
from anomaly_explorer.engine.model.network import best_device
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey

from .atomic import replace_file
from .batch import BatchTask, plan_digest, write_batch
from .crew import small_products
from .plan import DEFAULT_BATCH_ROWS, Input, ScanPlan
from .rows import prepare_part, score_parts
from .scorer import Scorer

# Spectra of a task of one thread, and of a rendering: 2,048 inputs are 4 MB, 128 spectra 12 MB.
TASK_ROWS, RENDER_ROWS = 2048, 128
_NOTE = "Simulated spectra: made by a program, not by a telescope; none is kept on disk."


def plan_simulation(
    survey: SimulatedSurvey, n_objects: int, batch_rows: int = DEFAULT_BATCH_ROWS
) -> ScanPlan:
    """Plan the batches of the first objects of a survey; its inputs are ranges of survey indices.

    Parameters
    ----------
    survey : SimulatedSurvey
    n_objects : int
        How many, from the first.
    batch_rows : int
        Rows of a batch.

    Raises
    ------
    InputError
        The survey is smaller than that.
    """
    survey.target_ids(n_objects)
    batches = []
    for first in range(0, n_objects, batch_rows):
        n = min(batch_rows, n_objects - first)
        batches.append((_range_input(survey, range(first, first + n)),))
    return ScanPlan(Path(), tuple(batches), ())


def _range_input(survey: SimulatedSurvey, indices: range) -> Input:
    name = f"simulated-{survey.version}-{survey.seed}/{indices.start}-{indices.stop}"
    return Input(
        path=name,
        kind="simulated",
        group=name,
        n_objects=len(indices),
        fingerprint=name,
        simulation=(survey.version, survey.seed),
        notes=() if indices.start else (_NOTE,),
    )


class Simulator:
    """A crew that makes spectra instead of reading them: see `crew.Crew`.

    Parameters
    ----------
    survey : SimulatedSurvey
    scorer : Scorer
    device : torch.device, optional
        Default: the best there is.
    n_threads : int
        Threads that make and score spectra; their compiled loops do not wait for each other.
    """

    def __init__(
        self,
        survey: SimulatedSurvey,
        scorer: Scorer,
        device: torch.device | None = None,
        n_threads: int = 2,
    ) -> None:
        self._survey, self._scorer, self._n_threads = survey, scorer, n_threads
        self._device = device or best_device()
        self._network = scorer.model.network.to(self._device)
        self._survey_name = simulated_name(survey.version, survey.seed)

    def make(self, tasks: Sequence[BatchTask], advance: Callable[[int], None]) -> None:
        """Make every batch, in order, and tell how many objects were done since last time."""
        with small_products(), ThreadPoolExecutor(self._n_threads) as pool:
            for task in tasks:
                self._make_one(task, pool, advance)

    def _make_one(
        self, task: BatchTask, pool: ThreadPoolExecutor, advance: Callable[[int], None]
    ) -> None:
        first, last = task.inputs[0].path.rsplit("/", 1)[1].split("-")

        def write(temporary: Path) -> None:
            tables = self._tables(range(int(first), int(last)), pool, advance)
            write_batch(temporary, tables)
            if plan_digest(Path(task.catalog)) != task.plan_digest:
                raise StoreError(
                    f"{task.catalog} has another plan than when this run began: run again"
                )

        replace_file(task.path, write)

    def _tables(
        self, indices: range, pool: ThreadPoolExecutor, advance: Callable[[int], None]
    ) -> Iterator[pa.Table]:
        """Yield the rows of a batch in survey order, while the threads work ahead."""
        waiting: deque[Future[pa.Table]] = deque()
        for first in range(indices.start, indices.stop, TASK_ROWS):
            part = range(first, min(first + TASK_ROWS, indices.stop))
            waiting.append(pool.submit(self._score, part))
            if len(waiting) > 16 * self._n_threads:
                table = waiting.popleft().result()
                advance(len(table))
                yield table
        for future in waiting:
            table = future.result()
            advance(len(table))
            yield table

    def _score(self, indices: range) -> pa.Table:
        parts = [
            prepare_part(batch, self._scorer, self._survey_name)
            for batch in self._survey.stream(indices, RENDER_ROWS)
        ]
        return pa.concat_tables(score_parts(parts, self._network, self._scorer, self._device))
