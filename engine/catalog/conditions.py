"""Conditions on single columns, and sets of rows: what filters are made of.

They are values: equal when they say the same, and they travel as JSON, see `filters`.
"""

import base64
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.packing import mask_between, mask_bit, mask_values

from .names import unknown_name
from .store import Store

Value = str | int | bool
_MAX_LIMIT = sys.float_info.max


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

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        kind = store.describe(self.column).kind
        if kind not in ("float", "integer"):
            raise InputError(f"Column {self.column} is a {kind}; a range needs numbers, use OneOf.")
        values = store.column(self.column)
        if kind == "float":
            return mask_between(values, self.low, self.high)
        low, high = _whole(self.low, math.ceil), _whole(self.high, math.floor)
        return mask_between(values, low, high, store.describe(self.column).null)

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

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        kind = store.describe(self.column).kind
        wanted = {"category": self._codes, "bool": self._truths, "integer": self._integers}
        if kind not in wanted:
            raise InputError(f"Column {self.column} is a {kind}; use a Range or a Tier for it.")
        return mask_values(store.column(self.column), wanted[kind](store))

    def _codes(self, store: Store) -> list[int]:
        legend = store.legend(self.column)
        codes = {value: code for code, value in enumerate(legend)}
        for value in self.values:
            if value not in codes:
                raise InputError(unknown_name(f"{self.column} of", str(value), legend))
        return [codes[value] for value in self.values]

    def _truths(self, store: Store) -> list[int]:
        for value in self.values:
            if not isinstance(value, bool):
                raise InputError(f"Column {self.column} is true or false, not {value!r}.")
        return [int(value) for value in self.values]

    def _integers(self, store: Store) -> list[int]:
        dtype = store.column(self.column).dtype
        bounds = np.iinfo(dtype)
        for value in self.values:
            if isinstance(value, bool) or not isinstance(value, int):
                raise InputError(f"Column {self.column} holds integers, not {value!r}.")
        # The smallest stands for null, and what does not fit the type is in no row.
        return [v for v in self.values if bounds.min < v <= bounds.max]

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "one_of", "column": self.column, "values": list(self.values)}


@dataclass(frozen=True)
class Tier:
    """Objects of a tier, by name."""

    name: str

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        tiers = store.manifest.tiers
        if self.name not in tiers:
            raise InputError(unknown_name("tier", self.name, tiers))
        return mask_bit(store.column("tier_bits"), tiers.index(self.name))

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "tier", "name": self.name}


@dataclass(frozen=True)
class Missing:
    """Objects that have no value in a column."""

    column: str

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        column = store.describe(self.column)
        values = store.column(self.column)
        if column.kind == "float":
            return ~mask_between(values)
        if column.null is None:
            return Mask.none(store.n_objects)
        return mask_between(values, column.null, column.null)

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "missing", "column": self.column}


@dataclass(frozen=True)
class Rows:
    """Objects a person picked: a saved selection, as `Mask.pack` made it.

    Parameters
    ----------
    packed : bytes
        Fits the store whose rows were picked, and any other of as many objects.
    """

    packed: bytes

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        try:
            return Mask.unpack(self.packed, store.n_objects)
        except ValueError as error:
            raise InputError(
                f"The saved selection fits no store of {store.n_objects} objects ({error}); "
                "select again."
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values, the mask as base64."""
        return {"filter": "rows", "packed": base64.b64encode(self.packed).decode()}


def _limit(column: str, limit: Any, opened: float) -> float | None:
    """Return a limit, None where it is open; `opened` is the infinity that says the same."""
    if limit is None or limit == opened:
        return None
    is_number = isinstance(limit, int | float) and not isinstance(limit, bool)
    if not is_number or not abs(limit) <= _MAX_LIMIT:
        raise InputError(f"The range of {column} came with limit {limit!r}; expected a number.")
    return limit


def _whole(limit: float | None, rounded: Callable[[float], int]) -> int | None:
    return None if limit is None else rounded(limit)
