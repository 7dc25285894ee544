"""What makes an island an island: how a selection differs from the rest, in every column."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

from .difference import Difference, measure_difference
from .sample import Sample, draw_sample, take_all
from .side import QUARTILES, Counted, Side, describe_side
from .tally import Ruler, Tally
from .totals import Totals

Progress = Callable[[int, int], bool]

# Of a side with more rows than this as many as that are drawn, unless all are asked for.
LIMIT, N_DRAWN = 1_000_000, 500_000
# A selection up to this size has the quartiles of its very values; a larger one, and the rest,
# those between the steps of the ruler.
_SORTED = 100_000
_THREADS = 2


@dataclass(frozen=True)
class Sides:
    """What is compared: a selection, and the rest of what the page shows.

    Parameters
    ----------
    selection : Mask
        The rows picked.
    reference : Mask
        The rows shown; the rest is what is in it and not in the selection.
    population : str
        What the reference is, in words: it names every number made from it.
    """

    selection: Mask
    reference: Mask
    population: str

    def __post_init__(self) -> None:
        if self.selection.n_rows != self.reference.n_rows:
            raise InputError(
                f"The selection is one of {self.selection.n_rows} rows and the reference one of "
                f"{self.reference.n_rows}; make both from the same store."
            )
        if not self.selection.count or not self.rest.count:
            which = "rest" if self.selection.count else "selection"
            raise InputError(f"The {which} has no objects, so nothing differs; select some of all.")

    @property
    def rest(self) -> Mask:
        """Return the rows shown that are not selected."""
        return self.reference - self.selection


@dataclass(frozen=True)
class ColumnContrast:
    """How one column differs; `value` is the decoded one of `difference.code`."""

    name: str
    difference: Difference
    selected: Side
    rest: Side
    value: str | bool | None = None

    @property
    def lift(self) -> float:
        """Return how many times more common than in the rest the range, value or null is."""
        here, there = self.difference.shares
        return here / there if there else float("inf")


@dataclass(frozen=True)
class Contrast:
    """How a selection differs from the rest of a population, strongest column first.

    Parameters
    ----------
    population : str
        Of which the rest is what is not selected.
    n_selected, n_rest : int
        Rows of both sides.
    n_selected_counted, n_rest_counted : int
        Rows the figures are from: fewer where a side was sampled.
    columns : tuple of ColumnContrast
        Every column but the latents, by strength above noise, then by name.
    """

    population: str
    n_selected: int
    n_rest: int
    n_selected_counted: int
    n_rest_counted: int
    columns: tuple[ColumnContrast, ...]

    @property
    def is_exact(self) -> bool:
        """Return whether every row of both sides was counted."""
        counted = (self.n_selected_counted, self.n_rest_counted)
        return counted == (self.n_selected, self.n_rest)


def contrast(
    store: Store,
    sides: Sides,
    totals: Totals | None = None,
    is_exact: bool = False,
    progress: Progress | None = None,
) -> Contrast | None:
    """Compare a selection with the rest in every column but the latents.

    All of the selection is counted up to a million rows, and all of the rest where it is no
    larger, or where the reference is a whole population and there are totals of it. Else a side
    is sampled (see `sample`), and every figure says how many rows it is from.

    Parameters
    ----------
    store : Store
        Of N objects.
    sides : Sides
        What to compare.
    totals : Totals, optional
        Of this store.
    is_exact : bool
        Count all rows of both sides, however many: seconds to minutes.
    progress : callable, optional
        Called with (rows counted, rows to count) after each million; returning False stops it.

    Returns
    -------
    Contrast or None
        None when stopped.
    """
    work = _Work(store, totals)
    rest_total = work.find_total(sides) if is_exact or sides.selection.count <= LIMIT else None
    samples = [_sample(sides.selection, is_exact)]
    if rest_total is None:
        samples.append(_sample(sides.rest, is_exact))
    with ThreadPoolExecutor(_THREADS) as pool:
        work.pool = pool
        if not work.count(samples, progress or (lambda done, total: True)):
            return None
        columns = work.compare(samples, rest_total)
    n_rest = sides.rest.count
    return Contrast(
        population=sides.population,
        n_selected=sides.selection.count,
        n_rest=n_rest,
        n_selected_counted=samples[0].mask.count,
        n_rest_counted=n_rest if rest_total is not None else samples[1].mask.count,
        columns=tuple(sorted(columns, key=lambda c: (-c.difference.excess, c.name))),
    )


def _sample(mask: Mask, is_exact: bool) -> Sample:
    if is_exact or mask.count <= LIMIT:
        return take_all(mask)
    return draw_sample(mask, N_DRAWN)


class _Work:
    """The counting of one contrast."""

    pool: ThreadPoolExecutor

    def __init__(self, store: Store, totals: Totals | None) -> None:
        self.store, self.totals = store, totals
        self.rulers: dict[str, Ruler] = dict(totals.rulers) if totals else {}
        self.tallies: list[dict[str, Tally]] = []
        self.n_rows: list[NDArray[np.int64]] = []

    def find_total(self, sides: Sides) -> slice | None:
        """Return the groups of the totals that are the reference, where they are of use."""
        if self.totals is None or (sides.selection - sides.reference).count:
            return None
        n_rows = self.totals.n_rows()
        n_shown = sides.reference.count
        if n_shown == self.store.n_objects:
            return slice(0, len(n_rows))
        for code in np.flatnonzero(n_rows[:-1] == n_shown):
            if Mask.of_bools(self.store.column("population") == code).equals(sides.reference):
                return slice(int(code), int(code) + 1)
        return None

    def count(self, samples: Sequence[Sample], progress: Progress) -> bool:
        """Count all samples; return False when stopped."""
        if not self.rulers:
            made = self.pool.map(self._make_ruler, self.store.column_names)
            self.rulers = dict(zip(self.store.column_names, made, strict=True))
        done, total = 0, sum(sample.mask.count for sample in samples)
        for sample in samples:
            tallies = {n: Tally.empty(r, sample.n_groups) for n, r in self.rulers.items()}
            n_rows = np.zeros(sample.n_groups, np.int64)
            for rows, groups in sample.slabs():
                list(self.pool.map(partial(self._add, tallies, rows, groups), tallies))
                n_rows += np.bincount(groups, minlength=sample.n_groups)
                done += len(rows)
                if not progress(done, total):
                    return False
            self.tallies.append(tallies)
            self.n_rows.append(n_rows)
        return True

    def _make_ruler(self, name: str) -> Ruler:
        return Ruler.of_column(self.store.describe(name), self.store.column(name))

    def _add(
        self,
        tallies: dict[str, Tally],
        rows: NDArray[np.int64],
        groups: NDArray[np.int8],
        name: str,
    ) -> None:
        tallies[name].add(self.rulers[name], self.store.column(name), rows, groups)

    def compare(self, samples: Sequence[Sample], rest_total: slice | None) -> list[ColumnContrast]:
        """Return the contrast of every column, in the order of the store."""
        rows = samples[0].mask.rows() if samples[0].mask.count <= _SORTED else None

        def of_column(name: str) -> ColumnContrast:
            selected = Counted(self.tallies[0][name], self.n_rows[0], samples[0].share)
            if rest_total is None:
                rest = Counted(self.tallies[1][name], self.n_rows[1], samples[1].share)
            else:
                rest = self._rest(name, rest_total)
            return self._contrast(name, selected, rest, rows)

        return list(self.pool.map(of_column, self.store.column_names))

    def _rest(self, name: str, groups: slice) -> Counted:
        total, counted = self.totals.tallies[name].joined(groups), self.tallies[0][name]
        n_rows = self.totals.n_rows()[groups].sum(keepdims=True) - self.n_rows[0]
        return Counted(total.without(counted), n_rows)

    def _contrast(
        self, name: str, selected: Counted, rest: Counted, rows: NDArray[np.int64] | None
    ) -> ColumnContrast:
        ruler = self.rulers[name]
        found = measure_difference(ruler, selected, rest)
        here, there = (describe_side(ruler, side) for side in (selected, rest))
        if rows is not None and ruler.kind == "numbers" and here.n_known:
            values = self.store.column(name)[rows].astype(np.float64)
            known = values[np.isfinite(values) & (values != ruler.null)]
            here = replace(here, quartiles=tuple(np.quantile(known, QUARTILES).tolist()))
        return ColumnContrast(name, found, here, there, self._value(name, found.code))

    def _value(self, name: str, code: int | None) -> str | bool | None:
        if code is None:
            return None
        kind = self.store.describe(name).kind
        if kind == "bits":
            return self.store.manifest.tiers[code]
        return self.store.legend(name)[code] if kind == "category" else bool(code)
