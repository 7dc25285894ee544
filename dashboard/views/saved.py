"""Saved selections: masks a person wants to come back to, as chips with a name and a count."""

import logging
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.painter import Painter
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.errors import InputError

_LOG = logging.getLogger(__name__)
_CSS = """
:host{display:block;} .name{font-weight:600;} .add{display:flex;gap:4px;margin-top:3px;}
input{box-sizing:border-box;min-width:0;flex:1 1 auto;background:var(--panel);color:var(--text);
font:12px/1.4 var(--sans);border:1px solid var(--grid);border-radius:4px;padding:3px 6px;}
input:focus{outline:1px solid var(--accent);outline-offset:-1px;} input::placeholder{color:
var(--muted);opacity:.75;} button{all:unset;cursor:pointer;box-sizing:border-box;}
button:focus-visible{outline:1px solid var(--accent);}
.add button{border:1px solid var(--grid);border-radius:4px;padding:2px 8px;font-size:11px;
white-space:nowrap;} .add button:hover{background:var(--raised);}
button:disabled{opacity:.4;cursor:default;}
.chips{display:flex;flex-wrap:wrap;gap:4px;margin-top:5px;} .chip{display:flex;max-width:100%;
padding:0;} .chip.on{background:var(--raised);border-color:var(--accent);color:var(--text);}
.chip .show{overflow:hidden;text-overflow:ellipsis;padding:0 0 0 8px;} .chip .forget{padding:0 7px;}
.chip button:hover{color:var(--text);} .message{font-size:11px;color:var(--warning);
line-height:1.35;} .hint{font-size:11px;color:var(--muted);line-height:1.35;}
"""


class SavedChips(JSComponent):
    """The chips in the browser; names are written as text, never as HTML."""

    chips = param.List(doc="Name, count and whether it is shown alone, of each selection.")
    n_selected = param.Integer(doc="How many objects would be saved.")
    message = param.String(doc="Why nothing was saved.")

    _esm = Path(__file__).parent / "saved.js"

    def __init__(self, on_message: Any, **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        self._on_message(message)


class SavedView(pn.viewable.Viewer):
    """The saved selections of a session.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self._painter = Painter(session.frames.pool)
        self.chips = SavedChips(
            self._on_message, margin=(8, 4, 0, 4), sizing_mode="stretch_width",
            stylesheets=[BASE_CSS + _CSS], css_classes=["saved"],
        )  # fmt: skip
        session.state.param.watch(self.refresh, ["saved", "within"])
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Count again, off the event loop: what is saved, and how much could be saved."""
        session = self.session

        def count() -> tuple[dict[str, int], int]:
            counts = {name: session.count_saved(name) for name in session.state.saved}
            return counts, session.n_selected

        self._painter.ask(count, self._show)

    def close(self) -> None:
        """Want no counts any more."""
        self._painter.cancel()

    def _show(self, done: "Future[Any]") -> None:
        if (error := done.exception()) is not None:
            _LOG.error("the saved selections could not be counted", exc_info=error)
            return
        counts, n_selected = done.result()
        within = self.session.state.within
        chips = [{"name": name, "count": n, "on": name == within} for name, n in counts.items()]
        self.chips.param.update(chips=chips, n_selected=n_selected, message="")

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the chips."""
        return self.chips

    def _on_message(self, message: Any) -> None:
        name = message.get("name")
        if not isinstance(name, str):
            return
        state, kind = self.session.state, message.get("type")
        if kind == "save":
            try:
                state.save(name, self.session.selected)
            except InputError as error:
                self.chips.message = str(error)
        elif kind == "show":
            state.show_within(name)
        elif kind == "forget":
            state.forget(name)
