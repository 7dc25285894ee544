"""The analysis note under the spectrum: why the object is strange; every number leads somewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.theme import BASE_CSS

if TYPE_CHECKING:
    from anomaly_explorer.engine.explain.note import Segment

_CSS = """
:host{display:block;} details{border-top:1px solid var(--grid);padding:4px 0 2px;}
summary{cursor:pointer;font-weight:600;font-size:12px;} summary:focus-visible{outline:1px solid
var(--accent);} p{margin:3px 0 4px;max-width:92ch;} button{all:unset;cursor:pointer;}
a{cursor:pointer;} button:focus-visible,a:focus-visible{outline:1px solid var(--accent);}
.meaning{font-size:12px;color:var(--muted);min-height:0;max-width:92ch;}
.meaning b{color:var(--text);font-family:var(--mono);font-weight:600;}
.twin{border:1px solid var(--grid);border-radius:5px;padding:0 9px;font-size:12px;
line-height:22px;} .twin.on{border-color:var(--good);color:var(--good);}
.twin:hover{background:var(--raised);} [hidden]{display:none;}
"""


class NoteText(JSComponent):
    """The note in the browser; every piece is written as text, never as HTML."""

    segments = param.List(doc="Text and target of each piece, in order.")
    meaning = param.List(doc="Name and meaning of what was asked for last; empty for nothing.")
    twin = param.String(doc="Label of the button that lays the twin over; empty without one.")
    shows_twin = param.Boolean(doc="Whether the twin is laid over.")
    is_waiting = param.Boolean(doc="Whether a note is on its way; the place of the last is kept.")

    _esm = Path(__file__).parent / "note.js"

    def __init__(self, on_message: Callable[[Any], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        self._on_message(message)


class NoteView(pn.viewable.Viewer):
    """Show one note at a time, or none.

    Parameters
    ----------
    on_link : callable
        Told the target of a piece that was clicked.
    on_twin : callable
        Told that the twin is wanted over the spectrum, or no longer.
    """

    def __init__(
        self, on_link: Callable[[str], None], on_twin: Callable[[], None], **params: Any
    ) -> None:
        super().__init__(**params)
        self._on_link, self._on_twin = on_link, on_twin
        self.text = NoteText(
            self._on_message, margin=(2, 8), sizing_mode="stretch_width",
            stylesheets=[BASE_CSS + _CSS], css_classes=["note-panel"],
        )  # fmt: skip

    def show(self, note: "Sequence[Segment]", twin: str = "") -> None:
        """Show a note, and a button for its twin where it has one."""
        pieces = [{"text": piece.text, "target": piece.target} for piece in note]
        self.text.param.update(segments=pieces, twin=twin, meaning=[], is_waiting=False)

    def clear(self, is_waiting: bool) -> None:
        """Show no note; where one is on its way, the place of the last is kept."""
        self.text.is_waiting = is_waiting  # before the rest: the browser takes one at a time
        self.text.param.update(segments=[], twin="", meaning=[])

    def define(self, name: str, meaning: str) -> None:
        """Say below the note what a word of it means."""
        self.text.meaning = [name, meaning]

    def mark_twin(self, is_shown: bool) -> None:
        """Say whether the twin is laid over."""
        self.text.shows_twin = is_shown

    def __panel__(self) -> pn.viewable.Viewable:
        return self.text

    def _on_message(self, message: Any) -> None:
        kind, target = message.get("type"), message.get("target")
        known = {piece["target"] for piece in self.text.segments} - {""}
        if kind == "link" and isinstance(target, str) and target in known:
            self._on_link(target)
        elif kind == "twin":
            self._on_twin()
