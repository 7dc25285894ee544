"""A crew of Dask workers: processes of this machine, or those of a scheduler somewhere.

A task travels as one JSON text and comes back as a number of objects or a sentence; the worker
reads the spectra, loads the model once from its weights file, and writes the batch itself. Dask
makes a batch again whose worker was lost. Whoever reaches a scheduler can run code on its workers:
local ones listen on 127.0.0.1 only, and a remote one belongs into a network that is trusted.
"""

import json
import logging
import signal
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import import_module
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import dask
import torch
from distributed import Client, Future, KilledWorker, LocalCluster, as_completed, wait
from distributed.utils import silence_logging_cmgr

from anomaly_explorer.engine.errors import ExplorerError, InputError, ModelError
from anomaly_explorer.engine.model.network import best_device

from .batch import BatchTask, make_batch
from .crew import Advance, small_products
from .plan import Input
from .scorer import Scorer

# Workers a batch may lose before it is given up; Dask's 3 are few where a queue preempts jobs.
ALLOWED_FAILURES = 10
# Times a batch is made again after an error nobody foresaw, such as a stale file handle of NFS.
RETRIES = 2
CONNECT_SECONDS = 20
MODULE = __name__
_PATHS = ("weights", "measurer")


@dataclass(frozen=True)
class WorkerSetup:
    """What every worker of a scan needs besides its tasks.

    Parameters
    ----------
    weights, measurer : Path
        Weights files of both networks, under the same paths on every worker.
    model_id, measurer_id : str
        Networks that the files must hold there.
    device : str, optional
        Where to run, such as ``cpu``; default: the best the worker has.
    """

    weights: Path
    measurer: Path
    model_id: str
    measurer_id: str
    device: str | None = None


class DaskCrew:
    """Workers reached through a Dask client.

    Parameters
    ----------
    client : Client
        Connected; the caller closes it.
    setup : WorkerSetup
    """

    def __init__(self, client: Client, setup: WorkerSetup) -> None:
        self._client = client
        self._setup = setup

    def make(self, tasks: Sequence[BatchTask], advance: Advance) -> None:
        """Make every batch; one that cannot be made does not keep the others from it.

        Raises
        ------
        ExplorerError
            One sentence about the first batch that could not be made, when the others are done.
        """
        self._check_workers()
        run = uuid.uuid4().hex  # keys are the scheduler's, which may serve other people too
        # In one message: tasks sent one by one escape the scheduler's queue, and a worker that dies
        # would take two batches with it.
        sent = self._client.map(
            run_task, [task_text(task, self._setup) for task in tasks],
            key=[f"scan-{task.number:04d}-{run}" for task in tasks], pure=False, retries=RETRIES,
        )  # fmt: skip
        futures = dict(zip(sent, tasks, strict=True))
        failures = []
        for future in as_completed(futures):
            task = futures[future]
            sentence = _what_failed(future, task)
            if sentence is None:
                advance(task.n_objects)
            else:
                failures.append(sentence)
            future.release()
        if failures:
            more = f" ({len(failures) - 1} more batches failed)" if len(failures) > 1 else ""
            raise ExplorerError(f"{failures[0]}{more}")

    def _check_workers(self) -> None:
        """Raise `InputError` when the first worker that answers cannot import the package.

        A worker that cannot even read a task closes its connection, and nobody learns why.
        """
        # A function of the standard library, so that any worker can read it.
        probe = self._client.submit(import_module, MODULE, pure=False)
        wait(probe)
        if probe.status == "error":
            error = probe.exception()
            raise InputError(
                f"a worker cannot import {MODULE} ({type(error).__name__}: {error}): install the "
                "same version of the package on every worker"
            )


def run_task(text: str) -> dict[str, Any]:
    """Make one batch on a worker.

    Parameters
    ----------
    text : str
        A task and a setup, as `task_text` writes them.

    Returns
    -------
    dict
        ``{"objects": n}``, or ``{"failure": sentence}`` for what no second try would mend.
    """
    task, setup = parse_task(text)
    device = torch.device(setup.device) if setup.device else best_device()
    try:
        scorer = _scorer_of(setup)
        with small_products():
            make_batch(task, scorer, device)
    except ExplorerError as error:
        return {"failure": str(error)}
    return {"objects": task.n_objects}


