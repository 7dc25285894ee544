"""The way to a store, watched: `python -m benchmarks.stages FOLDER --rows N` makes one of N rows.

Simulate, calibrate, embed and build run as a person runs them. Twice a second the private memory
(RssAnon) of the command and its children and the bytes of the folders are looked at; what was found
is written to ``FOLDER/stages.json``, which the page of benchmarks reads.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from pyarrow.parquet import read_metadata

from anomaly_explorer.dashboard.measuring.memory import private_mib
from anomaly_explorer.engine.catalog.folder import BATCH_NAME

LOG_NAME = "stages.json"
_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Stage:
    """What one command took.

    Parameters
    ----------
    name : str
        ``simulate``, ``calibrate``, ``embed`` or ``build``.
    seconds : float
        Wall time.
    peak_private_mib : float
        Largest RssAnon of the command and its children together.
    peak_disk_gib, disk_gib : float
        Bytes of the folder at their most, and at the end.
    code : int
        What the command returned.
    n_objects : int
        Those it worked on: a simulation that was stopped goes on with the batches that are missing.
    """

    name: str
    seconds: float
    peak_private_mib: float
    peak_disk_gib: float
    disk_gib: float
    code: int
    n_objects: int


def watch(name: str, command: list[str], folder: Path, n_objects: int) -> Stage:
    """Run a command on N objects and watch its memory and a folder, twice a second."""
    began = time.monotonic()
    memory, disk = 0.0, 0.0
    with subprocess.Popen(command) as process:
        while process.poll() is None:
            memory = max(memory, _private(process.pid))
            disk = max(disk, size_of(folder))
            time.sleep(_EVERY_SECONDS)
    took = time.monotonic() - began
    return Stage(name, took, memory, max(disk, size_of(folder)), size_of(folder),
                 process.returncode, n_objects)  # fmt: skip


def size_of(folder: Path) -> float:
    """Return the GiB that the files below a folder take on disk; those that vanish count 0."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except FileNotFoundError:  # the command is at work
            continue
    return total / 2**30


def make_store(folder: Path, n_rows: int, seed: int = 1, n_landmarks: int = 20_000) -> list[Stage]:
    """Make a catalog and a store of N simulated objects in a folder; stop at a failure.

    A stage that stands in the folder's log with as many rows is done, and is not run again.

    Returns
    -------
    list of Stage
        Also written to ``stages.json``, after each stage.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = {stage.name: stage for stage in logged(folder, n_rows) if not stage.code}
    catalog, store = str(folder / "catalog"), str(folder / "store")
    program = [sys.executable, "-m", "anomaly_explorer.dashboard.cli"]
    simulate = ["simulate", "--catalog", catalog, "--objects", str(n_rows), "--seed", str(seed)]
    stages: list[Stage] = []
    embed = ["embed", catalog, "--landmarks", str(n_landmarks)]
    for arguments in (simulate, ["calibrate", catalog], embed, ["build", catalog, store]):
        name = arguments[0]
        n_left = n_rows - (n_simulated(folder / "catalog") if name == "simulate" else 0)
        stages.append(done.get(name) or watch(name, [*program, *arguments], folder, n_left))
        log = {"rows": n_rows, "stages": [asdict(stage) for stage in stages]}
        (folder / LOG_NAME).write_text(json.dumps(log, indent=1) + "\n", encoding="utf-8")
        if stages[-1].code:
            break
    return stages


def n_simulated(catalog: Path) -> int:
    """Return how many objects stand in whole batches of a catalog; 0 where there is none."""
    return sum(read_metadata(path).num_rows for path in catalog.glob(BATCH_NAME.format("*")))


def logged(folder: Path, n_rows: int) -> list[Stage]:
    """Return the stages in a folder's log, none where it has no log or one of other rows."""
    try:
        log = json.loads((folder / LOG_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [Stage(**stage) for stage in log["stages"]] if log["rows"] == n_rows else []


def main() -> int:
    """Make a store and print what each stage took."""
    parser = argparse.ArgumentParser(prog="benchmarks.stages", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=22_504_897)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--landmarks", type=int, default=20_000)
    options = parser.parse_args()
    stages = make_store(options.folder, options.rows, options.seed, options.landmarks)
    for stage in stages:
        print(f"{stage.name}: {stage.seconds:,.0f} s, {stage.peak_private_mib:,.0f} MiB private, "
              f"{stage.peak_disk_gib:.1f} GiB at most")  # fmt: skip
    return stages[-1].code


def _private(pid: int) -> float:
    try:
        children = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return 0.0
    return private_mib(pid) + sum(private_mib(child.pid) for child in children)


if __name__ == "__main__":
    sys.exit(main())
