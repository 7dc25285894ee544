"""Saved selections: a name for each mask a person wants to come back to, as text that travels.

They are kept as JSON values, name -> `Mask.pack` in base64, so that every process of a server and
an export understand them.
"""

import base64
import string
from collections.abc import Collection, Mapping
from itertools import chain, count

from anomaly_explorer.engine.catalog.filters import Rows
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

Saved = dict[str, str]
MAX_SAVED, MAX_NAME = 40, 40
# They are written down with every change that another process of the server may go on from.
MAX_BYTES = 8 * 2**20


def add_saved(saved: Mapping[str, str], name: str, mask: Mask) -> tuple[Saved, str]:
    """Return saved selections with one more, and its name: the one given or the next free one.

    Raises
    ------
    InputError
        When the name is taken or too long, the mask is empty, or too much is kept already.

    Examples
    --------
    >>> saved, name = add_saved({}, "", Mask.all(9))
    >>> name, saved_rows(saved[name]).packed == Mask.all(9).pack()
    ('island A', True)
    """
    chosen = " ".join(name.split()) or next_name(saved)
    packed = base64.b64encode(mask.pack()).decode()
    if not mask.count:
        raise InputError("Nothing is selected: lasso objects on a map first, then save.")
    if len(chosen) > MAX_NAME:
        raise InputError(f"The name has {len(chosen)} characters; use {MAX_NAME} at most.")
    if chosen in saved:
        raise InputError(f"There is a selection “{chosen}” already; choose another name.")
    if len(saved) >= MAX_SAVED or len(packed) + sum(map(len, saved.values())) > MAX_BYTES:
        raise InputError("There is no room for one more saved selection; delete one first.")
    return {**saved, chosen: packed}, chosen


def saved_rows(packed: str) -> Rows:
    """Return the filter of a selection that `add_saved` kept."""
    return Rows(base64.b64decode(packed))


def next_name(taken: Collection[str]) -> str:
    """Return the first of “island A” to “island Z”, then “island 1” and on, that is free.

    Examples
    --------
    >>> next_name(["island A", "QSO bridge"])
    'island B'
    """
    letters = (f"island {letter}" for letter in string.ascii_uppercase)
    numbers = (f"island {number}" for number in count(1))
    return next(name for name in chain(letters, numbers) if name not in taken)
