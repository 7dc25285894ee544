"""Which machine and which versions the figures are of."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "numpy", "numba", "datashader", "pandas", "pyarrow", "torch", "astropy", "vaex-core", "shapely",
)  # fmt: skip


def describe_machine() -> list[str]:
    """Return the lines about processor, memory and versions."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        f"- Machine: {_processor()}, {n_cores} cores, {gib:.0f} GiB, {platform.system()}, no GPU "
        "used",
        f"- Python {platform.python_version()}; {packages}",
    ]


def load_average() -> str:
    """Return the load of the last minute, which says how quiet the machine was."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    source = Path("/proc/cpuinfo")
    if source.exists():
        for line in source.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
