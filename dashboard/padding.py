"""Columns of a source that never grow shorter.

The browser may paint between two updates of a glyph, with the items it had and the colours it has;
a source that shrank would then be asked for the colour of an item that is gone, and the page would
stop. Items that are no longer there stay on as nothing to see.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .theme import TRANSPARENT

_TEXT = {"color": TRANSPARENT}


def pad_columns(columns: Mapping[str, Any], n_least: int) -> dict[str, Any]:
    """Fill columns up to a length with items that draw nothing.

    Numbers are filled with NaN, ``color`` with transparent, other text with nothing.

    Parameters
    ----------
    columns : mapping of str to sequence
        All of one length.
    n_least : int
        Length to reach; longer columns stay as they are.

    Examples
    --------
    >>> pad_columns({"x": [1.0], "label": ["Hα"]}, 2)
    {'x': [1.0, nan], 'label': ['Hα', '']}
    """
    return {name: _pad(name, values, n_least) for name, values in columns.items()}


def _pad(name: str, values: Any, n_least: int) -> Any:
    n_missing = n_least - len(values)
    if n_missing <= 0:
        return values
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return np.concatenate([values, np.full(n_missing, np.nan, dtype=values.dtype)])
    return [*values, *[_blank(name)] * n_missing]


def _blank(name: str) -> Any:
    if name in ("label", "name", "kind", "color"):
        return _TEXT.get(name, "")
    return float("nan")
