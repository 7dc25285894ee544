"""One scan at a time in a folder, on file systems that lock and on those that do not."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from anomaly_explorer.engine.errors import StoreError
from anomaly_explorer.engine.scan import lock
from anomaly_explorer.engine.scan.lock import LOCK, ScanLock

HOLD = """
import sys, time
from pathlib import Path
from anomaly_explorer.engine.scan.lock import ScanLock
with ScanLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
NO_PROCESS = 2**22 + 1  # above Linux' largest


def write_holder(folder, pid, host=None, age=0.0):
    path = folder / LOCK
    path.write_text(json.dumps({"host": host or lock.socket.gethostname(), "pid": pid}))
    now = time.time()
    os.utime(path, (now - age, now - age))


@pytest.fixture
def no_locks(monkeypatch):
    """Let the file system have no locks, as Lustre without -o flock."""

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)


def can_take(folder):
    try:
        with ScanLock(folder):
            return True
    except StoreError:
        return False


def test_a_lock_excludes_and_leaves_nothing(tmp_path):
    with ScanLock(tmp_path):
        with pytest.raises(StoreError, match=f"process {os.getpid()} on ") as caught:
            ScanLock(tmp_path).__enter__()
        assert "\n" not in str(caught.value)
        assert (tmp_path / LOCK).exists()
    assert not list(tmp_path.iterdir())
    assert can_take(tmp_path)


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match=f"process {holder.pid} on "):
            ScanLock(tmp_path).__enter__()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert (tmp_path / LOCK).exists()
    assert can_take(tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_locks_the_process_the_file_names_decides(tmp_path, no_locks):
    for pid, is_free in ((os.getpid(), False), (NO_PROCESS, True), ("x", True)):
        write_holder(tmp_path, pid, age=10**6)
        assert can_take(tmp_path) == is_free
    (tmp_path / LOCK).write_text("{")
    assert can_take(tmp_path)


@pytest.mark.parametrize("has_locks", [True, False])
def test_a_holder_elsewhere_lives_as_long_as_it_gives_signs(tmp_path, request, has_locks):
    if not has_locks:
        request.getfixturevalue("no_locks")
    write_holder(tmp_path, 1, "another-machine")
    with pytest.raises(StoreError, match=r"process 1 on another-machine.*try again in \d+ s"):
        ScanLock(tmp_path).__enter__()
    write_holder(tmp_path, 1, "another-machine", age=lock.DEAD_AFTER_SECONDS + 5)
    assert can_take(tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_holder_gives_signs_of_life(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "SIGN_OF_LIFE_SECONDS", 0.01)
    with ScanLock(tmp_path):
        os.utime(tmp_path / LOCK, (0, 0))
        end = time.monotonic() + 20
        while (tmp_path / LOCK).stat().st_mtime == 0:
            assert time.monotonic() < end, "no sign of life"
            time.sleep(0.01)


def test_a_lock_file_removed_before_it_is_locked_is_none(tmp_path, monkeypatch):
    """The last holder may end between our opening its file and locking it."""
    seen, flock = [], fcntl.flock

    def remove_once(descriptor, operation):
        if not seen:
            seen.append(descriptor)
            (tmp_path / LOCK).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(lock.fcntl, "flock", remove_once)
    with ScanLock(tmp_path):
        assert (tmp_path / LOCK).exists()
        with pytest.raises(StoreError):
            ScanLock(tmp_path).__enter__()


def test_other_errors_are_not_taken_for_missing_locks(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(lock.fcntl, "flock", fail)
    with pytest.raises(OSError, match="Input/output"):
        ScanLock(tmp_path).__enter__()
