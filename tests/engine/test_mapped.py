import gc
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from anomaly_explorer.engine.mapped import mapped


@pytest.fixture
def threads_meet():
    """Let another thread run whenever garbage is collected, which happens within a header."""
    before = gc.get_threshold()

    def yield_to_others(phase, info):
        time.sleep(0)

    gc.callbacks.append(yield_to_others)
    gc.set_threshold(3)
    yield
    gc.set_threshold(*before)
    gc.callbacks.remove(yield_to_others)


def test_eight_threads_may_map_a_file_at_once(tmp_path, threads_meet):
    # Without the lock about two threads of three end in a SystemError on CPython 3.11.7.
    values = np.arange(5, dtype=np.int32)
    np.save(tmp_path / "a.npy", values)

    def look(_):
        return all(np.array_equal(mapped(tmp_path / "a.npy"), values) for _ in range(50))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(16)))


def test_the_map_is_a_plain_view_that_nobody_can_write_to(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((3, 2), np.float16))
    array = mapped(tmp_path / "a.npy")
    assert type(array) is np.ndarray
    assert array.shape == (3, 2)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def test_a_file_cut_off_says_so(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(1000))
    with (tmp_path / "a.npy").open("r+b") as file:
        file.truncate(500)
    with pytest.raises(ValueError, match="mmap length"):
        mapped(tmp_path / "a.npy")
