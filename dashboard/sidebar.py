"""The left column: population, histograms, expression, saved selections, tier, band and class."""

from typing import Any

import panel as pn

from .session import Session
from .theme import Palette
from .tick import Tick
from .views.expression import ExpressionView
from .views.filters import FiltersView
from .views.histograms import HistogramsView
from .views.saved import SavedView


class Sidebar:
    """Everything that decides what is shown, on one person's page.

    Parameters
    ----------
    session : Session
    palette : Palette
    """

    def __init__(self, session: Session, palette: Palette) -> None:
        self.session = session
        self.filters = FiltersView(session)
        self.histograms = HistogramsView(session, palette)
        self.expression = ExpressionView(session)
        self.saved = SavedView(session)
        self._tick = Tick()
        state = session.state
        state.param.watch(lambda *_: self._tick.soon("histograms", self.histograms.refresh),
                          list(state.FILTERS))  # fmt: skip
        state.param.watch(self.expression.refresh, ["expression", "population"])
        state.param.watch(lambda *_: self._tick.soon("saved", self.saved.refresh),
                          [*state.FILTERS, "selection"])  # fmt: skip

    @property
    def column(self) -> pn.Column:
        """Return all of it, one below the other."""
        middle = pn.Column(
            self.histograms, self.expression, self.saved, sizing_mode="stretch_width",
            margin=(0, 6),
        )  # fmt: skip
        return pn.Column(
            self.filters.population, middle, self.filters.rest, sizing_mode="stretch_width",
            margin=0,
        )  # fmt: skip

    def repaint(self, palette: Palette) -> None:
        """Change the colours."""
        self.histograms.repaint(palette)

    def close(self, *_: Any) -> None:
        """Want no answers any more."""
        self.histograms.close()
        self.saved.close()
        self.expression.close()
