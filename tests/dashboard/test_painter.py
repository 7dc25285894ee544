"""Frames off the loop: the newest wish is always drawn, those between never pile up."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from anomaly_explorer.dashboard import painter as module
from anomaly_explorer.dashboard.painter import Painter


class Now:
    """The turn of a live session whose loop runs jobs at once."""

    def take(self, job):
        job()


@pytest.fixture
def pool():
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.fixture
def served(monkeypatch):
    monkeypatch.setattr(module.Turn, "of_session", Now)


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
    assert condition()


def test_outside_a_server_a_frame_is_drawn_at_once(pool):
    shown = []
    Painter(pool).ask(lambda: 7, lambda done: shown.append(done.result()))
    assert shown == [7]


def test_the_newest_wish_is_drawn_and_those_between_are_not(pool, served):
    gate, begun, shown = threading.Event(), [], []
    painter = Painter(pool)

    def job(number):
        def draw():
            begun.append(number)
            gate.wait(10)
            return number

        return draw

    painter.ask(job(0), lambda done: shown.append(done.result()))
    wait_for(lambda: begun == [0])
    for number in range(1, 50):
        painter.ask(job(number), lambda done: shown.append(done.result()))
    assert begun == [0]  # one at a time, though the pool has two threads
    gate.set()
    wait_for(lambda: shown == [0, 49])  # the first is a picture on the way, and not late
    assert begun == [0, 49]


def test_what_was_asked_before_a_cancel_is_not_delivered(pool, served):
    gate, begun, shown = threading.Event(), [], []
    painter = Painter(pool)

    def slow():
        begun.append("old")
        gate.wait(10)

    painter.ask(slow, lambda done: shown.append("old"))
    wait_for(lambda: begun)
    painter.cancel()
    painter.ask(lambda: begun.append("new"), lambda done: shown.append("new"))
    gate.set()
    wait_for(lambda: shown)
    assert shown == ["new"]


def test_many_maps_share_a_pool_fairly(served):
    with ThreadPoolExecutor(1) as pool:
        order, gate = [], threading.Event()
        eager, patient = Painter(pool), Painter(pool)
        eager.ask(lambda: gate.wait(10), lambda done: order.append("eager"))
        eager.ask(lambda: None, lambda done: order.append("eager"))
        patient.ask(lambda: None, lambda done: order.append("patient"))
        gate.set()
        wait_for(lambda: len(order) == 3)
    assert order == ["eager", "patient", "eager"]


def test_an_error_is_delivered_and_the_next_frame_is_drawn(pool, served):
    shown = []
    painter = Painter(pool)
    painter.ask(lambda: 1 / 0, lambda done: shown.append(type(done.exception())))
    wait_for(lambda: shown == [ZeroDivisionError])
    painter.ask(lambda: 1, lambda done: shown.append(done.result()))
    wait_for(lambda: len(shown) == 2)
    assert shown[1] == 1


def test_every_last_wish_is_answered_whatever_the_timing(pool, served):
    for _ in range(300):
        shown = []
        painter = Painter(pool)
        for number in range(5):
            painter.ask(lambda n=number: n, lambda done, out=shown: out.append(done.result()))
        wait_for(lambda out=shown: out and out[-1] == 4)
        assert shown == sorted(shown)
