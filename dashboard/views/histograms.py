"""Histograms of score, S/N and redshift: what is shown, and a range of each to drag."""

import logging
from concurrent.futures import Future
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.bars import OPEN, Bars, Limits
from anomaly_explorer.dashboard.painter import Painter
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS, DARK, Palette
from anomaly_explorer.dashboard.tick import Tick

NAMES = {"score_mse": "Score", "sigma_astro": "Sigma", "snr": "S/N", "redshift": "Redshift"}
_LOG = logging.getLogger(__name__)
_HEAD_CSS = ".name{font-weight:600;} .limits{color:var(--accent);margin-left:6px;font-size:12px;}"
_CLEAR = {"padding": "0", "& .material-icons": {"fontSize": "14px !important"}}


def describe_limits(limits: Limits) -> str:
    """Return a range in words; nothing where it is open.

    >>> describe_limits((1.5, None)), describe_limits((None, 0.25)), describe_limits((2.0, 30.0))
    ('≥ 1.5', '≤ 0.25', '2 – 30')
    """
    low, high = limits
    if low is None:
        return "" if high is None else f"≤ {high:g}"
    return f"≥ {low:g}" if high is None else f"{low:g} – {high:g}"


class HistogramsView(pn.viewable.Viewer):
    """The histograms of a session's store, drawn off the event loop.

    Parameters
    ----------
    session : Session
    palette : Palette
    """

    def __init__(self, session: Session, palette: Palette = DARK, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self._painter, self._tick = Painter(session.frames.pool), Tick()
        known = session.frames.histograms
        self.bars = {
            name: Bars(name, known[name].axis, partial(self._limit, name))
            for name in NAMES
            if name in known
        }
        self._heads = {
            name: pn.pane.HTML(
                "", margin=(0, 0, 0, 4), stylesheets=[BASE_CSS + _HEAD_CSS],
                css_classes=[f"limits-{name}"], sizing_mode="stretch_width",
            )
            for name in self.bars
        }  # fmt: skip
        self._clears = {name: self._clear_button(name) for name in self.bars}
        self.repaint(palette)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Count again; the old bars stay until the new ones are there."""
        for name in self.bars:
            self._mark(name)
        session = self.session

        def count() -> dict[str, Any]:
            return {
                name: (session.population_histogram(name), session.histogram(name)[1])
                for name in self.bars
            }

        self._painter.ask(count, self._show)

    def repaint(self, palette: Palette) -> None:
        """Change the colours; nothing is counted."""
        for bars in self.bars.values():
            bars.paint(palette)

    def close(self) -> None:
        """Want no counts any more."""
        self._painter.cancel()

    def limits_of(self, name: str) -> Limits:
        """Return the range of a column that is shown."""
        ranges = {column: (low, high) for column, low, high in self.session.state.ranges}
        return ranges.get(name, OPEN)

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the histograms, one below the other."""
        parts: list[Any] = []
        for name, bars in self.bars.items():
            head = pn.Row(self._heads[name], self._clears[name], margin=(6, 0, 0, 0), height=20)
            pane = pn.pane.Bokeh(bars.figure, sizing_mode="stretch_width", margin=0)
            parts += [head, pane]
        return pn.Column(*parts, sizing_mode="stretch_width", margin=0, css_classes=["histograms"])

    def _clear_button(self, name: str) -> pmui.IconButton:
        button = pmui.IconButton(
            icon="close", size="small", margin=0, visible=False, sx=_CLEAR,
            description=f"Show every {NAMES[name]} again", css_classes=[f"clear-{name}"],
        )  # fmt: skip
        button.on_click(lambda _: self._limit(name, OPEN))
        return button

    def _limit(self, name: str, limits: Limits) -> None:
        self.session.state.limit(name, *limits)

    def _mark(self, name: str) -> None:
        limits = self.limits_of(name)
        text = describe_limits(limits)
        self._heads[
            name
        ].object = f'<span class="name">{NAMES[name]}</span><span class="limits">{text}</span>'
        self._clears[name].visible = limits != OPEN
        self._tick.soon(f"mark-{name}", lambda: self.bars[name].mark(limits))

    def _show(self, done: "Future[Any]") -> None:
        error = done.exception()
        if error is not None:
            _LOG.error("the histograms could not be counted", exc_info=error)
            return
        for name, (population, shown) in done.result().items():
            self.bars[name].fill(population, shown)
