"""One person's session: what the state means for the rows of the store. No widgets here."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.filters import (
    AnyOf,
    Filter,
    Missing,
    OneOf,
    Range,
    Tier,
)
from anomaly_explorer.engine.catalog.order import Sort
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.grid import Window, snap
from anomaly_explorer.engine.plane.histogram import Axis
from anomaly_explorer.engine.plane.lasso import mask_box, mask_polygon
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.pick import nearest_row
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.viewport import Viewport
from anomaly_explorer.engine.query.expression import Expression
from anomaly_explorer.engine.scoring.gate import POPULATIONS, SCIENCE, UNKNOWN

from .frames import frames_of
from .picture import Layers, no_anomalies
from .saved import saved_rows
from .state import ALL, ExplorerState, Rows
from .words import POPULATION_PHRASES

PAGE_ROWS = 25
UNCLASSIFIED = ""


class Session:
    """Answers what is shown, selected and where, for one state over one store.

    Whatever costs time is kept in `frames`, which all sessions over the store share; layers,
    histograms and masks may be asked for on any thread.

    Parameters
    ----------
    store : Store
        Shared by all sessions, read-only.
    state : ExplorerState
        This person's.
    """

    def __init__(self, store: Store, state: ExplorerState) -> None:
        self.store, self.state = store, state
        self.frames = frames_of(store)
        self.counts = population_counts(store)
        state.population = opening_population(self.counts)
        state.sort_by = self.frames.leading_score
        state.selection = Mask.none(store.n_objects)
        state.start_history()
        self._selected = (state.selection, state.selection, state.selection)

    @property
    def population_label(self) -> str:
        """Return the words for the population shown."""
        return POPULATION_PHRASES[self.state.population]

    @property
    def shown_label(self) -> str:
        """Return the words for what the filters show."""
        is_whole = len(self.clauses) == len(self._population())
        return self.population_label if is_whole else f"{self.population_label} shown"

    @property
    def clauses(self) -> tuple[Filter, ...]:
        """Return the conditions that an object must meet to be shown."""
        return self._clauses_but("")

    @property
    def mask(self) -> Mask:
        """Return which of the N objects the filters show."""
        return self.frames.mask(*self.clauses)

    @property
    def n_shown(self) -> int:
        """Return how many objects the filters show."""
        return self.mask.count

    @property
    def selected(self) -> Mask:
        """Return the selected objects that the filters show."""
        return self._shown_and_selected()[1]

    @property
    def n_selected(self) -> int:
        """Return how many objects are selected and shown."""
        return self.selected.count

    @property
    def selected_rows(self) -> Rows:
        """Return the rows of the objects selected and shown, (M,) sorted."""
        return self.selected.rows()

    @property
    def table_mask(self) -> Mask:
        """Return what is in the table: the selection, or everything shown when there is none."""
        return self.selected if self.state.selection.count else self.mask

    def plane(self, name: str) -> Plane:
        """Return a plane of the store."""
        return self.store.plane(name)

    def layers(self, plane: Plane, viewport: Viewport) -> Layers:
        """Return what the map draws, on the pixels of the level grid that the viewport snaps to.

        Parameters
        ----------
        plane : Plane
            One of the store's.
        viewport : Viewport
            What is on screen.
        """
        mask, selected = self._shown_and_selected()
        draw, clauses, coloring = self.frames.pyramids, self.clauses, self.state.coloring
        by = None if coloring is None else (coloring.how, coloring.column)
        window = snap(plane.cells.square, viewport)
        visible = draw.counts(plane, window, mask)
        has_marks = self.frames.can_mark
        return Layers(
            context=draw.counts(plane, window) - visible,
            visible=visible,
            selected=draw.counts(plane, window, selected),
            anomalies=self._anomalies(plane, window) if has_marks else no_anomalies(visible),
            limits=window.limits,
            values=None if by is None else self.frames.colors(plane, window, clauses, by),
            n_categories=0 if coloring is None else len(coloring.categories),
            has_marks=has_marks,
        )

    def _anomalies(self, plane: Plane, window: Window) -> NDArray[np.float32]:
        """Return the highest score of the marked objects in each pixel, (H, W), NaN for none."""
        frames = self.frames
        marked = frames.mask(*self.clauses, frames.marked)
        return frames.pyramids.maxima(plane, window, frames.values(frames.leading_score), marked)

    def histogram(self, name: str) -> tuple[Axis, NDArray[np.int64]]:
        """Return the bins of a column and how many objects are in each, (B,) int64.

        They obey every filter but the range of the column itself, so that a brush on a histogram
        can be moved over what it hides.
        """
        known: Mapping[str, Any] = self.frames.histograms
        if name not in known:
            raise InputError(f"There is no histogram of {name}; there are {', '.join(known)}.")
        counts = known[name].counts(self.frames.mask(*self._clauses_but(name)))
        return known[name].axis, counts

    def count_of(self, condition: Filter) -> int:
        """Return how many objects of the population match a filter."""
        return (self.frames.mask(condition) & self.frames.mask(*self._population())).count

    def brush_polygon(self, plane: Plane, xs: list[float], ys: list[float]) -> None:
        """Let a lasso meet the selection; only objects shown can be picked."""
        self.state.brush(mask_polygon(plane, xs, ys) & self.mask)

    def brush_box(self, plane: Plane, limits: tuple[float, float, float, float]) -> None:
        """Let a box (x0, x1, y0, y1) meet the selection; only objects shown can be picked."""
        self.state.brush(mask_box(plane, *limits) & self.mask)

    def pick(self, plane: Plane, at: tuple[float, float], reach: tuple[float, float]) -> int | None:
        """Return the shown object nearest to a point within an ellipse of plane units."""
        return nearest_row(plane, *at, *reach, mask=self.mask)

    def page(self, names: Sequence[str] | None = None) -> tuple[list[dict[str, Any]], int]:
        """Return the records of the table's page, sorted as the state says, and the row count.

        Only the columns named are read, each from another place on disk; None = all.
        """
        mask, state = self.table_mask, self.state
        first = state.page * PAGE_ROWS
        sort = Sort(state.sort_by, state.is_descending)
        chosen = self.frames.ordered(mask, sort, first, first + PAGE_ROWS)
        records = self.store.records(chosen, names)
        return [{"row": int(row), **r} for row, r in zip(chosen, records, strict=True)], mask.count

    def prepare(self, names: Sequence[str] | None = None) -> None:
        """Work out what counts and a table of some columns will ask for; it is then kept."""
        _ = self.n_shown, self.n_selected, self.page(names)

    def count_saved(self, name: str) -> int:
        """Return how many objects a saved selection has, whatever the filters show."""
        return self.frames.mask(saved_rows(self.state.saved[name])).count

    def population_histogram(self, name: str) -> NDArray[np.int64]:
        """Return how many objects of the population are in each bin of a histogram, (B,)."""
        return self.frames.histograms[name].counts(self.frames.mask(*self._population()))

    def _shown_and_selected(self) -> tuple[Mask, Mask]:
        """Return what is shown and what of it is selected, of one moment."""
        selection, mask = self.state.selection, self.mask
        known_selection, known_mask, selected = self._selected
        if known_selection is not selection or known_mask is not mask:
            selected = selection & mask
            self._selected = (selection, mask, selected)
        return mask, selected

    def _population(self) -> tuple[Filter, ...]:
        population = self.state.population
        return () if population == ALL else (OneOf("population", (population,)),)

    def _clauses_but(self, column: str) -> tuple[Filter, ...]:
        """Return all clauses but the range of a column."""
        state, chosen = self.state, list(self._population())
        if state.tier:
            chosen.append(Tier(state.tier))
        if state.arms:
            chosen.append(OneOf("worst_arm", state.arms))
        if state.classes:
            chosen.append(class_filter(self.store, state.classes))
        chosen += [Range(*limits) for limits in state.ranges if limits[0] != column]
        if state.within in state.saved:
            chosen.append(saved_rows(state.saved[state.within]))
        if state.expression:
            chosen.append(Expression(state.expression))
        return tuple(chosen)


def class_filter(store: Store, classes: tuple[str, ...]) -> Filter:
    """Return the filter of some classes; "" stands for no class or an unknown one."""
    named = OneOf("spectype", tuple(name for name in classes if name))
    if UNCLASSIFIED not in classes:
        return named
    unknown: tuple[Filter, ...] = (named, Missing("spectype"))
    if UNCLASSIFIED in store.legend("spectype"):
        unknown += (OneOf("spectype", (UNCLASSIFIED,)),)
    return AnyOf(unknown)


def population_counts(store: Store) -> dict[str, int]:
    """Return how many objects each population has."""
    counts = store.manifest.counts["populations"]
    return {name: counts.get(name, 0) for name in POPULATIONS}


def opening_population(counts: dict[str, int]) -> str:
    """Return the population the page opens on: science, or unknown where there is no other."""
    return next((name for name in (SCIENCE, UNKNOWN) if counts[name]), ALL)
