"""Private memory of a process: what is not shared with the page cache."""

from pathlib import Path


def private_mib(pid: int | str = "self") -> float:
    """Return RssAnon of a process in MiB; 0 where the system does not tell.

    Examples
    --------
    >>> private_mib() >= 0
    True
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
    return int(found[0]) / 1024 if found else 0.0