@lru_cache(maxsize=1)
def _scorer_of(setup: WorkerSetup) -> Scorer:
    """Load both networks once in the life of a worker."""
    scorer = Scorer.load(setup.weights, setup.measurer)
    for path, expected, card in (
        (setup.weights, setup.model_id, scorer.cards.model),
        (setup.measurer, setup.measurer_id, scorer.cards.measurer),
    ):
        if card.model_id != expected:
            raise ModelError(
                f"{path} holds model {card.model_id} on a worker, expected {expected}: "
                "give every worker the same file"
            )
    return scorer


@contextmanager
def local_crew(n_workers: int, setup: WorkerSetup) -> Iterator[DaskCrew]:
    """Start worker processes on this machine, and stop them at the end.

    Parameters
    ----------
    n_workers : int
        Processes; each reads in one thread and scores in another.
    setup : WorkerSetup
    """
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        # A batch waits at the scheduler, so that a worker's end is held against its own one only.
        "distributed.scheduler.worker-saturation": 1.0,
        # None means a web server for all the world on port 8787; these serve nothing.
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        # A busy machine may answer late.
        "distributed.comm.timeouts.connect": "60s",
    }
    with (
        dask.config.set(settings),
        _without_interrupts(),
        LocalCluster(
            n_workers=n_workers, threads_per_worker=1, processes=True, host="127.0.0.1",
            dashboard_address="127.0.0.1:0", worker_dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False}, memory_limit=0, silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
        _interrupts(),
    ):  # fmt: skip
        yield DaskCrew(client, setup)


@contextmanager
def scheduler_crew(address: str, setup: WorkerSetup) -> Iterator[DaskCrew]:
    """Use the workers of a running scheduler.

    Parameters
    ----------
    address : str
        Such as ``tcp://node7:8786``.
    setup : WorkerSetup

    Raises
    ------
    InputError
        Nothing answers there.
    """
    try:
        client = Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler`, "
            "or scan with --workers"
        ) from None
    # What Dask logs of a lost connection is said in one sentence by `make`.
    with silence_logging_cmgr(logging.CRITICAL), client:
        yield DaskCrew(client, setup)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Block Ctrl+C for the threads and processes started inside: it is for the client alone.

    The mask is inherited, also by workers that take the place of killed ones; the first process
    that multiprocessing starts would clear it, unless its tracker runs already.
    """
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupts() -> Iterator[None]:
    """Let Ctrl+C through to this thread."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def task_text(task: BatchTask, setup: WorkerSetup) -> str:
    """Return the text that travels to a worker: see `parse_task`."""
    paths = {name: str(getattr(setup, name)) for name in _PATHS}
    return json.dumps(asdict(task) | {"setup": {**vars(setup), **paths}})


def parse_task(text: str) -> tuple[BatchTask, WorkerSetup]:
    """Return the task and the setup that a text stands for."""
    facts = json.loads(text)
    setup = facts.pop("setup")
    setup |= {name: Path(setup[name]) for name in _PATHS}
    inputs = tuple(_input(item) for item in facts.pop("inputs"))
    return BatchTask(inputs=inputs, **facts), WorkerSetup(**setup)


def _input(facts: dict[str, Any]) -> Input:
    """Return an input as it was before JSON made lists of its tuples."""
    return Input(**{k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()})


def _what_failed(future: Future, task: BatchTask) -> str | None:
    """Return why a batch is not there; None when it is."""
    name = task.path.name
    if future.status == "finished":
        return future.result().get("failure")
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            return (
                f"{name} ended every worker that tried it: its files from {task.inputs[0].path} to "
                f"{task.inputs[-1].path} may need more memory; the other batches are kept"
            )
        return f"{name} cannot be made ({type(error).__name__}: {error}); the others are kept"
    return f"{name} was given up by the scheduler ({future.status}): run again, the rest is kept"
