"""Filters: declarative conditions on columns that say nothing about rows until asked.

They are values: equal when they say the same, and they travel as JSON (`to_dict`, `from_dict`) in
the page's address, in exports and in saved views.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .names import unknown_name
from .store import Store

Value = str | int | bool
_MAX_LIMIT = sys.float_info.max


class Filter(Protocol):
    """A condition that turns a store into a mask."""

    def mask(self, store: Store) -> NDArray[np.bool_]:
        """Return which objects match, (N,)."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values; `from_dict` undoes it."""
        ...


@dataclass(frozen=True)
class Range:
    """Objects whose value is from `low` to `high`, both included; null never matches.

    Limits are rounded to the column's own type first, so that a limit read off the screen finds
    the value it was read from. Integers are compared exactly.

    Parameters
    ----------
    column : str
        A column of numbers.
    low, high : float or int, optional
        None = open. A low limit above the high one matches nothing.
    """

    column: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", _limit(self.column, self.low, -math.inf))
        object.__setattr__(self, "high", _limit(self.column, self.high, math.inf))

    def mask(self, store: Store) -> NDArray[np.bool_]:
        """Return which objects match, (N,)."""
        kind = store.describe(self.column).kind
        if kind not in ("float", "integer"):
            raise InputError(f"Column {self.column} is a {kind}; a range needs numbers, use OneOf.")
        values = store.column(self.column)
        if kind == "float":
            mask = ~np.isnan(values)
            low, high = (_as_type(limit, values.dtype) for limit in (self.low, self.high))
        else:
            mask = values != store.describe(self.column).null
            low, high = _whole(self.low, math.ceil), _whole(self.high, math.floor)
        if low is not None:
            mask &= values >= low
        if high is not None:
            mask &= values <= high
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "range", "column": self.column, "low": self.low, "high": self.high}


@dataclass(frozen=True)
class OneOf:
    """Objects whose value is one of those given; none given matches nothing.

    Parameters
    ----------
    column : str
        A category, boolean or integer column.
    values : tuple
        Strings of the legend, True and False, or integers.
    """

    column: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if isinstance(self.values, str) or not hasattr(self.values, "__iter__"):
            raise InputError(f"The values of {self.column} came as {self.values!r}; give a list.")
        for value in self.values:
            if not isinstance(value, str | int):
                raise InputError(
                    f"The values of {self.column} include {value!r}; give text, integers or "
                    "true and false."
                )
        object.__setattr__(self, "values", tuple(self.values))

    def mask(self, store: Store) -> NDArray[np.bool_]:
        """Return which objects match, (N,)."""
        kind = store.describe(self.column).kind
        wanted = {"category": self._codes, "bool": self._truths, "integer": self._integers}
        if kind not in wanted:
            raise InputError(f"Column {self.column} is a {kind}; use a Range or a Tier for it.")
        return np.isin(store.column(self.column), wanted[kind](store))

    def _codes(self, store: Store) -> NDArray[np.integer]:
        legend = store.legend(self.column)
        codes = {value: code for code, value in enumerate(legend)}
        for value in self.values:
            if value not in codes:
                raise InputError(unknown_name(f"{self.column} of", str(value), legend))
        dtype = store.column(self.column).dtype
        return np.array([codes[value] for value in self.values], dtype)

    def _truths(self, store: Store) -> NDArray[np.integer]:
        for value in self.values:
            if not isinstance(value, bool):
                raise InputError(f"Column {self.column} is true or false, not {value!r}.")
        return np.array(self.values, np.int8)

    def _integers(self, store: Store) -> NDArray[np.integer]:
        dtype = store.column(self.column).dtype
        bounds = np.iinfo(dtype)
        for value in self.values:
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"Column {self.column} holds integers, not {value!r}.")
        # The smallest stands for null, and what does not fit the type is in no row.
        return np.array([v for v in self.values if bounds.min < v <= bounds.max], dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "one_of", "column": self.column, "values": list(self.values)}


@dataclass(frozen=True)
class Tier:
    """Objects of a tier, by name."""

    name: str

    def mask(self, store: Store) -> NDArray[np.bool_]:
        """Return which objects match, (N,)."""
        tiers = store.manifest.tiers
        if self.name not in tiers:
            raise InputError(unknown_name("tier", self.name, tiers))
        return store.column("tier_bits") & np.uint32(1 << tiers.index(self.name)) != 0

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "tier", "name": self.name}


@dataclass(frozen=True)
class AllOf:
    """Objects that match every one of some filters; of no filters, all objects."""

    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))

    def mask(self, store: Store) -> NDArray[np.bool_]:
        """Return which objects match, (N,)."""
        mask = np.ones(store.n_objects, np.bool_)
        for condition in self.filters:
            mask &= condition.mask(store)
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "all_of", "filters": [each.to_dict() for each in self.filters]}


def from_dict(content: Mapping[str, Any]) -> Filter:
    """Make a filter from what `to_dict` returned.

    Raises
    ------
    InputError
        When the content is no filter of ours; it may come from an address somebody typed.

    Examples
    --------
    >>> from_dict({"filter": "tier", "name": "extreme"})
    Tier(name='extreme')
    """
    makers = {
        "range": lambda c: Range(_text(c["column"]), c.get("low"), c.get("high")),
        "one_of": lambda c: OneOf(_text(c["column"]), c["values"]),
        "tier": lambda c: Tier(_text(c["name"])),
        "all_of": lambda c: AllOf(tuple(from_dict(each) for each in c["filters"])),
    }
    kind = content.get("filter") if isinstance(content, Mapping) else None
    if not isinstance(kind, str) or kind not in makers:
        raise InputError(
            f"A filter came as {content!r}; expected one of the kinds {', '.join(makers)}."
        )
    try:
        return makers[kind](content)
    except (KeyError, TypeError) as error:
        raise InputError(f"The {kind} filter lacks or garbles {error}: {content!r}.") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the name {value!r}")
    return value


def _limit(column: str, limit: Any, opened: float) -> float | None:
    """Return a limit, None where it is open; `opened` is the infinity that says the same."""
    if limit is None or limit == opened:
        return None
    is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not is_number or not abs(limit) <= _MAX_LIMIT:
        raise InputError(f"The range of {column} came with limit {limit!r}; expected a number.")
    return limit


def _as_type(limit: float | None, dtype: np.dtype) -> np.floating | None:
    if limit is None:
        return None
    with np.errstate(over="ignore"):
        return dtype.type(limit)


def _whole(limit: float | None, rounded: Callable[[float], int]) -> int | None:
    return None if limit is None else rounded(limit)
