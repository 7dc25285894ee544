"""One scan at a time in a folder: a file that names the holder, locked as long as it lives.

The kernel lets go of the lock (flock) when the holder dies, however it dies. NFS passes it to the
server, so that it holds between machines too; some cluster file systems lock within one machine
only, or not at all. There the file speaks: the holder touches it twice a minute, and one whose last
sign of life is old is taken for dead. Its age is measured by the file server's clock alone.
"""

import errno
import fcntl
import json
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from anomaly_explorer.engine.errors import StoreError

LOCK = ".scan.lock"
SIGN_OF_LIFE_SECONDS = 30.0
DEAD_AFTER_SECONDS = 150.0
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}


class ScanLock:
    """The right to write into a catalog folder, held inside a with statement.

    Parameters
    ----------
    folder : Path
        A folder that is there.

    Raises
    ------
    StoreError
        On entering: another scan writes into the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / LOCK
        self._descriptor = -1
        self._done = threading.Event()
        self._touching: threading.Thread | None = None

    def __enter__(self) -> Self:
        while True:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                is_locked = self._try_lock()
                # The last holder may have removed the file between our opening and locking it.
                if not _is_still(self._path, self._descriptor):
                    os.close(self._descriptor)
                    continue
                self._check_holder(is_locked)
                self._sign()
            except BaseException:
                os.close(self._descriptor)
                raise
            break
        self._touching = threading.Thread(target=self._touch, name="scan-lock", daemon=True)
        self._touching.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        if self._touching is not None:
            self._touching.join()
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)

    def _try_lock(self) -> bool:
        """Lock the open file; return False where the file system has no locks."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(self._sentence(_read_holder(self._descriptor), "")) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        return True

    def _check_holder(self, is_locked: bool) -> None:
        """Refuse when the holder the file names may live although we could lock the file."""
        holder = _read_holder(self._descriptor)
        if not holder:
            return
        if holder.get("host") == socket.gethostname():
            if not is_locked and _is_running(holder.get("pid")):
                raise StoreError(self._sentence(holder, ""))
            return
        age = self._age()
        if age < DEAD_AFTER_SECONDS:
            hint = f" (if it was killed, try again in {DEAD_AFTER_SECONDS - age:.0f} s)"
            raise StoreError(self._sentence(holder, hint))

    def _age(self) -> float:
        """Return the seconds since the holder's last sign of life, by the file server's clock."""
        probe = self._folder / f".scan.lock.{socket.gethostname()}-{os.getpid()}"
        probe.touch()
        try:
            return probe.stat().st_mtime - os.fstat(self._descriptor).st_mtime
        finally:
            probe.unlink()

    def _sign(self) -> None:
        text = json.dumps({"host": socket.gethostname(), "pid": os.getpid()}) + "\n"
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text.encode(), 0)
        os.fsync(self._descriptor)

    def _touch(self) -> None:
        while not self._done.wait(SIGN_OF_LIFE_SECONDS):
            with suppress(OSError):
                os.utime(self._path)

    def _sentence(self, holder: dict[str, Any], hint: str) -> str:
        who = f"process {holder.get('pid', '?')} on {holder.get('host', 'an unknown machine')}"
        return (
            f"{self._folder} is being written by another scan, {who}: wait until it ends, stop it, "
            f"or name another --out{hint}"
        )


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    ours = os.fstat(descriptor)
    return (found.st_dev, found.st_ino) == (ours.st_dev, ours.st_ino)


def _read_holder(descriptor: int) -> dict[str, Any]:
    """Return what the lock file says; empty where it says nothing, as while it is being made."""
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _is_running(pid: Any) -> bool:
    if not isinstance(pid, int) or pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
