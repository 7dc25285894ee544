"""Colours and type of the page, light and dark, and how a Bokeh figure wears them.

A figure is restyled in place by `style_figure`; nothing is rebuilt when a person switches theme.
Hues of the arms follow DESI's custom (blue, red, near infrared) at lightnesses that stay apart for
colour-blind eyes; the density ramp climbs in lightness alone, so that it reads without hue.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from bokeh.themes import Theme
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import Arm

SANS = '"Inter", "SF Pro Text", "Segoe UI", system-ui, "Liberation Sans", sans-serif'
MONO = '"JetBrains Mono", "SF Mono", ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace'
TRANSPARENT = "#00000000"
_RAMP_SIZE = 256
_GAMMA = 2.2
# panel-material-ui repaints every Bokeh model in the browser except the types that the document's
# theme names; ours are dressed by `style_figure`. Set as `pn.state.curdoc.theme` of a session.
OWN_STYLE = Theme(json={"attrs": {name: {} for name in ("Axis", "Figure", "Grid", "Legend")}})


@dataclass(frozen=True)
class Palette:
    """Every colour of one theme, as ``#rrggbb``.

    `ramp_stops` are the anchors of the density ramp from few to many; `density` is the ramp itself.
    """

    name: str
    background: str
    panel: str
    raised: str
    text: str
    muted: str
    grid: str
    accent: str
    good: str
    warning: str
    bad: str
    blue_arm: str
    red_arm: str
    nir_arm: str
    reconstruction: str
    noise: str
    residual: str
    sky: str
    overlap: str
    emission: str
    absorption: str
    anomaly: str
    selected: str
    context: str
    ramp_stops: tuple[str, ...]

    def arm(self, arm: Arm) -> str:
        """Return the colour of one arm."""
        return {Arm.BLUE: self.blue_arm, Arm.RED: self.red_arm, Arm.NIR: self.nir_arm}[arm]

    @property
    def is_dark(self) -> bool:
        """Return whether the background is darker than the text."""
        return sum(_rgb(self.background)) < sum(_rgb(self.text))

    @cached_property
    def density(self) -> tuple[str, ...]:
        """Return the 256 colours of the density ramp; entry 0 (no object) is transparent."""
        return (TRANSPARENT, *_ramp(self.ramp_stops, _RAMP_SIZE - 1))

    def variables(self) -> str:
        """Return the colours and the type as custom properties of the page's root."""
        names = ("background", "panel", "raised", "text", "muted", "grid", "accent", "good")
        names += ("warning", "bad", "blue_arm", "red_arm", "nir_arm", "reconstruction", "noise")
        names += ("context", "selected", "anomaly")
        colors = "".join(f"--{n.replace('_', '-')}:{getattr(self, n)};" for n in names)
        ramp = f"--ramp:linear-gradient(90deg,{','.join(self.ramp_stops)});"
        return f":root{{{colors}{ramp}--sans:{SANS};--mono:{MONO};}}"


# A button that opens what hangs below it: <details><summary>…</summary><div class="menu">.
MENU_CSS = """
:host{color:var(--text);font:13px/1.45 var(--sans);overflow:visible;}
details{position:relative;} summary{list-style:none;cursor:pointer;padding:0 9px;line-height:24px;
border:1px solid var(--grid);border-radius:5px;white-space:nowrap;font-size:12px;}
summary::-webkit-details-marker{display:none;} summary:hover,details[open] summary{background:
var(--raised);} summary:focus-visible{outline:1px solid var(--accent);}
.menu{position:absolute;right:0;top:30px;z-index:2000;padding:8px 12px;min-width:270px;
background:var(--panel);border:1px solid var(--grid);border-radius:6px;
box-shadow:0 6px 18px rgba(0,0,0,.35);}
"""
# Every HTML pane wears this; the colours come down from the root, through all shadow roots.
BASE_CSS = """
:host{color:var(--text);font:13px/1.45 var(--sans);font-variant-numeric:tabular-nums;}
a{color:var(--accent);text-decoration:none;} a:hover{text-decoration:underline;}
.mono{font-family:var(--mono);font-size:12px;} .muted{color:var(--muted);}
.chip{display:inline-block;padding:0 7px;border-radius:9px;font-size:11px;line-height:18px;
border:1px solid var(--grid);color:var(--muted);white-space:nowrap;}
.chip.simulated{border-color:var(--warning);color:var(--warning);font-weight:700;}
.chip.ill{border-color:var(--bad);color:var(--bad);font-weight:700;}
"""

