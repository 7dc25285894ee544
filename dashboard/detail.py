"""What is shown of the object in focus and of the selection: read off the loop, latest wins."""

import logging
import re
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.mask import Mask

from .errand import Errand, Report
from .latest import Latest
from .live import LiveInspector
from .session import Session
from .state import NO_ROWS
from .turn import run_later
from .views.facts import FactsView
from .views.spectrum import SpectrumView
from .views.stack import StackView

EMPTY_HINT = "Click an object on the map or in the table to read and reconstruct its spectrum."
STACK_HINT = "Lasso objects on the map to stack their spectra."
# The spectrum is what a person clicked for: words come once it is on screen.
AFTER_SECONDS = 0.12
# One that is not there by then is said to be on its way; the one before goes.
_PATIENCE_SECONDS = 0.5
_TARGET_ID = re.compile(r"-?[0-9]{1,19}")
_LOG = logging.getLogger(__name__)


class Detail:
    """Spectrum, card and stack, bound to focus and selection.

    Parameters
    ----------
    session : Session
    live : LiveInspector
        Shared by all sessions.
    spectrum, facts, stack
        The views that are filled.

    Attributes
    ----------
    is_stack_visible : bool
        Nothing is stacked while it is False.
    """

    def __init__(
        self,
        session: Session,
        live: LiveInspector,
        views: tuple[SpectrumView, FactsView, StackView],
    ) -> None:
        self.session, self.live = session, live
        self.spectrum, self.facts, self.stack = views
        self._objects = Latest(live.pool)
        self._stacks = Errand(live, self._tell_stack, live.stack_pool)
        self._stacked: Mask | None = None
        self.is_stack_visible = True
        self._miss = ""
        self._awaited: int | None = None
        self.show_object(None)
        self.stack.show(None, STACK_HINT)

    def show_object(self, row: int | None) -> None:
        """Read and reconstruct an object; None shows how to choose one."""
        self._objects.cancel()
        self._awaited = None
        hint, self._miss = self._miss or EMPTY_HINT, ""
        if row is None:
            self.spectrum.show(None, hint)
            self.facts.show(None)
            return
        store = self.session.store
        target = store.records([row], ("target_id",))[0]["target_id"]

        def show(future: "Future[Any]") -> None:
            self._awaited = None
            self._show(future, self.spectrum.show, f"The spectrum of {target}")

        self._awaited = row
        run_later(_PATIENCE_SECONDS, lambda: self._say_reading(row, target))
        self._objects.ask(lambda _: self.live.inspector().inspect(row), show)
        self.facts.veil()
        run_later(AFTER_SECONDS, lambda: self._show_facts(row))

    def _say_reading(self, row: int, target: int) -> None:
        """Take an old spectrum away while that of an object is still awaited."""
        if row == self._awaited:
            self.spectrum.show(None, f"Reading the spectrum of {target}…")

    def _show_facts(self, row: int) -> None:
        """Write the card of an object, unless another one is in focus by now."""
        if row == self.session.state.focus:
            store = self.session.store
            facts = store.records([row])[0]
            self.facts.show(facts, store.manifest.ranked.get(facts["population"]))

    def show_stack(self) -> None:
        """Stack what is selected and shown, while it is on screen and unless it is already."""
        if not self.is_stack_visible:
            return
        selected, known = self.session.selected, self._stacked
        if known is not None and known.equals(selected):
            return
        self._stacked = selected
        self._stacks.cancel()
        if not selected.count:
            self.stack.show(None, STACK_HINT)
            return
        self.stack.show(None, f"Reading the spectra of {selected.count:,} objects…")

        def job(report: Report) -> Any:
            from anomaly_explorer.engine.model.stack import stack_rows

            return stack_rows(self.live.inspector(), selected, report)

        self._stacks.start(job, lambda future: self._show(future, self.stack.show, "The stack"))

    def _tell_stack(self, done: int, total: int) -> None:
        self.stack.show(None, f"{done:,} of {total:,} spectra read…")

    def find(self, text: str) -> None:
        """Focus the object with a TARGETID, or say that there is none."""
        cleaned = text.strip()
        if not cleaned:
            return
        is_id = _TARGET_ID.fullmatch(cleaned) is not None and abs(int(cleaned)) < 2**63
        rows = self.session.store.rows_of_target(int(cleaned)) if is_id else NO_ROWS
        if len(rows):
            self.session.state.focus = int(rows[0])
            return
        reason = "is in no object of this store" if is_id else "is no TARGETID (a whole number)"
        self._miss = f"{cleaned[:40]} {reason}."
        if self.session.state.focus is None:
            self.show_object(None)
        self.session.state.focus = None

    def close(self) -> None:
        """Want no answers any more."""
        self._objects.cancel()
        self._stacks.cancel()

    def _show(self, future: "Future[Any]", show: Callable[[Any, str], None], what: str) -> None:
        """Show the answer, or one sentence in its place."""
        error = future.exception()
        if error is None:
            show(future.result(), "")
        elif isinstance(error, ExplorerError):
            show(None, str(error))
        else:
            _LOG.error("%s could not be shown", what, exc_info=error)
            show(None, f"{what} could not be shown: {error}. The server's log says more.")
