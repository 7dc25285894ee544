"""Jobs off the event loop, of which only the last one asked counts."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .turn import Turn

Deliver = Callable[["Future[Any]"], None]


class Latest:
    """Runs jobs in a pool and delivers only the answer to the last one asked.

    A job that is outdated before its turn comes is not begun; a running one can ask `is_wanted`.

    Parameters
    ----------
    pool : ThreadPoolExecutor
    """

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._asked = 0

    @property
    def number(self) -> int:
        """Return the number of the last job asked."""
        return self._asked

    def is_wanted(self, number: int) -> bool:
        """Return whether the answer to a job still matters."""
        return number == self._asked

    def cancel(self) -> None:
        """Want no answer to anything asked so far."""
        self._asked += 1

    def ask(self, job: Callable[[int], Any], deliver: Deliver) -> None:
        """Run `job(number)` in the pool, then `deliver` its future on the session's loop."""
        self.cancel()
        number, turn = self._asked, Turn.of_session()

        def run() -> Any:
            return job(number) if self.is_wanted(number) else None

        def give(future: "Future[Any]") -> None:
            if self.is_wanted(number):
                deliver(future)

        def answer(future: "Future[Any]") -> None:
            if future.cancelled() or not self.is_wanted(number):
                return
            if turn is None:
                give(future)
            else:
                turn.take(lambda: give(future))

        self._pool.submit(run).add_done_callback(answer)
