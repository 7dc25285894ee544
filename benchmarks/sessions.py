"""Private memory of sessions: `python -m benchmarks.sessions STORE [--cycles 200]`.

Real pages and sockets against a server of one process. A browser tab is opened, a filter is chosen,
a box is drawn, the tab is closed; and so on. What a session leaves behind shows as growth. The same
is the section `sessions` of `python -m benchmarks`.
"""

import argparse
import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np

from anomaly_explorer.dashboard.measuring.memory import private_mib
from tests.dashboard.visitor import Visitor, serving

CYCLES = 200
_EVERYWHERE = (-1e6, 1e6, -1e6, 1e6)
_OPEN_TOGETHER = 10
_WARM_UP = 20
# Until the model is loaded; and how long closed sessions are kept.
_REST_SECONDS, _KEPT_SECONDS = 20, 40


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.sessions", description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--cycles", type=int, default=CYCLES)
    options = parser.parse_args()
    for name, value in session_figures(options.store, options.cycles).items():
        _say(f"{name} {value:.3f}")
    return 0


def session_figures(store: Path, cycles: int = CYCLES) -> dict[str, float]:
    """Measure what open sessions take, and what closed ones leave.

    Parameters
    ----------
    store : Path
    cycles : int
        Tabs opened and closed one after the other; the first 20 count for nothing.

    Returns
    -------
    dict of str to float
        ``session_mib``: of one more open session. ``session_growth_mib_per_cycle``: slope of the
        line through what the process holds after each cycle. ``session_rest_mib_per_cycle``: from
        the 20th cycle until all are forgotten, a cycle.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(store, folder=Path(folder)) as (server, address),
    ):
        return asyncio.run(_measure(server.pid, address, max(cycles, _WARM_UP + 2)))


def slope_of(taken: list[float]) -> float:
    """Return the slope of the line through values that follow each other.

    Examples
    --------
    >>> round(slope_of([5.0, 5.5, 6.0, 6.5]), 6)
    0.5
    """
    return float(np.polyfit(np.arange(len(taken)), taken, 1)[0])


async def _measure(pid: int, address: str, cycles: int) -> dict[str, float]:
    await use(Visitor(address))
    await asyncio.sleep(_REST_SECONDS)
    idle = private_mib(pid)
    async with AsyncExitStack() as stack:
        for _ in range(_OPEN_TOGETHER):
            tab = await stack.enter_async_context(Visitor(address).socket())
            await tab.pull()
        each = (private_mib(pid) - idle) / _OPEN_TOGETHER
    taken = []
    for cycle in range(1, cycles + 1):
        await use(Visitor(address))
        taken.append(private_mib(pid))
        if cycle % _WARM_UP == 0:
            _say(f"after {cycle:4d} cycles: {taken[-1]:.1f} MiB")
    await asyncio.sleep(_KEPT_SECONDS)
    rest = private_mib(pid)
    return {
        "session_mib": each,
        "session_cycles": float(cycles),
        "session_growth_mib_per_cycle": slope_of(taken[_WARM_UP:]),
        "session_rest_mib_per_cycle": (rest - taken[_WARM_UP - 1]) / (cycles - _WARM_UP),
        "server_rest_mib": rest,
    }


async def use(visitor: Visitor) -> None:
    """Open the socket, choose a filter, draw a box, and close."""
    async with visitor.socket() as tab:
        await tab.choose("tier", "Top 10")
        await tab.box(*_EVERYWHERE)
        await tab.pull()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
