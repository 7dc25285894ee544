"""A long job off the event loop that says how far it is and can be called back."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .latest import Latest
from .live import LiveInspector
from .turn import Turn

# Told (done, total); returns whether the job is still wanted.
Report = Callable[[int, int], bool]
Tell = Callable[[int, int], None]
# Shared by all sessions of a process. Its threads start with the first errand: a server forks
# before. The jobs use several threads each, and a third would make the other two wait.
_POOL = ThreadPoolExecutor(2, thread_name_prefix="errand")
_SECONDS_BETWEEN = 0.25


class Errand:
    """Runs one long job at a time for one view; a new one calls back the one before.

    Parameters
    ----------
    live : LiveInspector
        Closed when the server stops: then nothing is wanted any more.
    tell : callable
        Told (done, total) on the session's loop, a few times a second.
    pool : ThreadPoolExecutor, optional
        Where it runs; shared by default.
    """

    def __init__(
        self, live: LiveInspector, tell: Tell, pool: ThreadPoolExecutor | None = None
    ) -> None:
        self._live, self._tell = live, tell
        self._latest = Latest(pool or _POOL)
        self.is_running = False

    def start(self, job: Callable[[Report], Any], deliver: Callable[["Future[Any]"], None]) -> None:
        """Run `job(report)` off the loop, then `deliver` its future on the session's loop."""
        turn = Turn.of_session()

        def run(number: int) -> Any:
            return job(self._reporter(number, turn))

        def done(future: "Future[Any]") -> None:
            self.is_running = False
            deliver(future)

        self.is_running = True
        self._latest.ask(run, done)

    def cancel(self) -> None:
        """Want no answer any more; the job ends when it reports next."""
        self.is_running = False
        self._latest.cancel()

    def _reporter(self, number: int, turn: Turn | None) -> Report:
        last = time.monotonic()

        def report(done: int, total: int) -> bool:
            nonlocal last
            is_wanted = self._latest.is_wanted(number) and not self._live.is_closed
            if is_wanted and time.monotonic() - last > _SECONDS_BETWEEN:
                last = time.monotonic()
                self._say(number, turn, (done, total))
            return is_wanted

        return report

    def _say(self, number: int, turn: Turn | None, how_far: tuple[int, int]) -> None:
        def say() -> None:
            if self._latest.is_wanted(number) and self.is_running:
                self._tell(*how_far)

        if turn is not None:
            turn.take(say)
