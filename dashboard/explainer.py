"""Why the object in focus is strange: its note, its normal twin, and what if; all off the loop."""

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError

from .detail import AFTER_SECONDS
from .errand import Errand, Report
from .latest import Latest
from .live import LiveInspector
from .overlays import TWIN, WHAT_IF, Curve
from .session import Session
from .turn import run_later
from .views.note import NoteView
from .views.sliders import SlidersView
from .views.spectrum import SpectrumView
from .what_if import WhatIfState

if TYPE_CHECKING:
    from anomaly_explorer.engine.explain.explanation import Explanation
    from anomaly_explorer.engine.explain.twin import Twin
    from anomaly_explorer.engine.explain.what_if import WhatIf
    from anomaly_explorer.engine.model.inspection import Inspection

_LOG = logging.getLogger(__name__)
# What a person sees of a feature that is wider than a line: so many times its own width.
_AROUND = 1.5
# Every latent of the normals is read for a twin: of more objects than this only when asked for.
MOST_SEARCHED = 2_000_000
LAY, FIND, SEARCHING = (
    "lay its normal twin over it", "find its normal twin", "searching the normals…",
)  # fmt: skip


class Explainer:
    """The note and the sliders of one person's page, bound to what the spectrum shows.

    Parameters
    ----------
    session : Session
    live : LiveInspector
        Shared by all sessions.
    spectrum : SpectrumView
        What links and curves go to.

    Attributes
    ----------
    state : WhatIfState
    note, sliders
        The views that are filled.
    """

    def __init__(self, session: Session, live: LiveInspector, spectrum: SpectrumView) -> None:
        self.session, self.live, self.spectrum = session, live, spectrum
        self.state = WhatIfState()
        self.note = NoteView(self.follow, self._turn_twin)
        self.sliders = SlidersView(self.work)
        self._notes, self._choices = Latest(live.pool), Latest(live.pool)
        self._moves = Latest(live.pool)
        self._twins = Errand(live, lambda *_: None)
        self._forget()
        watch = self.state.param.watch
        watch(self._redraw, ["offsets", "blend"])
        watch(self._choose, "is_open")
        watch(self._show_twin, "shows_twin")

    def show(self, inspection: "Inspection | None") -> None:
        """Explain an inspection that is on screen; None explains nothing."""
        for work in (self._notes, self._choices, self._moves, self._twins):
            work.cancel()
        self._forget()
        self._inspection = inspection
        self.state.reset()
        self.note.clear(is_waiting=inspection is not None)
        self.sliders.clear(is_waiting=inspection is not None)
        if inspection is None:
            return
        run_later(AFTER_SECONDS, lambda: self._explain(inspection))

    def _explain(self, inspection: "Inspection") -> None:
        """Begin with what is said of an inspection, unless another one is on screen by now."""
        if inspection is not self._inspection:
            return
        n_ranked = self.session.store.manifest.ranked.get(inspection.facts.get("population"), 0)

        def job(_: int) -> Any:
            from anomaly_explorer.engine.explain.explanation import explain

            return explain(inspection, n_ranked, self.live.measurer())

        self._notes.ask(job, _shown(self._write, "the note"))
        if self.session.store.n_objects <= MOST_SEARCHED or self.state.shows_twin:
            self._seek(inspection)
        self._choose()

    def follow(self, target: str) -> None:
        """Go where a piece of the note leads."""
        kind, _, name = target.partition(":")
        twin = self._twin
        if kind == "wavelength":
            self.spectrum.zoom_to(float(name), self._reach_at(float(name)))
        elif kind == "object" and twin is not None and name == str(twin.target_id):
            self.session.state.focus = twin.row
        else:
            inspection = self._inspection
            facts = inspection.facts if inspection is not None and kind == "column" else {}
            self.note.define(name, meaning_of(self.session.store, name, facts.get(name)))

    def work(self, message: Any) -> None:
        """Do what a message of the sliders says."""
        kind = message.get("type")
        if kind == "move":
            self.state.move(message.get("index"), message.get("value"))
        elif kind == "reset":
            self.state.reset()
            self.sliders.rest()

    def close(self) -> None:
        """Want no answers any more."""
        for work in (self._notes, self._choices, self._moves, self._twins):
            work.cancel()
        self._forget()

    def _forget(self) -> None:
        self._inspection: Inspection | None = None
        self._explanation: Explanation | None = None
        self._twin: Twin | None = None
        self._twin_curve: Curve | None = None
        self._is_sought = False
        self._what_if: WhatIf | None = None

    def _reach_at(self, wavelength: float) -> float:
        """Return how many Å to either side to show: more of a feature that is wider."""
        found = self._explanation
        feature = None if found is None else found.evidence.feature
        if feature is None or abs(feature.wavelength - wavelength) > feature.width_angstrom:
            return 160.0
        return max(160.0, _AROUND * feature.width_angstrom)

    def _write(self, explanation: "Explanation") -> None:
        self._explanation = explanation
        self._rewrite()

    def _rewrite(self) -> None:
        """Write what is known: the note comes before the twin, or after."""
        found, twin = self._explanation, self._twin
        if found is None:
            return
        from anomaly_explorer.engine.explain.note import write_note

        note = write_note(found.with_twin(twin))
        self.note.show(note, self._offer_twin())
        self._show_twin()

    def _offer_twin(self) -> str:
        """Return what the button of the twin says; nothing where there is no twin."""
        if self._twin_curve is not None:
            return LAY
        if not self._is_sought:
            return FIND
        return SEARCHING if self._twins.is_running else ""

    def _seek(self, inspection: "Inspection") -> None:
        self._is_sought = True
        self._twins.start(lambda report: self._find_twin(inspection, report),
                          _shown(self._meet, "the twin"))  # fmt: skip

    def _find_twin(self, inspection: "Inspection", report: Report) -> Any:
        """Return the twin and its curve; None where there is none."""
        from anomaly_explorer.engine.explain.twin import nearest_twin, normals_like

        store, row = self.session.store, inspection.row
        normals = self.session.frames.mask(normals_like(store, inspection.facts))
        try:
            twin = nearest_twin(store, row, normals, report)
        except ExplorerError:  # the object has no latents: it has no twin either
            return None
        if twin is None:
            return None
        decoded = self.live.inspector().reconstructor.decode(twin.latents[None])[0]
        target = inspection.facts.get("target_id")
        return twin, Curve(decoded, f"normal twin of {target}, decoded")

    def _meet(self, found: "tuple[Twin, Curve] | None") -> None:
        if found is not None:
            self._twin, self._twin_curve = found
            self.sliders.set_twin(True)
        self._rewrite()

    def _turn_twin(self) -> None:
        """Lay the twin over the spectrum or take it away; look for it where nobody has yet."""
        if self._inspection is None or self._twins.is_running:
            return
        if self._is_sought:
            self.state.shows_twin = not self.state.shows_twin
            return
        self.state.shows_twin = True
        self._seek(self._inspection)
        self._rewrite()

    def _show_twin(self, *_: Any) -> None:
        is_shown = self.state.shows_twin and self._twin_curve is not None
        self.note.mark_twin(is_shown)
        self.spectrum.lay(TWIN, self._twin_curve if is_shown else None)

    def _choose(self, *_: Any) -> None:
        """Work out which latents matter, while their sliders are on screen."""
        inspection = self._inspection
        if not self.state.is_open or inspection is None or self._what_if is not None:
            return

        def job(_: int) -> Any:
            from anomaly_explorer.engine.explain.noise import bin_weights
            from anomaly_explorer.engine.explain.what_if import what_if

            weight = bin_weights(inspection.spectrum, inspection.scale, inspection.grid)
            decode = self.live.inspector().reconstructor.decode
            return what_if(inspection.latents, self.session.frames.spread, weight, decode)

        self._choices.ask(job, _shown(self._offer, "the sliders"))

    def _offer(self, found: "WhatIf") -> None:
        self._what_if = found
        self.sliders.show(found.chosen.tolist(), found.importance.tolist())

    def _redraw(self, *_: Any) -> None:
        """Decode where the sliders are; of several moves only the last."""
        found, twin, state = self._what_if, self._twin, self.state
        if found is None or state.is_at_rest:
            self._moves.cancel()
            self.spectrum.lay(WHAT_IF, None)
            return
        latents = None if twin is None else twin.latents
        place = found.place(state.offsets[: len(found.chosen)], state.blend, latents)
        self._moves.ask(
            lambda _: self.live.inspector().reconstructor.decode(place[None])[0],
            _shown(self._lay, "what if"),
        )

    def _lay(self, values: Any) -> None:
        self.spectrum.lay(WHAT_IF, Curve(values, "what if, decoded"))


def meaning_of(store: Store, name: str, value: Any = None) -> str:
    """Return what a column of the store or a word of the note means, in one sentence.

    Of a column it begins with the value that the object has there.
    """
    from anomaly_explorer.engine.explain.terms import TERMS

    if name not in store.column_names:
        return TERMS.get(name, "")
    column = store.describe(name)
    unit = f" {column.unit}" if column.unit else ""
    told = "" if value is None else f"{value}{unit} in the catalog; "
    return told + column.meaning + ("" if told or not unit else f" [{column.unit}]")


def _shown(show: Callable[[Any], None], what: str) -> Callable[["Future[Any]"], None]:
    """Return what shows an answer, and writes down why there is none."""

    def deliver(done: "Future[Any]") -> None:
        error = done.exception()
        if error is None:
            show(done.result())
        else:
            _LOG.error("%s could not be made", what, exc_info=error)

    return deliver