DARK = Palette(
    name="dark",
    background="#0d1117",
    panel="#12171f",
    raised="#1a212b",
    text="#e3e8ef",
    muted="#8b96a5",
    grid="#262e39",
    accent="#6cb6ff",
    good="#4fb58a",
    warning="#e0a83c",
    bad="#ff6b5e",
    blue_arm="#58a6f2",
    red_arm="#f08068",
    nir_arm="#c9a3f5",
    reconstruction="#f5f2e6",
    noise="#8fa3bb",
    residual="#d5dbe4",
    sky="#7d8a5e",
    overlap="#93a1b3",
    emission="#5cc8e8",
    absorption="#f2837a",
    anomaly="#ff8a3d",
    selected="#ff6fc2",
    context="#3a4452",
    ramp_stops=("#18304a", "#1f5578", "#2b83a0", "#5fb3ab", "#b4d9a8", "#fbf7c5"),
)
LIGHT = Palette(
    name="light",
    background="#f6f7f9",
    panel="#ffffff",
    raised="#eef1f5",
    text="#18202b",
    muted="#5d6978",
    grid="#e1e6ec",
    accent="#0b66c3",
    good="#1a7a52",
    warning="#8f5f00",
    bad="#c22f22",
    blue_arm="#2274c4",
    red_arm="#cc4f36",
    nir_arm="#7f4fc0",
    reconstruction="#10151c",
    noise="#8896a8",
    residual="#39434f",
    sky="#b9bf8f",
    overlap="#9aa7b6",
    emission="#0f7d9e",
    absorption="#b8443a",
    anomaly="#d4560b",
    selected="#7a1fa2",
    context="#c3cbd5",
    ramp_stops=("#d5e6ea", "#9fcbd3", "#5ba3b8", "#2f7599", "#1e4a78", "#131f4c"),
)


def style_figure(figure: Any, palette: Palette) -> None:
    """Dress a Bokeh figure in a palette, in place; its glyphs keep their own colours.

    Parameters
    ----------
    figure : bokeh.models.Plot
        Built by anyone, shown already or not.
    palette : Palette
        `LIGHT` or `DARK`.
    """
    figure.background_fill_color = palette.panel
    figure.border_fill_color = palette.panel
    figure.outline_line_color = None
    figure.title.text_color = palette.text
    figure.title.text_font = SANS
    figure.title.text_font_size = "12px"
    for axis in figure.axis:
        axis.axis_line_color = palette.grid
        axis.major_tick_line_color = palette.grid
        axis.minor_tick_line_color = None
        axis.major_tick_in = 0
        axis.major_label_text_color = palette.muted
        axis.major_label_text_font = MONO
        axis.major_label_text_font_size = "10px"
        axis.axis_label_text_color = palette.muted
        axis.axis_label_text_font = SANS
        axis.axis_label_text_font_size = "11px"
        axis.axis_label_text_font_style = "normal"
    for grid in figure.grid:
        grid.grid_line_color = palette.grid
        grid.grid_line_alpha = 0.7
    for legend in figure.legend:
        _style_legend(legend, palette)


def blend(start: str, end: str, share: float) -> str:
    """Return the colour that lies a share (0 to 1) of the way between two, in linear light.

    Examples
    --------
    >>> blend("#000000", "#ffffff", 0.0), blend("#000000", "#ffffff", 1.0)
    ('#000000', '#ffffff')
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie between 0 and 1, got {share}")
    first, second = _linear(start), _linear(end)
    return _hex(first + (second - first) * share)


def _style_legend(legend: Any, palette: Palette) -> None:
    legend.background_fill_color = palette.panel
    legend.background_fill_alpha = 0.8
    legend.border_line_color = None
    legend.label_text_color = palette.muted
    legend.label_text_font = SANS
    legend.label_text_font_size = "11px"


def _rgb(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _linear(color: str) -> NDArray[np.float64]:
    return (np.array(_rgb(color)) / 255) ** _GAMMA


def _hex(linear: NDArray[np.float64]) -> str:
    r, g, b = (int(v) for v in np.rint(255 * linear ** (1 / _GAMMA)))
    return f"#{r:02x}{g:02x}{b:02x}"


def _ramp(stops: tuple[str, ...], n: int) -> list[str]:
    # Straight lines in linear light keep lightness rising between anchors of rising lightness.
    anchors = np.stack([_linear(stop) for stop in stops])
    position = np.linspace(0, len(stops) - 1, n)
    channels = [np.interp(position, np.arange(len(stops)), anchors[:, c]) for c in range(3)]
    return [_hex(color) for color in np.stack(channels, axis=1)]
