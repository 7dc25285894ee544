"""Processes that are there at once: forked from one that has imported everything and run nothing.

To import torch and Dask takes seconds, again for each worker and each scan that a test kills.
"""

import multiprocessing
import os
import signal
from contextlib import contextmanager

import dask
from distributed.utils import get_mp_context

from anomaly_explorer.dashboard import cli

METHOD = "distributed.worker.multiprocessing-method"
IMPORTED = [
    "__main__",
    "distributed.nanny",
    "pyarrow.dataset",
    "anomaly_explorer.dashboard.commands",
    "anomaly_explorer.engine.scan.run",
    "anomaly_explorer.engine.scan.cluster",
    __name__,
]


@contextmanager
def forked_workers():
    """Have Dask fork its workers, too; the server of forks lives as long as the tests."""
    with dask.config.set({METHOD: "forkserver"}):
        get_mp_context()  # sets what Dask would import, once
        multiprocessing.set_forkserver_preload(IMPORTED)
        yield


def start_command(arguments, run=cli.main):
    """Start a command of ours in a process of its own; what it says is lost."""
    with forked_workers():
        process = multiprocessing.get_context("forkserver").Process(
            target=_silently, args=(run, [str(a) for a in arguments]), daemon=False
        )
        process.start()
    return process


def _silently(run, arguments):
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    run(arguments)


def die_at_second_batch(arguments):
    """Run a command that is killed between the temporary file of a batch and its rename."""
    rename = os.replace

    def die(source, target):
        if os.fspath(target).endswith("batch_0001.parquet"):
            os.kill(os.getpid(), signal.SIGKILL)
        rename(source, target)

    os.replace = die  # this process ends here
    cli.main(arguments)
