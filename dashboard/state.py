"""What a person has chosen: filters, selection, focus, plane, order of the table; and undo.

State knows nothing of widgets: it imports param, not panel, and is tested in milliseconds.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import param
from numpy.typing import NDArray

MODES = ("replace", "add", "remove", "intersect")
ALL = "all"
MAX_UNDO = 100

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Moment:
    """What undo brings back: filters and selection."""

    population: str
    tier: str
    arms: tuple[str, ...]
    classes: tuple[str, ...]
    selection: Rows

    def is_same(self, other: "Moment") -> bool:
        """Return whether two moments show the same."""
        return self.filters == other.filters and np.array_equal(self.selection, other.selection)

    @property
    def filters(self) -> tuple[Any, ...]:
        """Return the part that decides which objects are shown."""
        return self.population, self.tier, self.arms, self.classes


def combine_rows(old: Rows, new: Rows, mode: str) -> Rows:
    """Let a new brush meet the old selection: replace, add, remove or intersect.

    Parameters
    ----------
    old, new : (M,) int64
        Sorted store rows.
    mode : str
        One of `MODES`.

    Returns
    -------
    (M,) int64
        Sorted, without repeats.

    Examples
    --------
    >>> combine_rows(np.array([1, 2, 3]), np.array([3, 4]), "remove").tolist()
    [1, 2]
    """
    if mode == "replace":
        return np.unique(new)
    if mode == "add":
        return np.union1d(old, new)
    if mode == "remove":
        return np.setdiff1d(old, new)
    if mode == "intersect":
        return np.intersect1d(old, new)
    raise ValueError(f"selection mode {mode!r} is none of {', '.join(MODES)}")


class ExplorerState(param.Parameterized):
    """One person's view of a store."""

    population = param.String(default=ALL, doc="Population shown: science, gated, unknown or all.")
    tier = param.String(default="", doc="Name of the tier shown; empty = every score.")
    arms = param.ClassSelector(
        class_=tuple, default=(), doc="Worst arms shown (B, R, Z); empty = every arm."
    )
    classes = param.ClassSelector(
        class_=tuple, default=(), doc="Classes shown; empty = every class."
    )
    selection = param.Array(default=NO_ROWS, doc="Store rows picked by brushes, sorted.")
    mode = param.Selector(default="replace", objects=list(MODES), doc="How a brush combines.")
    focus = param.Integer(default=None, allow_None=True, doc="Store row being inspected.")
    plane = param.String(default="", doc="Plane on screen; empty = both side by side.")
    sort_by = param.String(default="score_mse", doc="Column the table is sorted by.")
    is_descending = param.Boolean(default=True, doc="Whether the largest value comes first.")
    page = param.Integer(default=0, bounds=(0, None), doc="Page of the table, from 0.")

    FILTERS: ClassVar[tuple[str, ...]] = ("population", "tier", "arms", "classes")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._past: list[Moment] = [self.moment]
        self._future: list[Moment] = []
        self._is_restoring = False
        self.param.watch(self._remember, [*self.FILTERS, "selection"])
        self.param.watch(self._back_to_first_page, [*self.FILTERS, "selection", "sort_by"])

    @property
    def moment(self) -> Moment:
        """Return filters and selection as they are."""
        return Moment(self.population, self.tier, self.arms, self.classes, self.selection)

    def brush(self, rows: Rows) -> None:
        """Let the rows of a brush meet the selection, in the chosen mode."""
        self.selection = combine_rows(self.selection, rows, self.mode)

    def clear_selection(self) -> None:
        """Pick nothing."""
        self.selection = NO_ROWS

    def reset_filters(self) -> None:
        """Show every tier, arm and class of the population."""
        self.param.update(tier="", arms=(), classes=())

    def sort(self, column: str) -> None:
        """Sort by a column, or turn its order around when it is the one already."""
        if column == self.sort_by:
            self.param.update(is_descending=not self.is_descending, page=0)
        else:
            self.param.update(sort_by=column, is_descending=True)

    def start_history(self) -> None:
        """Make the present moment the first one; nothing before it can be undone."""
        self._past, self._future = [self.moment], []

    @property
    def can_undo(self) -> bool:
        """Return whether there is something to undo."""
        return len(self._past) > 1

    @property
    def can_redo(self) -> bool:
        """Return whether there is something to redo."""
        return bool(self._future)

    def undo(self) -> None:
        """Go back to the moment before the last change of filters or selection."""
        if self.can_undo:
            self._future.append(self._past.pop())
            self._restore(self._past[-1])

    def redo(self) -> None:
        """Go forward again."""
        if self.can_redo:
            self._past.append(self._future.pop())
            self._restore(self._past[-1])

    def _restore(self, moment: Moment) -> None:
        self._is_restoring = True
        try:
            self.param.update(**vars(moment))
        finally:
            self._is_restoring = False

    def _remember(self, *_: Any) -> None:
        if self._is_restoring or self.moment.is_same(self._past[-1]):
            return
        self._past = [*self._past[-MAX_UNDO:], self.moment]
        self._future.clear()

    def _back_to_first_page(self, *_: Any) -> None:
        self.page = 0
