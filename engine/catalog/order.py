"""The order of a table: any page of any number of rows, without sorting them all.

A sample says between which values the page lies; only rows between them are sorted. Missing values
come last, ties go by target id, and categories sort by their text.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.plane.mask import WORD, Mask
from anomaly_explorer.engine.plane.packing import mask_between, mask_values

from .conditions import Missing
from .store import Store

Rows = NDArray[np.int64]
# Fewer rows than this are sorted as they are.
_FEW = 50_000
_SAMPLE_WORDS, _SAMPLE_ROWS = 4_096, 2**16
# By how many standard deviations a sample is thought to err, until the page is found: rows that lie
# together on the map are alike, and err more than independent ones.
_SPREADS = (4, 16, 64, 256)
# Columns of which it is kept which rows have no value: 2.8 MB each at 22.5 million.
_N_KEPT = 8


@dataclass(frozen=True)
class Sort:
    """A column and a direction."""

    column: str
    is_descending: bool = False


def ordered_rows(store: Store, mask: Mask, sort: Sort, first: int, stop: int) -> Rows:
    """Return the rows of a mask that stand at `first` to `stop` - 1 in an order.

    Parameters
    ----------
    store : Store
        N objects.
    mask : Mask
        Which of them are in the table.
    sort : Sort
        The order.
    first, stop : int
        Places from 0; those beyond the last row are empty.

    Returns
    -------
    (M,) int64
        Store rows in order, at most stop - first.
    """
    missing = _missing(store, mask, sort.column)
    present = mask - missing
    n_present = present.count
    by_id = Sort("target_id")
    parts = [
        _between(store, present, sort, (first, min(stop, n_present))),
        _between(store, missing, by_id, (max(first - n_present, 0), stop - n_present)),
    ]
    return np.concatenate(parts)


def _missing(store: Store, mask: Mask, column: str) -> Mask:
    """Return the rows of a mask without a value; the totals know of most columns of none."""
    tally = store.totals.tallies.get(column)
    if tally is not None and not tally.n_null.any():
        return Mask.none(store.n_objects)
    return mask & _without(store, column)


@lru_cache(maxsize=_N_KEPT)
def _without(store: Store, column: str) -> Mask:
    """Return the rows of a store without a value in a column, kept from page to page."""
    return Missing(column).mask(store)


def sort_order(store: Store, column: str, rows: Rows, is_descending: bool) -> NDArray[np.intp]:
    """Return the order of (M,) rows by a column, as positions into `rows`."""
    values = store.column(column)[rows]
    if store.is_category(column):
        ranks = _text_ranks(store, column)
        missing = values < 0
        values = np.where(missing, 0, ranks[values] if len(ranks) else 0).astype(np.int64)
    elif values.dtype.kind == "f":
        missing = np.isnan(values)
    else:
        missing = values == store.describe(column).null
    if is_descending:
        # Negating would overflow the smallest int64; ranks of distinct values cannot.
        values = -np.unique(values, return_inverse=True)[1]
    return np.lexsort((store.column("target_id")[rows], values, missing))


def _between(store: Store, mask: Mask, sort: Sort, places: tuple[int, int]) -> Rows:
    """Return the rows at some places of an order, of a mask whose rows all have a value."""
    n_rows = mask.count
    first, stop = places[0], min(places[1], n_rows)
    if first >= stop:
        return np.empty(0, np.int64)
    if n_rows > _FEW:
        if store.is_category(sort.column):
            return _by_category(store, mask, sort, (first, stop))
        candidates, n_before = _bracket(store, mask, sort, (first, stop))
        if candidates.count < n_rows:
            return _between(store, candidates, sort, (first - n_before, stop - n_before))
        values = store.column(sort.column)
        if sort.column != "target_id" and _is_one_value(mask, values):
            return _between(store, mask, Sort("target_id"), (first, stop))
    rows = mask.rows()
    order = sort_order(store, sort.column, rows, sort.is_descending)
    return rows[order[first:stop]]


def _by_category(store: Store, mask: Mask, sort: Sort, places: tuple[int, int]) -> Rows:
    """Go through the values in the order of their text; within one, objects go by target id."""
    first, stop = places
    codes, found = store.column(sort.column), []
    ranked = np.argsort(_text_ranks(store, sort.column))
    for code in ranked[::-1] if sort.is_descending else ranked:
        inside = mask & mask_values(codes, [int(code)])
        n_inside = inside.count
        found.append(_between(store, inside, Sort("target_id"), (max(first, 0), stop)))
        first, stop = first - n_inside, stop - n_inside
        if stop <= 0:
            break
    return np.concatenate(found)


def _text_ranks(store: Store, column: str) -> NDArray[np.intp]:
    legend = np.array(store.legend(column), dtype=str)
    return np.argsort(np.argsort(legend, kind="stable"), kind="stable")


def _bracket(store: Store, mask: Mask, sort: Sort, places: tuple[int, int]) -> tuple[Mask, int]:
    """Return the rows between two sampled values that hold the places, and how many come before.

    The whole mask and 0 where the sample is of no help.
    """
    values = store.column(sort.column)
    sample = np.sort(_sample(mask, values))
    n_rows = mask.count
    # Places as shares of the ascending order, widened by what a sample may err.
    first, stop = places if not sort.is_descending else (n_rows - places[1], n_rows - places[0])
    for spread in _SPREADS:
        low, high = (_sampled_at(sample, place / n_rows, side * spread) for place, side in
                     ((first, -1), (stop, 1)))  # fmt: skip
        beyond = (None, high) if sort.is_descending else (low, None)
        candidates = mask & mask_between(values, low, high)
        # As many come before them as are on the far side of their first value.
        is_outermost = beyond == (None, None)
        n_before = 0 if is_outermost else n_rows - (mask & mask_between(values, *beyond)).count
        if n_before <= places[0] and places[1] <= n_before + candidates.count:
            return candidates, n_before
    return mask, 0


def _sampled_at(sample: NDArray[Any], share: float, spread: int) -> Any:
    """Return a sampled value that a share of the rows is below (negative spread) or above."""
    n = len(sample)
    at = int(share * n + spread * (np.sqrt(n * share * (1 - share)) + 1))
    return sample[at].item() if 0 <= at < n else None


def _sample(mask: Mask, values: NDArray[Any]) -> NDArray[Any]:
    """Return values of the rows of a mask, from words evenly spread over those that hold any."""
    filled = np.flatnonzero(mask.words)
    chosen = filled[:: max(1, len(filled) // _SAMPLE_WORDS)]
    rows = (chosen[:, None] * WORD + np.arange(WORD)).ravel()
    rows = rows[rows < mask.n_rows]
    rows = rows[mask.has(rows)]
    return values[rows[:: max(1, len(rows) // _SAMPLE_ROWS)]]


def _is_one_value(mask: Mask, values: NDArray[Any]) -> bool:
    value = _sample(mask, values)[0].item()
    return (mask & mask_between(values, value, value)).count == mask.count
