"""One process at a time: a lock file that a killed process does not keep locked."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anomaly_explorer.engine.errors import StoreError


@contextmanager
def exclusive(path: Path, sentence: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs, and remove it afterwards.

    The kernel drops the lock of a process that dies; the file it leaves behind locks nobody out.

    Parameters
    ----------
    path : Path
        File to make; its folder exists.
    sentence : str
        What to say when another process, or another thread of this one, holds it.

    Raises
    ------
    StoreError
        It is held.
    """
    descriptor = _acquire(path, sentence)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _acquire(path: Path, sentence: str) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StoreError(sentence) from None
        # Whoever held it may have removed the file between opening and locking it.
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
        os.close(descriptor)
