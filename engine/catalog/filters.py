"""Filters: declarative conditions on columns that say nothing about rows until asked.

They are values: equal when they say the same, and they travel as JSON (`to_dict`, `from_dict`) in
the page's address, in exports and in saved views.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

from .conditions import Missing, OneOf, Range, Rows, Tier
from .store import Store


class Filter(Protocol):
    """A condition that turns a store into a mask."""

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values; `from_dict` undoes it."""
        ...


@dataclass(frozen=True)
class AllOf:
    """Objects that match every one of some filters; of no filters, all objects."""

    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        mask = Mask.all(store.n_objects)
        for condition in self.filters:
            mask = mask & condition.mask(store)
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "all_of", "filters": [each.to_dict() for each in self.filters]}


@dataclass(frozen=True)
class AnyOf:
    """Objects that match at least one of some filters; of no filters, none."""

    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "filters", tuple(self.filters))

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        mask = Mask.none(store.n_objects)
        for condition in self.filters:
            mask = mask | condition.mask(store)
        return mask

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "any_of", "filters": [each.to_dict() for each in self.filters]}


@dataclass(frozen=True)
class Not:
    """Objects that a filter does not match; those without a value are among them."""

    condition: Filter

    def mask(self, store: Store) -> Mask:
        """Return which of the store's N objects match."""
        return ~self.condition.mask(store)

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "not", "condition": self.condition.to_dict()}


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
    kind = content.get("filter") if isinstance(content, Mapping) else None
    if not isinstance(kind, str) or kind not in _MAKERS:
        raise InputError(
            f"A filter came as {content!r}; expected one of the kinds {', '.join(_MAKERS)}."
        )
    try:
        return _MAKERS[kind](content)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"The {kind} filter lacks or garbles {error}: {content!r}.") from error
    except RecursionError as error:
        raise InputError("The filter holds too many filters within filters; use fewer.") from error


def _all_in(content: Mapping[str, Any]) -> tuple[Filter, ...]:
    return tuple(from_dict(each) for each in content["filters"])


def _expression(content: Mapping[str, Any]) -> Filter:
    from anomaly_explorer.engine.query.expression import (
        Expression,  # most filters are none, and it brings a grammar along
    )

    return Expression(_text(content["text"]))


_MAKERS: dict[str, Callable[[Mapping[str, Any]], Filter]] = {
    "range": lambda c: Range(_text(c["column"]), c.get("low"), c.get("high")),
    "one_of": lambda c: OneOf(_text(c["column"]), c["values"]),
    "missing": lambda c: Missing(_text(c["column"])),
    "tier": lambda c: Tier(_text(c["name"])),
    "rows": lambda c: Rows(base64.b64decode(_text(c["packed"]), validate=True)),
    "all_of": lambda c: AllOf(_all_in(c)),
    "any_of": lambda c: AnyOf(_all_in(c)),
    "not": lambda c: Not(from_dict(c["condition"])),
    "expression": _expression,
}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"the name {value!r}")
    return value
