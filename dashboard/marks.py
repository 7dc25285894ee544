"""The marks over a map: the ring of the focus, the ring and the words under the mouse."""

from collections.abc import Mapping
from typing import Any

from bokeh.models import ColumnDataSource, Label

from .theme import Palette

Place = Mapping[str, list[float]]
# What is drawn there is painted without the picture under it.
_LEVEL = "overlay"
_WORDS_RIGHT = {"x_offset": 10, "anchor": "bottom_left"}
# One mark that is nowhere: a source must not shrink to nothing while the browser paints it.
NOWHERE: Place = {"x": [float("nan")], "y": [float("nan")]}


class Marks:
    """The marks of one figure.

    Parameters
    ----------
    figure : bokeh.plotting.figure
        They are added to it.
    palette : Palette
    """

    def __init__(self, figure: Any, palette: Palette) -> None:
        self._focus = ColumnDataSource(NOWHERE, name="focus")
        self._hover = ColumnDataSource(NOWHERE, name="hover")
        self._focus_ring = figure.scatter(
            "x", "y", source=self._focus, size=15, fill_alpha=0, line_width=2, marker="circle",
            level=_LEVEL,
        )  # fmt: skip
        self._hover_ring = figure.scatter(
            "x", "y", source=self._hover, size=11, fill_alpha=0, line_width=1.5, marker="circle",
            level=_LEVEL,
        )  # fmt: skip
        self._words = Label(
            x=0, y=0, text="", y_offset=8, visible=False, **_WORDS_RIGHT, name="hover-words",
            text_font_size="11px", padding=6, border_radius=4, level=_LEVEL,
        )  # fmt: skip
        figure.add_layout(self._words)
        self.paint(palette)

    def paint(self, palette: Palette) -> None:
        """Change the colours."""
        self._focus_ring.glyph.line_color = palette.text
        self._hover_ring.glyph.line_color = palette.accent
        self._words.background_fill_color = palette.raised
        self._words.border_line_color = palette.grid
        self._words.text_color = palette.text

    def focus(self, place: Place) -> None:
        """Ring the object in focus."""
        self._focus.data = dict(place)

    def hover(self, place: Place, text: str | None, is_right: bool = False) -> None:
        """Ring and name the object under the mouse; None names nothing.

        The words of one on the right half of the frame stand to its left: there is room for them.
        """
        self._hover.data = dict(place)
        self._words.visible = text is not None
        if text is not None:
            side = {"x_offset": -10, "anchor": "bottom_right"} if is_right else _WORDS_RIGHT
            self._words.update(x=place["x"][0], y=place["y"][0], text=text, **side)
