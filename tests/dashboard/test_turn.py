"""Jobs of threads reach the loop, and the loop alone asks the document for a turn."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from tornado.ioloop import IOLoop

from anomaly_explorer.dashboard.turn import Turn


class Page:
    """A document that notes which thread asks for a turn, and gives it at once."""

    def __init__(self):
        self.session_context, self.asked_by = object(), []

    def add_next_tick_callback(self, job):
        self.asked_by.append(threading.get_ident())
        job()


def test_many_threads_hand_over_jobs_and_none_touches_the_document():
    page, done = Page(), []

    async def serve():
        turn = Turn(page, IOLoop.current())
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda number: turn.take(lambda: done.append(number)), range(500)))
        while len(done) < 500:
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(serve(), 20))
    assert sorted(done) == list(range(500))
    assert set(page.asked_by) == {threading.get_ident()}


def test_a_session_that_ended_meanwhile_is_left_alone():
    page, done = Page(), []

    async def serve():
        turn = Turn(page, IOLoop.current())
        turn.take(lambda: done.append("before"))
        await asyncio.sleep(0.01)
        page.session_context = None
        assert not turn.is_open
        turn.take(lambda: done.append("after"))
        await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert done == ["before"]


def test_what_is_for_later_runs_later_and_not_after_the_end():
    page, done = Page(), []

    async def serve():
        turn = Turn(page, IOLoop.current())
        turn.take_later(0.05, lambda: done.append("later"))
        turn.take_later(0.3, lambda: done.append("too late"))
        await asyncio.sleep(0.01)
        assert done == []
        while not done:
            await asyncio.sleep(0.01)
        page.session_context = None
        await asyncio.sleep(0.35)

    asyncio.run(asyncio.wait_for(serve(), 20))
    assert done == ["later"]


def test_outside_a_server_there_is_no_turn():
    assert Turn.of_session() is None
