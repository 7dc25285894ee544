"""Long jobs: one at a time, called back by the next, and not wanted once the server stops."""

import threading
from types import SimpleNamespace

import pytest

from anomaly_explorer.dashboard.errand import Errand


@pytest.fixture
def live():
    return SimpleNamespace(is_closed=False)


def finish(errand):
    """Wait until the pool has done what it was given."""
    for _ in range(2):
        errand._latest._pool.submit(int).result()


def test_a_job_is_delivered_and_then_nothing_runs(live):
    told, errand = [], Errand(live, print)
    is_done = threading.Event()
    errand.start(lambda report: report(1, 2), lambda f: (told.append(f.result()), is_done.set()))
    assert is_done.wait(10)
    assert told == [True]
    assert not errand.is_running


def test_a_new_job_calls_back_the_one_before(live):
    errand, gate, answers = Errand(live, print), threading.Event(), []
    delivered, is_done = [], threading.Event()

    def first(report):
        gate.wait(10)
        answers.append(report(1, 2))

    errand.start(first, delivered.append)
    errand.start(
        lambda report: answers.append(report(1, 2)),
        lambda f: (delivered.append(f), is_done.set()),
    )
    gate.set()
    assert is_done.wait(10)
    finish(errand)
    assert sorted(answers) in ([False, True], [True])
    assert len(delivered) == 1


def test_a_cancelled_job_delivers_nothing_and_is_told_to_stop(live):
    errand, gate, answers, delivered = Errand(live, print), threading.Event(), [], []
    begun, ended = threading.Event(), threading.Event()

    def job(report):
        begun.set()
        gate.wait(10)
        answers.append(report(1, 2))
        ended.set()

    errand.start(job, delivered.append)
    assert begun.wait(10)
    errand.cancel()
    gate.set()
    assert ended.wait(10)
    finish(errand)
    assert (answers, delivered, errand.is_running) == ([False], [], False)


def test_nothing_is_wanted_when_the_server_stops(live):
    errand, answers, is_done = Errand(live, print), [], threading.Event()
    live.is_closed = True
    errand.start(lambda report: answers.append(report(1, 2)), lambda _: is_done.set())
    assert is_done.wait(10)
    assert answers == [False]
