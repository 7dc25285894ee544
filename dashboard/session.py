"""One person's session: what the state means for the rows of the store. No widgets here."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.filters import AllOf, Filter, OneOf, Tier
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.lasso import rows_in_box, rows_in_polygon
from anomaly_explorer.engine.plane.pick import nearest_row
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.raster import count_raster, max_raster
from anomaly_explorer.engine.plane.viewport import Viewport
from anomaly_explorer.engine.scoring.gate import POPULATIONS, SCIENCE, UNKNOWN

from .picture import Layers
from .state import ALL, ExplorerState, Rows
from .words import POPULATION_PHRASES

PAGE_ROWS = 25
UNCLASSIFIED = ""
# What the anomaly layer marks: the top 1 % of the stated population and the published score tiers.
MARKED_TIERS = ("top_1", "mild", "moderate", "high", "extreme")


class Session:
    """Answers what is shown, selected and where, for one state over one store.

    Parameters
    ----------
    store : Store
        Shared by all sessions, read-only.
    state : ExplorerState
        This person's.
    """

    def __init__(self, store: Store, state: ExplorerState) -> None:
        self.store, self.state = store, state
        self.counts = population_counts(store)
        state.population = opening_population(self.counts)
        state.start_history()
        self._mask_of = lru_cache(maxsize=8)(self._compute_mask)
        self._marked: NDArray[np.bool_] | None = None

    @property
    def population_label(self) -> str:
        """Return the words for the population shown."""
        return POPULATION_PHRASES[self.state.population]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Return which objects the filters show, (N,) bool."""
        return self._mask_of(self.state.moment.filters)

    @property
    def n_shown(self) -> int:
        """Return how many objects the filters show."""
        return int(np.count_nonzero(self.mask))

    @property
    def selected_rows(self) -> Rows:
        """Return the selected rows that the filters show, sorted."""
        rows = self.state.selection
        return rows[self.mask[rows]]

    @property
    def table_rows(self) -> Rows:
        """Return the rows of the table: the selection, or everything shown when there is none."""
        if len(self.state.selection):
            return self.selected_rows
        return np.flatnonzero(self.mask)

    def plane(self, name: str) -> Plane:
        """Return a plane of the store."""
        return self.store.plane(name)

    def layers(self, plane: Plane, viewport: Viewport) -> Layers:
        """Return what the map draws: context, shown, selected, anomalies."""
        mask = self.mask
        is_selected = np.zeros(self.store.n_objects, dtype=bool)
        is_selected[self.selected_rows] = True
        marked = mask & self._marked_rows()
        return Layers(
            context=count_raster(plane, viewport, ~mask),
            visible=count_raster(plane, viewport, mask),
            selected=count_raster(plane, viewport, is_selected),
            anomalies=max_raster(plane, viewport, self.store.column("score_mse"), marked),
        )

    def brush_polygon(self, plane: Plane, xs: list[float], ys: list[float]) -> None:
        """Let a lasso meet the selection; only objects shown can be picked."""
        self._brush(rows_in_polygon(plane, xs, ys))

    def brush_box(self, plane: Plane, limits: tuple[float, float, float, float]) -> None:
        """Let a box (x0, x1, y0, y1) meet the selection; only objects shown can be picked."""
        self._brush(rows_in_box(plane, *limits))

    def pick(self, plane: Plane, at: tuple[float, float], reach: tuple[float, float]) -> int | None:
        """Return the shown object nearest to a point within an ellipse of plane units."""
        return nearest_row(plane, *at, *reach, mask=self.mask)

    def page(self) -> tuple[list[dict[str, Any]], int]:
        """Return the records of the table's page, sorted as the state says, and the row count."""
        rows = self.table_rows
        ordered = rows[sort_order(self.store, self.state.sort_by, rows, self.state.is_descending)]
        first = self.state.page * PAGE_ROWS
        chosen = ordered[first : first + PAGE_ROWS]
        records = self.store.records(chosen)
        return [{"row": int(row), **r} for row, r in zip(chosen, records, strict=True)], len(rows)

    def _brush(self, rows: Rows) -> None:
        self.state.brush(rows[self.mask[rows]])

    def _marked_rows(self) -> NDArray[np.bool_]:
        if self._marked is None:
            masks = [Tier(name).mask(self.store) for name in MARKED_TIERS]
            self._marked = np.logical_or.reduce(masks)
        return self._marked

    def _compute_mask(self, filters: tuple[Any, ...]) -> NDArray[np.bool_]:
        population, tier, arms, classes = filters
        chosen: list[Filter] = []
        if population != ALL:
            chosen.append(OneOf("population", (population,)))
        if tier:
            chosen.append(Tier(tier))
        if arms:
            chosen.append(OneOf("worst_arm", arms))
        mask = AllOf(tuple(chosen)).mask(self.store)
        return mask & class_mask(self.store, classes) if classes else mask


def class_mask(store: Store, classes: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which objects are of one of the classes; "" stands for no class or an unknown one."""
    mask = OneOf("spectype", tuple(name for name in classes if name)).mask(store)
    if UNCLASSIFIED in classes:
        codes, legend = store.column("spectype"), store.legend("spectype")
        mask = mask | (codes < 0)
        if UNCLASSIFIED in legend:
            mask |= codes == legend.index(UNCLASSIFIED)
    return mask


def population_counts(store: Store) -> dict[str, int]:
    """Return how many objects each population has."""
    legend, codes = store.legend("population"), store.column("population")
    return {
        name: int(np.count_nonzero(codes == legend.index(name))) if name in legend else 0
        for name in POPULATIONS
    }


def opening_population(counts: dict[str, int]) -> str:
    """Return the population the page opens on: science, or unknown where there is no other."""
    return next((name for name in (SCIENCE, UNKNOWN) if counts[name]), ALL)


def sort_order(store: Store, column: str, rows: Rows, is_descending: bool) -> NDArray[np.intp]:
    """Return the order of rows by a column; missing values last, ties by target id.

    Categories sort by their text. Returns positions into `rows`.
    """
    values = store.column(column)[rows]
    if store.is_category(column):
        legend = store.legend(column)
        rank = np.argsort(np.argsort(np.array(legend, dtype=str), kind="stable"), kind="stable")
        missing = values < 0
        values = np.where(missing, 0, rank[values] if len(legend) else 0).astype(np.int64)
    elif values.dtype.kind == "f":
        missing = np.isnan(values)
    else:
        missing = values == store.describe(column).null
    if is_descending:
        # Negating would overflow the smallest int64; ranks of distinct values cannot.
        values = -np.unique(values, return_inverse=True)[1]
    return np.lexsort((store.column("target_id")[rows], values, missing))
