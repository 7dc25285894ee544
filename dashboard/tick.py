"""Changes of Bokeh models on the next turn of the session's loop, with the document locked.

Panel may run the handlers of widgets and events outside the document's lock; two writers then mix
their messages on the socket. Whatever changes Bokeh models by hand goes through `Tick`.
"""

from collections.abc import Callable

import panel as pn

from .turn import one_message

Job = Callable[[], None]


class Tick:
    """Runs each named job once on the next turn, in the order first asked; the last wish wins.

    What all of them change is sent as one message.

    Outside a server session (tests, scripts) a job runs at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}

    def soon(self, name: str, job: Job) -> None:
        """Run a job on the next turn, in place of one of the same name that is waiting."""
        document = pn.state.curdoc
        if document is None or document.session_context is None:
            job()
            return
        is_first = not self._waiting
        self._waiting[name] = job
        if is_first:
            document.add_next_tick_callback(self._run)

    def _run(self) -> None:
        jobs, self._waiting = self._waiting, {}
        with one_message():
            for job in jobs.values():
                job()
