"""The browser's side of the page: colours every shadow root inherits, and the keyboard."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from .theme import Palette

Keys = Mapping[str, Callable[[], None]]
# What the browser does by itself: focus the search field, open the list of keys.
OWN_KEYS = ("/", "?")


class Browser(JSComponent):
    """Puts the palette at the root of the page and tells which key was pressed.

    Keys are off while a person types.

    Parameters
    ----------
    keys : mapping of str to callable
        Key names such as ``n``, ``arrowup``, ``shift+arrowup`` or ``ctrl+z``, and what they do.
    """

    css = param.String(doc="Custom properties of the palette.")
    keys = param.List(doc="Names of the keys that do something.")

    _esm = Path(__file__).parent / "browser.js"

    def __init__(self, keys: Keys, **params: Any) -> None:
        super().__init__(keys=[*keys, *OWN_KEYS], width=0, height=0, margin=0, **params)
        self._actions = dict(keys)

    def paint(self, palette: Palette) -> None:
        """Change the colours of everything that is HTML."""
        self.css = palette.variables()

    def _handle_msg(self, message: Any) -> None:
        action = self._actions.get(message.get("name"))
        if action is not None:
            action()
