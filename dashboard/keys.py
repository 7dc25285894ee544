"""What each key does; the same verbs as the controls on the page."""

from typing import TYPE_CHECKING

from .browser import Keys

if TYPE_CHECKING:
    from .app import Explorer

FINE, COARSE = 0.0001, 0.001
# Key → what it does, as the guide lists them.
MEANINGS = {
    "n": "next object of the table",
    "b": "previous object of the table",
    "l": "spectral lines on or off",
    "t": "reconstruction on or off",
    "v": "noise band on or off",
    "w": "observed or rest frame",
    "s": "smooth more",
    "d": "smooth less",
    "r": "whole spectrum again",
    ",": "previous spectral line",
    ".": "next spectral line",
    "arrowup": "redshift + 0.0001",
    "arrowdown": "redshift − 0.0001",
    "shift+arrowup": "redshift + 0.001",
    "shift+arrowdown": "redshift − 0.001",
    "f": "objects most like the one in focus",
    "escape": "close an open menu, else clear the selection",
    "ctrl+z": "undo",
    "ctrl+shift+z": "redo",
    "/": "search a TARGETID",
    "?": "this list of keys",
}


def bind_keys(explorer: "Explorer") -> Keys:
    """Return what each key does on one person's page."""
    state, spectrum = explorer.state, explorer.spectrum

    def toggle(name: str) -> None:
        spectrum.param.update({name: not getattr(spectrum, name)})

    def smooth(step: int) -> None:
        low, high = spectrum.param.smoothing.bounds
        spectrum.smoothing = min(max(spectrum.smoothing + step, low), high)

    def turn_frame() -> None:
        spectrum.frame = "rest" if spectrum.frame == "observed" else "observed"

    return {
        "n": lambda: explorer.step_focus(1),
        "b": lambda: explorer.step_focus(-1),
        "l": lambda: toggle("show_lines"),
        "t": lambda: toggle("show_reconstruction"),
        "v": lambda: toggle("show_noise"),
        "w": turn_frame,
        "s": lambda: smooth(1),
        "d": lambda: smooth(-1),
        "r": spectrum.reset_view,
        ",": lambda: spectrum.focus_line(-1),
        ".": lambda: spectrum.focus_line(1),
        "arrowup": lambda: spectrum.nudge(FINE),
        "arrowdown": lambda: spectrum.nudge(-FINE),
        "shift+arrowup": lambda: spectrum.nudge(COARSE),
        "shift+arrowdown": lambda: spectrum.nudge(-COARSE),
        "f": lambda: explorer.drawer.show_similar(),
        "escape": state.clear_selection,
        "ctrl+z": state.undo,
        "ctrl+shift+z": state.redo,
    }
