"""Columns are what the file holds, and what is asked for is in memory before it is touched."""

import ctypes
import mmap
import os
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from anomaly_explorer.engine.catalog.columns import Columns

N = 1_000_000


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("columns") / "columns.arrow"
    batch = pa.record_batch({"ids": np.arange(N), "small": np.arange(N, dtype=np.int8),
                             "real": np.linspace(0, 1, N, dtype=np.float32)})  # fmt: skip
    with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, batch.schema) as writer:
        writer.write_batch(batch)
    return path


def test_columns_are_those_of_the_file(file):
    columns = Columns(file)
    np.testing.assert_array_equal(columns["ids"], np.arange(N))
    np.testing.assert_array_equal(columns["small"], np.arange(N, dtype=np.int8))
    assert columns["real"].dtype == np.float32
    assert columns["real"][-1] == 1
    assert "ids" in columns
    assert "other" not in columns
    with pytest.raises(ValueError, match="read-only"):
        columns["ids"][0] = 1


def test_what_is_no_arrow_file_is_refused(tmp_path):
    (tmp_path / "text").write_text("<html>")
    (tmp_path / "nothing").touch()
    with pytest.raises(pa.ArrowException):
        Columns(tmp_path / "text")
    with pytest.raises(ValueError, match="empty"):
        Columns(tmp_path / "nothing")


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel of Linux what it holds")
def test_rows_asked_for_come_to_memory_without_being_touched(file):
    columns = Columns(file)
    # In the middle of the last column, far from what opening the file reads.
    value = columns["real"][N // 2 :]
    page = value.__array_interface__["data"][0] // mmap.PAGESIZE * mmap.PAGESIZE
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if _in_memory(page):
        pytest.skip("the temporary folder is kept in memory")
    columns.fetch(["ids", "real"], np.arange(1_000))  # more than a person looks at
    assert not _in_memory(page)
    columns.fetch(["ids", "real"], np.array([N // 2, 5]))
    until = time.monotonic() + 10
    while not _in_memory(page) and time.monotonic() < until:
        time.sleep(0.01)
    assert _in_memory(page)


def _in_memory(page: int) -> bool:
    """Return whether the kernel holds a mapped page, which this does not touch."""
    held = ctypes.c_ubyte()
    libc = ctypes.CDLL(None, use_errno=True)
    code = libc.mincore(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), ctypes.byref(held))
    assert code == 0, os.strerror(ctypes.get_errno())
    return bool(held.value & 1)
