"""The loop of a session, in the hands of a test: answers come one at a time, when it lets them."""

import queue
import time


class Loop:
    """Takes the place of `Turn`: what threads hand over runs in the thread that waits here.

    In a server no two answers are ever delivered at once; without a loop each thread delivers its
    own, and answers that write on one another's page do what they never could.
    """

    def __init__(self):
        self._jobs = queue.SimpleQueue()

    @property
    def is_idle(self):
        return self._jobs.empty()

    def take(self, job):
        self._jobs.put(job)

    def take_later(self, seconds, job):
        self.take(job)

    def until(self, is_so, seconds=60):
        """Deliver answers until something is so; fail where it never is."""
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, "it never came to be"
            try:
                self._jobs.get(timeout=0.02)()
            except queue.Empty:
                continue
