"""Servers in processes of their own: the explorer, and the stock apps over the same rows."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

STOCK_APP = "benchmarks.stock_app"


@dataclass(frozen=True)
class Served:
    """A server that listens.

    Parameters
    ----------
    address : str
    pid : int
    start_ms : float
        From the start of the process until it listened.
    """

    address: str
    pid: int
    start_ms: float


@contextmanager
def explorer(store: Path, spectra: Path | None = None) -> Iterator[Served]:
    """Serve a store by the explorer's own command."""
    command = ["-m", "anomaly_explorer.dashboard.cli", "serve", str(store), "--port", "0"]
    if spectra is not None:
        command += ["--spectra", str(spectra)]
    with _started(command) as served:
        yield served


@contextmanager
def stock(store: Path, kind: str, lod_timeout: int, size: tuple[int, int]) -> Iterator[Served]:
    """Serve a HoloViews app, ``rasterize`` or ``link_selections``, over the rows of a store."""
    sizes = [str(side) for side in size]
    command = ["-m", STOCK_APP, str(store), kind, str(lod_timeout), *sizes]
    with _started(command) as served:
        yield served


@contextmanager
def _started(command: list[str]) -> Iterator[Served]:
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            lines = []
            for line in process.stdout:
                lines.append(line)
                if found := re.search(r"http://[\w.]+:\d+", line):
                    took = (time.perf_counter() - began) * 1e3
                    yield Served(found.group(), process.pid, took)
                    break
            else:
                raise RuntimeError("The server did not start: " + "".join(lines)[-2000:])
        finally:
            process.terminate()
            process.wait(30)
