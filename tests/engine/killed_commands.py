"""Commands in processes of their own: killed with SIGKILL, run again, compared.

The processes are there at once: forked from one that has imported everything and run nothing. To
import torch, scikit-learn and Dask takes seconds, again for each worker and each kill.
"""

import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import dask
import pytest
from distributed.utils import get_mp_context

from anomaly_explorer.dashboard import cli
from anomaly_explorer.engine.embedding import run
from anomaly_explorer.engine.embedding.project import Placer

METHOD = "distributed.worker.multiprocessing-method"
IMPORTED = [
    "__main__",
    "distributed.nanny",
    "pyarrow.dataset",
    "anomaly_explorer.dashboard.commands",
    "anomaly_explorer.engine.catalog.build",
    "anomaly_explorer.engine.scan.run",
    "anomaly_explorer.engine.scan.cluster",
    "anomaly_explorer.engine.scan.simulated",
    # What a command imports only when it comes to it.
    "astropy_healpix.healpy",
    "sklearn.cluster",
    "sklearn.manifold",
    "torch._dynamo",
    __name__,
]
WAIT_SECONDS = 600  # for what hangs, not for what is slow
LOOK_SECONDS = 0.002
RENAMING = "killed before the rename of "


@contextmanager
def forked_workers():
    """Have Dask fork its workers, too; the server of forks lives as long as the tests."""
    with dask.config.set({METHOD: "forkserver"}):
        get_mp_context()  # sets what Dask would import, once
        multiprocessing.set_forkserver_preload(IMPORTED)
        yield


def quicken(patch):
    """Embed without UMAP, which compiles for half a minute in every process.

    Two latents stand for the map, and the network learns but little. All else is real.
    """

    class QuickPlacer(Placer):
        def __init__(self, latents, positions, seed):
            super().__init__(latents, positions, seed, epochs=3)

    patch.setattr(run, "fit_map", lambda latents, seed: latents[:, :2].copy())
    patch.setattr(run, "Placer", QuickPlacer)


@dataclass(frozen=True)
class Command:
    """A command that is run in a folder, which is made when absent.

    Parameters
    ----------
    arguments : list
        Paths of what it writes are relative to the folder.
    n_done : callable
        Given the folder, how much is finished: kept across kills, and growing.
    copied : Path, optional
        A catalog that the command writes into: copied into the folder as `catalog`.
    """

    arguments: list
    n_done: Callable[[Path], int]
    copied: Path | None = None

    def start(self, folder, n_renames=0):
        """Start it; with `n_renames`, it is killed when it comes to that rename."""
        if not folder.exists():
            folder.mkdir()
            if self.copied is not None:
                shutil.copytree(self.copied, folder / "catalog")
        arguments = [str(argument) for argument in self.arguments]
        with forked_workers():
            process = multiprocessing.get_context("forkserver").Process(
                target=_run, args=(arguments, folder, n_renames), daemon=False
            )
            process.start()
        return process

    def watch(self, process, folder):
        """Yield (seconds, how much is done) now and again until the process ends."""
        started = time.monotonic()
        while process.exitcode is None:
            seconds = time.monotonic() - started
            assert seconds < WAIT_SECONDS, f"{self.arguments} does not end"
            yield seconds, self.n_done(folder)
            process.join(LOOK_SECONDS)

    def finish(self, folder):
        """Run it to its end; return what `watch` told."""
        process = self.start(folder)
        steps = list(self.watch(process, folder))
        assert process.exitcode == 0, said_in(folder)
        return steps


def _run(arguments, folder, n_renames):
    """Run a command in this process; what it says is written beside the folder."""
    said = os.open(_said(folder), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.chdir(folder)
    quicken(pytest.MonkeyPatch())
    if n_renames:
        _die_at_rename(folder, n_renames)
    sys.exit(cli.main(arguments))


def _die_at_rename(folder, n_renames):
    """Have this process killed before it renames something in the folder the n-th time."""
    numbers = count(1)

    def deadly(rename):
        def rename_or_die(source, target):
            if folder in Path(target).absolute().parents and next(numbers) == n_renames:
                os.write(2, f"{RENAMING}{Path(source).absolute()}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            rename(source, target)

        return rename_or_die

    os.replace, os.rename = deadly(os.replace), deadly(os.rename)  # this process ends here


def _said(folder):
    return folder.with_suffix(".said")


def said_in(folder):
    """Return what the last command in a folder said."""
    return _said(folder).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Undisturbed:
    """A command that ran to its end: what it left, and how far it was after how many seconds."""

    command: Command
    contents: dict
    steps: list

    @classmethod
    def run(cls, command, folder):
        """Run a command in a new folder."""
        steps = command.finish(folder)
        found = contents(folder)
        assert [name for name in found if f"/{name}".count("/.")] == []
        return cls(command, found, steps)

    def assert_kills_change_nothing(self, folder, n_kills, seed):
        """Kill the command at random moments, once before a rename; its end is the same.

        All kills are of one folder, so that each goes on from what the last one left.
        """
        moments = random.Random(seed)
        shares = sorted(moments.random() for _ in range(n_kills))
        # The second rename of a build ends it: nothing is left for a kill after that.
        at_rename, n_renames = moments.choice([(moments.randrange(n_kills), 1), (n_kills - 1, 2)])
        for number, share in enumerate(shares):
            if number == at_rename:
                while not self._kill_at_rename(folder, n_renames):
                    pass
            else:
                while not self._kill_at(folder, share):
                    share *= 0.8
        self.command.finish(folder)
        found = contents(folder)
        assert sorted(found) == sorted(self.contents)
        assert [name for name in found if found[name] != self.contents[name]] == []

    def _kill_at(self, folder, share):
        """Kill it at this share of its time, told by what was done then and since when."""
        moment = share * self.steps[-1][0]
        n_wanted = max(n_done for seconds, n_done in self.steps if seconds <= moment)
        since = min(seconds for seconds, n_done in self.steps if n_done == n_wanted)
        process = self.command.start(folder)
        for _, n_done in self.command.watch(process, folder):
            if n_done >= n_wanted:
                break
        process.join(moment - since)
        process.kill()
        return _was_killed(process, folder)

    def _kill_at_rename(self, folder, n_renames):
        """Kill it before a rename; what it would have renamed is left behind."""
        process = self.command.start(folder, n_renames)
        was_killed = _was_killed(process, folder)
        assert not was_killed or Path(said_in(folder).rpartition(RENAMING)[2]).exists()
        return was_killed


def _was_killed(process, folder):
    """Return whether a process was killed; where it had ended before, begin anew."""
    process.join(WAIT_SECONDS)
    if process.exitcode == -signal.SIGKILL:
        return True
    assert process.exitcode == 0, said_in(folder)
    shutil.rmtree(folder)
    return False


def contents(folder):
    """Return every file and folder in a folder, hidden ones too, and what the files hold."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
