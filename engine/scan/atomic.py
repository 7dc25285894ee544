"""Files that are there whole or not at all: a name of its own, fsync, rename.

Every writer has its own temporary name, so that two workers which make the same batch (one of them
given up for dead) never write into one file: the last rename wins, and both files are whole.
"""

import os
import re
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from anomaly_explorer.engine.errors import ExplorerError

_TEMPORARY = re.compile(r"\.(plan\.json|scan\.json|desi_dr1_catalog_batch_.*)\.[^/]*\.tmp")


def replace_file(target: Path, write: Callable[[Path], Any]) -> None:
    """Write a file under a temporary name beside it and rename it into place.

    Parameters
    ----------
    target : Path
        The file to be there at the end; one of that name is replaced.
    write : callable
        Called with the temporary path; whatever it raises leaves nothing behind.

    Raises
    ------
    ExplorerError
        The disk is full, or the folder is gone.
    """
    temporary = _temporary(target)
    try:
        write(temporary)
        with open(temporary, "rb+") as opened:
            os.fsync(opened.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise ExplorerError(
            f"cannot write {target.name}: {error.strerror or error}; make room and run again, "
            "finished batches are kept"
        ) from None
    finally:
        # After the rename there is nothing under this name; on a full or lost disk nothing helps.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def is_leftover(name: str) -> bool:
    """Return whether a file name is a temporary one of ours.

    Examples
    --------
    >>> is_leftover(".plan.json.node7-4711-5e0a.tmp"), is_leftover(".bashrc")
    (True, False)
    """
    return _TEMPORARY.fullmatch(name) is not None


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers left; the caller holds the lock of the folder."""
    for path in folder.iterdir():
        if is_leftover(path.name):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _temporary(target: Path) -> Path:
    writer = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{target.name}.{writer}.tmp")


def _sync_folder(folder: Path) -> None:
    """Write the folder's entry of the new name to disk; not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
