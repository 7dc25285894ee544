"""Keeps the history of sessions on the desk, off the event loop; the latest of each wins."""

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .desk import Desk
from .state import ExplorerState, History

_TIDY_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Keeper:
    """Writes for all sessions of one process; its thread starts with the first change.

    Parameters
    ----------
    desk : Desk
        Shared with the other processes.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk")
        self._waiting: dict[str, History] = {}
        self._lock = threading.Lock()
        self._last_tidied = time.monotonic()

    def keep(self, session_id: str, history: History) -> None:
        """Write a history soon; one of the same session that waits is not written any more."""
        with self._lock:
            is_first = session_id not in self._waiting
            self._waiting[session_id] = history
        if is_first:
            self._pool.submit(self._write, session_id)

    def is_waiting(self, session_id: str) -> bool:
        """Return whether the desk does not have the latest of a session yet."""
        return session_id in self._waiting

    def close(self) -> None:
        """Write what waits, and stop."""
        self._pool.shutdown()

    def _write(self, session_id: str) -> None:
        while True:
            history = self._waiting[session_id]
            try:
                self.desk.write(session_id, history)
                self._tidy()
            except OSError as error:  # a full disk: the page goes on, undo ends with the process
                _log.warning("the history of a session could not be kept: %s", error)
            with self._lock:
                if self._waiting[session_id] is history:
                    del self._waiting[session_id]
                    return

    def _tidy(self) -> None:
        if time.monotonic() - self._last_tidied > _TIDY_SECONDS:
            self._last_tidied = time.monotonic()
            self.desk.tidy()


class Kept:
    """One session whose state is on the desk whenever it changes, and comes from there.

    Parameters
    ----------
    keeper : Keeper
        This process's.
    session_id : str
        Under which any process finds it.
    state : ExplorerState
        Of the session; takes over what is on the desk.
    """

    def __init__(self, keeper: Keeper, session_id: str, state: ExplorerState) -> None:
        self._keeper, self._id, self._state = keeper, session_id, state
        self._known: History | None = None
        self.refresh()
        if self._known is None:
            self._keep()
        state.param.watch(self._keep, [*state.FILTERS, "selection", *state.LOOK])

    def refresh(self, *_: Any) -> None:
        """Take over what another process kept since."""
        if self._keeper.is_waiting(self._id):
            return
        history = self._keeper.desk.read(self._id)
        if history is not None and history != self._known:
            self._known = history
            self._state.resume(history)

    def _keep(self, *_: Any) -> None:
        history = self._state.history
        if history != self._known:
            self._known = history
            self._keeper.keep(self._id, history)
