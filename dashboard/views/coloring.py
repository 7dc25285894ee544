"""What the maps are coloured by, and what the colours mean."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.coloring import HOWS, Coloring, columns_for
from anomaly_explorer.dashboard.controls import FIELD
from anomaly_explorer.dashboard.picture import VALUE_RAMP, category_colors
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS

COUNT = "count"
_CSS = """
.legend{display:flex;align-items:center;flex-wrap:wrap;gap:0 8px;font-size:11px;line-height:15px;
color:var(--muted);max-height:30px;overflow:hidden;} .legend>span{white-space:nowrap;}
.ramp{width:110px;height:8px;border-radius:2px;flex:none;}
.key{display:inline-block;width:8px;height:8px;border-radius:2px;margin-right:3px;}
.swatch{display:inline-block;width:8px;height:8px;border-radius:50%;margin-right:3px;}
"""

_SCORES = {"score_mse": "scores", "sigma_astro": "sigma_astro"}


def draw_legend(
    coloring: Coloring | None, limits: tuple[float, float] | None, n_marked: int, score: str
) -> str:
    """Return what the colours of the objects shown mean, as HTML.

    Parameters
    ----------
    coloring : Coloring or None
        None = how many there are.
    limits : (float, float) or None
        Values of the first and the last colour.
    n_marked : int
        How many objects of each population are marked.
    score : str
        The column that they have the highest values of.
    """
    marks = (
        '<span><span class="swatch" style="background:var(--context)"></span>filtered out</span>'
        '<span><span class="swatch" style="background:var(--selected)"></span>selected</span>'
        '<span><span class="swatch" style="background:var(--anomaly)"></span>'
        f"{n_marked:,} highest {_SCORES[score]}</span>"
    )
    if coloring is None:
        middle = '<span>few</span><span class="ramp" style="background:var(--ramp)"></span>many'
    elif coloring.categories:
        colors = category_colors(len(coloring.categories))
        middle = "".join(
            f'<span><span class="key" style="background:{color}"></span>{escape(name)}</span>'
            for name, color in zip(coloring.categories, colors, strict=True)
        )
    elif limits is None:
        middle = "<span>no values on screen</span>"
    else:
        stops = ",".join(VALUE_RAMP[i] for i in range(0, 256, 51))
        middle = (
            f'<span>{limits[0]:.3g}</span><span class="ramp" style="background:'
            f'linear-gradient(90deg,{stops})"></span><span>{limits[1]:.3g}</span>'
        )
    return f'<div class="legend">{middle}{marks}</div>'


class ColoringView(pn.viewable.Viewer):
    """Choice of the colours and their legend, bound to a session."""

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        field = {"size": "small", "margin": (0, 3), "sx": FIELD, "align": "center"}
        self._how = pmui.Select(
            options={"Number of objects": COUNT, **{word: how for how, word in HOWS.items()}},
            value=COUNT, width=150, css_classes=["color-how"], **field,
        )  # fmt: skip
        self._column = pmui.Select(
            options=[], width=170, visible=False, searchable=True, css_classes=["color-by"], **field
        )
        self._legend = pn.pane.HTML(
            self._drawn(None), stylesheets=[BASE_CSS + _CSS], align="center", margin=(0, 6),
            css_classes=["color-legend"], sizing_mode="stretch_width",
        )  # fmt: skip
        self._how.param.watch(self._on_how, "value")
        self._column.param.watch(self._on_column, "value")

    def show_legend(self, limits: tuple[float, float] | None) -> None:
        """Say what the colours of the frame just drawn mean."""
        self._legend.object = self._drawn(limits)

    def _drawn(self, limits: tuple[float, float] | None) -> str:
        frames = self.session.frames
        return draw_legend(
            self.session.state.coloring, limits, frames.n_marked, frames.leading_score
        )

    def _on_how(self, *_: Any) -> None:
        how = self._how.value
        if how == COUNT:
            self._column.visible = False
            self.session.state.coloring = None
            return
        columns = columns_for(self.session.store, how)
        kept = self._column.value if self._column.value in columns else columns[0]
        self._column.param.update(options=columns, value=kept, visible=True)
        self._on_column()

    def _on_column(self, *_: Any) -> None:
        how, column = self._how.value, self._column.value
        if how != COUNT and column in columns_for(self.session.store, how):
            self.session.state.coloring = Coloring.of(self.session.store, how, column)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return one row."""
        return pn.Row(
            self._how, self._column, self._legend, sizing_mode="stretch_width", height=32,
            align="center", margin=0,
        )  # fmt: skip
