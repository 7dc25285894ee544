"""A shelf makes each thing once, whoever asks, and never keeps more than its budget."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane import pyramid
from anomaly_explorer.engine.plane.grid import snap
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.pyramid import Pyramids
from anomaly_explorer.engine.plane.shelf import Shelf
from anomaly_explorer.engine.plane.viewport import Viewport


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 40)), max_size=60))
def test_it_is_a_least_recently_used_cache(asked):
    shelf, sizes = Shelf(100), {}
    for key, size in asked:
        made = shelf.get(key, lambda size=size: bytes(size), len)
        sizes[key] = len(made) if key in sizes else size
        recent = [key, *(k for k in sizes if k != key)]
        assert shelf.n_bytes <= 100
        assert shelf.get(key, lambda: pytest.fail("made twice"), len) is made
        assert recent[0] == key


def test_the_least_used_leaves_first():
    shelf = Shelf(100)
    for key in "abc":
        shelf.get(key, lambda: bytes(33), len)
    shelf.get("a", lambda: b"", len)
    shelf.get("d", lambda: bytes(33), len)
    made = []
    for key in "acdb":
        shelf.get(key, lambda key=key: made.append(key) or bytes(1), len)
    assert made == ["b"]


def test_what_is_too_large_is_kept_until_the_next():
    shelf = Shelf(10)
    large = shelf.get("large", lambda: bytes(99), len)
    assert shelf.get("large", lambda: b"", len) is large
    shelf.get("small", lambda: bytes(1), len)
    assert shelf.n_bytes == 1


def test_an_error_reaches_all_and_the_next_tries_again():
    shelf = Shelf(10)

    def fail():
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            shelf.get("a", fail, len)
    assert shelf.get("a", lambda: b"yes", len) == b"yes"


def test_threads_that_ask_at_once_get_one_drawing(clumpy_plane, monkeypatch):
    monkeypatch.setattr(pyramid, "FEW_ROWS", -1)
    monkeypatch.setattr(pyramid, "FEW_READ", -1)
    monkeypatch.setattr(pyramid, "MOST_READ", -1)
    drawn, everybody = [], threading.Barrier(8)
    draw = pyramid.draw_raster

    def draw_once(*arguments):
        drawn.append(arguments)
        return draw(*arguments)

    monkeypatch.setattr(pyramid, "draw_raster", draw_once)
    pyramids = Pyramids()
    bools = np.random.default_rng(1).random(clumpy_plane.n_store_rows) < 0.5
    window = snap(clumpy_plane.cells.square, Viewport(-9.0, 9.0, -9.0, 9.0, 90, 70))

    def ask(_):
        everybody.wait()
        return pyramids.counts(clumpy_plane, window, Mask.of_bools(bools))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len(drawn) == 1
    for answer in answers:
        np.testing.assert_array_equal(answer, answers[0])
