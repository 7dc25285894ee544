"""What a person has chosen: filters, selection, focus, plane, order of the table; and undo.

State knows nothing of widgets: it imports param, not panel, and is tested in milliseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import param
from numpy.typing import NDArray

from anomaly_explorer.engine.plane.mask import Mask

from .coloring import Coloring
from .saved import add_saved

MODES = ("replace", "add", "remove", "intersect")
ALL = "all"
MAX_UNDO = 100
# Selections that lie scattered over the store barely shrink: undo forgets the oldest beyond this.
MAX_UNDO_BYTES = 16 * 2**20

Rows = NDArray[np.int64]
NO_ROWS: Rows = np.empty(0, dtype=np.int64)
# A column, and its least and largest value shown; None = open.
Limits = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class Moment:
    """What undo brings back: filters, and the selection as `Mask.pack` made it."""

    population: str
    tier: str
    arms: tuple[str, ...]
    classes: tuple[str, ...]
    ranges: tuple[Limits, ...]
    selection: bytes
    expression: str = ""
    within: str = ""

    @property
    def filters(self) -> tuple[Any, ...]:
        """Return the part that decides which objects are shown."""
        return (
            self.population, self.tier, self.arms, self.classes, self.ranges, self.expression,
            self.within,
        )  # fmt: skip


@dataclass(frozen=True)
class History:
    """What makes a session again: the moments undo goes back through, and those redo has.

    Parameters
    ----------
    past : tuple of Moment
        The present one last.
    future : tuple of Moment
        The next one last.
    look : mapping of str to value
        The rest of the state, `ExplorerState.LOOK`.
    """

    past: tuple[Moment, ...]
    future: tuple[Moment, ...]
    look: Mapping[str, Any]


def combine_masks(old: Mask, new: Mask, mode: str) -> Mask:
    """Let a new brush meet the old selection: replace, add, remove or intersect.

    Parameters
    ----------
    old, new : Mask
        Of the same N rows.
    mode : str
        One of `MODES`.

    Examples
    --------
    >>> old, new = (Mask.of_rows(np.array(rows), 9) for rows in ([1, 2, 3], [3, 4]))
    >>> combine_masks(old, new, "remove").rows().tolist()
    [1, 2]
    """
    if mode == "replace":
        return new
    if mode == "add":
        return old | new
    if mode == "remove":
        return old - new
    if mode == "intersect":
        return old & new
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
    ranges = param.ClassSelector(
        class_=tuple, default=(), doc="Column, least and largest value of each range brushed."
    )
    expression = param.String(default="", doc="Condition a person wrote; empty = none.")
    within = param.String(default="", doc="Saved selection that is shown alone; empty = none.")
    saved = param.Dict(
        default={}, doc="Name of each saved selection, and its `Mask.pack` in base64."
    )
    selection = param.ClassSelector(
        class_=Mask, default=Mask.none(0), doc="Objects picked by brushes."
    )
    mode = param.Selector(default="replace", objects=list(MODES), doc="How a brush combines.")
    focus = param.Integer(default=None, allow_None=True, doc="Store row being inspected.")
    plane = param.String(default="", doc="Plane on screen; empty = both side by side.")
    coloring = param.ClassSelector(
        class_=Coloring, default=None, allow_None=True,
        doc="What colours the objects shown; None = how many there are.",
    )  # fmt: skip
    sort_by = param.String(default="score_mse", doc="Column the table is sorted by.")
    is_descending = param.Boolean(default=True, doc="Whether the largest value comes first.")
    page = param.Integer(default=0, bounds=(0, None), doc="Page of the table, from 0.")

    FILTERS: ClassVar[tuple[str, ...]] = (
        "population", "tier", "arms", "classes", "ranges", "expression", "within",
    )  # fmt: skip
    LOOK: ClassVar[tuple[str, ...]] = (
        "mode", "focus", "plane", "sort_by", "is_descending", "page", "saved",
    )  # fmt: skip

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
        return Moment(
            self.population, self.tier, self.arms, self.classes, self.ranges, self.selection.pack(),
            self.expression, self.within,
        )  # fmt: skip

    def brush(self, mask: Mask) -> None:
        """Let the objects of a brush meet the selection, in the chosen mode."""
        self.selection = combine_masks(self.selection, mask, self.mode)

    def limit(self, column: str, low: float | None, high: float | None) -> None:
        """Show only values of a column from `low` to `high`; both None shows all again."""
        others = tuple(limits for limits in self.ranges if limits[0] != column)
        is_open = low is None and high is None
        self.ranges = others if is_open else (*others, (column, low, high))

    def save(self, name: str, mask: Mask) -> str:
        """Keep a mask under a name, or under the next free letter; undo leaves it alone.

        Returns
        -------
        str
            The name.

        Raises
        ------
        InputError
            When the name is taken or too long, the mask is empty, or too much is kept already.
        """
        self.saved, chosen = add_saved(self.saved, name, mask)
        return chosen

    def forget(self, name: str) -> None:
        """Keep a saved selection no longer, and show what it alone was shown of."""
        if self.within == name:
            self.within = ""
        self.saved = {each: packed for each, packed in self.saved.items() if each != name}

    def show_within(self, name: str) -> None:
        """Show a saved selection alone, or no longer when it is the one already."""
        if name in self.saved:
            self.within = "" if self.within == name else name

    def clear_selection(self) -> None:
        """Pick nothing."""
        self.selection = Mask.none(self.selection.n_rows)

    def reset_filters(self) -> None:
        """Show every object of the population."""
        self.param.update(tier="", arms=(), classes=(), ranges=(), expression="", within="")

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
    def history(self) -> History:
        """Return what another process needs to go on with this state."""
        look = {name: getattr(self, name) for name in self.LOOK}
        return History(tuple(self._past), tuple(self._future), look)

    def resume(self, history: History) -> None:
        """Take over filters, selection, undo, redo and look, such as another process kept them."""
        self._past, self._future = list(history.past), list(history.future)
        self.saved = history.look.get("saved", {})  # a moment may be within one of them
        self._restore(self._past[-1])
        self.param.update(**history.look)

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
            selection = Mask.unpack(moment.selection, self.selection.n_rows)
            within = moment.within if moment.within in self.saved else ""
            self.param.update(**{**vars(moment), "selection": selection, "within": within})
        finally:
            self._is_restoring = False

    def _remember(self, *_: Any) -> None:
        if self._is_restoring or self.moment == self._past[-1]:
            return
        self._past = [*self._past[-MAX_UNDO:], self.moment]
        self._future.clear()
        while len(self._past) > 2 and _n_bytes(self._past) > MAX_UNDO_BYTES:
            del self._past[0]

    def _back_to_first_page(self, *_: Any) -> None:
        self.page = 0


def _n_bytes(moments: list[Moment]) -> int:
    """Return the bytes of the selections of some moments; equal neighbours share them."""
    return sum(len(packed) for packed in {moment.selection for moment in moments})
