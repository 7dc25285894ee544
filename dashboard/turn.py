"""Jobs handed by a thread to the loop of a session.

Bokeh lets any thread ask for the next turn of the loop, and loses the job when the loop lets go of
held changes at that moment: what is held is read and replaced without a lock. Here the loop asks.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import panel as pn
from panel.io import hold
from tornado.ioloop import IOLoop

Job = Callable[[], Any]


def one_message() -> AbstractContextManager[None]:
    """Return a context whose changes are sent together; each message costs as much as it says.

    Until the page is there, Panel would hold them back for good.
    """
    return hold() if pn.state.loaded else nullcontext()


def run_later(seconds: float, job: Job) -> None:
    """Run a job of the session now being served after a while; outside a server, at once."""
    turn = Turn.of_session()
    if turn is None:
        job()
    else:
        turn.take_later(seconds, job)


class Turn:
    """The next turn of one session's loop; its methods may be called by any thread.

    Parameters
    ----------
    document : bokeh.document.Document
        Of a session being served.
    loop : tornado.ioloop.IOLoop
        What serves it.
    """

    def __init__(self, document: Any, loop: IOLoop) -> None:
        self._document, self._loop = document, loop

    @classmethod
    def of_session(cls) -> "Turn | None":
        """Return that of the session now being served; None outside a server. Ask on the loop."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            return None
        return cls(document, IOLoop.current())

    @property
    def is_open(self) -> bool:
        """Return whether the session is still there."""
        return self._document.session_context is not None

    def take(self, job: Job) -> None:
        """Run a job on the loop, with the document locked; never once the session has ended.

        What it changes is sent as one message.
        """

        def run() -> None:
            with one_message():
                job()

        self._loop.add_callback(self._ask, run)

    def take_later(self, seconds: float, job: Job) -> None:
        """Run a job so much later, with the document locked; never once the session has ended."""
        self._loop.add_callback(self._loop.call_later, seconds, self.take, job)

    def _ask(self, job: Job) -> None:
        if self.is_open:
            self._document.add_next_tick_callback(job)
