"""What if: sliders that move the latents of the object in focus, decoded as they move."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.explain.what_if import REACH

_CSS = """
:host{display:block;overflow-y:auto;} .sliders{display:grid;gap:4px 22px;margin:8px 0 6px;
grid-template-columns:repeat(auto-fill,minmax(230px,1fr));}
label{display:grid;grid-template-columns:108px 1fr 52px;align-items:center;gap:6px;
font-size:12px;color:var(--muted);white-space:nowrap;} label.way{grid-column:1/-1;}
input{width:100%;margin:0;accent-color:var(--selected);height:16px;}
output{font-family:var(--mono);font-size:11px;text-align:right;color:var(--text);}
.row{display:flex;gap:10px;align-items:baseline;} .hint{font-size:12px;color:var(--muted);
max-width:92ch;} button{all:unset;cursor:pointer;border:1px solid var(--grid);border-radius:5px;
padding:0 9px;font-size:12px;line-height:22px;} button:hover{background:var(--raised);}
button:focus-visible,input:focus-visible{outline:1px solid var(--accent);} [hidden]{display:none;}
"""
NOTHING = "Focus an object to move its latents and see what the model would make of it."
WAITING = "Working out which of the latents matter to this spectrum…"
HINT = (
    "The latents that matter most to this spectrum, in standard deviations of the store around the "
    "object's own; the model decodes them into the curve over the reconstruction. Beside each: how "
    "much one deviation changes the spectrum, in deviations of its noise."
)
_TITLE = "one deviation changes the spectrum by {:.2g} deviations of its noise (root mean square)"


class SliderPanel(JSComponent):
    """The sliders in the browser; they stay where a person puts them until `version` changes."""

    sliders = param.List(doc="Label and title of each latent; empty while it is worked out.")
    has_twin = param.Boolean(doc="Whether there is a twin to go to.")
    reach = param.Number(REACH, doc="How far a latent can be moved to either side.")
    hint = param.String(NOTHING, doc="What is under the sliders.")
    version = param.Integer(doc="Counts how often everything was moved back.")

    _esm = Path(__file__).parent / "sliders.js"

    def __init__(self, on_message: Callable[[Any], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        # A slider of the object before may still have been under way.
        if message.get("type") != "move" or message.get("version") == self.version:
            self._on_message(message)


class SlidersView(pn.viewable.Viewer):
    """The sliders of one object at a time.

    Parameters
    ----------
    on_message : callable
        Told what a person did: ``{"type": "reset"}``, or ``{"type": "move", "index": int,
        "value": float}`` of the sliders that are shown, where index -1 is the way to the twin.
    """

    def __init__(self, on_message: Callable[[Any], None], **params: Any) -> None:
        super().__init__(**params)
        self.panel = SliderPanel(
            on_message, margin=(2, 8), sizing_mode="stretch_both",
            stylesheets=[BASE_CSS + _CSS], css_classes=["what-if"],
        )  # fmt: skip

    def show(self, chosen: Sequence[int], importance: Sequence[float]) -> None:
        """Show the sliders of an object, at rest."""
        sliders = [
            {"label": f"latent {number}", "size": f"{size:.2g}", "title": _TITLE.format(size)}
            for number, size in zip(chosen, importance, strict=True)
        ]
        self._put(sliders, HINT)

    def clear(self, is_waiting: bool) -> None:
        """Show no sliders, and why: they are worked out, or nothing is in focus."""
        self.panel.has_twin = False
        self._put([], WAITING if is_waiting else NOTHING)

    def set_twin(self, has_twin: bool) -> None:
        """Say whether there is a twin to go to."""
        self.panel.has_twin = has_twin

    def rest(self) -> None:
        """Move every slider back."""
        self.panel.version += 1

    def __panel__(self) -> pn.viewable.Viewable:
        return self.panel

    def _put(self, sliders: list[dict[str, str]], hint: str) -> None:
        self.panel.param.update(sliders=sliders, hint=hint, version=self.panel.version + 1)
