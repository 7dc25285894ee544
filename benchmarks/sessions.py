"""Private memory of sessions: `python -m benchmarks.sessions STORE [--cycles 200]`.

Real pages and sockets against a server of one process. A browser tab is opened, a filter is chosen,
a box is drawn, the tab is closed; and so on. What a session leaves behind shows as growth.
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from tests.dashboard.visitor import Visitor, serving

_EVERYWHERE = (-1e6, 1e6, -1e6, 1e6)
_OPEN_TOGETHER = 10
_WARM_UP = 20


def private_mb(pid: int) -> float:
    """Return the private memory of a process (RssAnon) in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.sessions", description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--cycles", type=int, default=200)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(options.store, folder=Path(folder)) as (server, address),
    ):
        asyncio.run(measure(server, address, options.cycles))
    return 0


async def measure(server: "subprocess.Popen[str]", address: str, cycles: int) -> None:
    """Print what open sessions take, and what closed ones leave."""
    await use(Visitor(address))
    await asyncio.sleep(10)  # the model is loaded
    idle = private_mb(server.pid)
    async with AsyncExitStack() as stack:
        for _ in range(_OPEN_TOGETHER):
            tab = await stack.enter_async_context(Visitor(address).socket())
            await tab.pull()
        each = (private_mb(server.pid) - idle) / _OPEN_TOGETHER
    sys.stdout.write(f"one more open session: {each:.1f} MB (of {_OPEN_TOGETHER} open together)\n")
    taken = []
    for cycle in range(cycles + 1):
        await use(Visitor(address))
        taken.append(private_mb(server.pid))
        if cycle % 20 == 0:
            sys.stdout.write(f"after {cycle:4d} cycles: {taken[-1]:.1f} MB\n")
            sys.stdout.flush()
    await asyncio.sleep(40)  # closed sessions are kept for a while
    last = private_mb(server.pid)
    growth = (last - taken[_WARM_UP]) / max(1, cycles - _WARM_UP)
    sys.stdout.write(f"at rest: {last:.1f} MB; {growth:.3f} MB a cycle after {_WARM_UP}\n")


async def use(visitor: Visitor) -> None:
    """Open the socket, choose a filter, draw a box, and close."""
    async with visitor.socket() as tab:
        await tab.choose("tier", "Top 10")
        await tab.box(*_EVERYWHERE)
        await tab.pull()


if __name__ == "__main__":
    sys.exit(main())
