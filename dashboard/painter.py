"""Frames drawn off the event loop: one at a time for each map, the newest wish next."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .turn import Turn

Job = Callable[[], Any]
Deliver = Callable[["Future[Any]"], None]


class Painter:
    """Draws the frames of one map in a pool that all maps of all sessions share.

    While a frame is drawn, only the newest wish waits; those between are never begun. A map has at
    most one frame in the pool and goes to the back of its queue for the next, so that a person who
    drags does not keep others waiting. Frames are delivered in the order they were asked, also
    while newer ones are wanted: a drag shows pictures on its way. After `cancel` what was asked
    before is not delivered.

    Parameters
    ----------
    pool : ThreadPoolExecutor
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._lock = threading.Lock()
        self._waiting: tuple[Job, Deliver, Turn, int] | None = None
        self._is_drawing = False
        self._era = 0

    @property
    def is_at_rest(self) -> bool:
        """Return whether no frame is being drawn and none is wanted."""
        with self._lock:
            return not self._is_drawing

    def ask(self, job: Job, deliver: Deliver) -> None:
        """Run a job in the pool, then `deliver` its future on the session's loop.

        Outside a server session (tests, scripts) both happen at once.
        """
        turn = Turn.of_session()
        if turn is None:
            deliver(_result_of(job))
            return
        with self._lock:
            self._waiting = (job, deliver, turn, self._era)
            if self._is_drawing:
                return
            self._is_drawing = True
        self._pool.submit(self._draw)

    def cancel(self) -> None:
        """Want nothing that was asked so far."""
        with self._lock:
            self._waiting = None
            self._era += 1

    def _draw(self) -> None:
        """Draw the newest wish, then queue again if there is another."""
        with self._lock:
            wish, self._waiting = self._waiting, None
        if wish is not None:
            job, deliver, turn, era = wish
            self._hand_over(_result_of(job), deliver, turn, era)
        with self._lock:
            self._is_drawing = self._waiting is not None
            goes_on = self._is_drawing
        if goes_on:
            self._pool.submit(self._draw)

    def _hand_over(self, done: "Future[Any]", deliver: Deliver, turn: Turn, era: int) -> None:
        def give() -> None:
            if era == self._era:
                deliver(done)

        if era == self._era:
            turn.take(give)


def _result_of(job: Job) -> "Future[Any]":
    done: Future[Any] = Future()
    try:
        done.set_result(job())
    except Exception as error:
        done.set_exception(error)
    return done
