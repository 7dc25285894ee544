"""Columns as people name them: by our names, by those of the catalog, and latents by number."""

import re
from dataclasses import dataclass

import numpy as np

from anomaly_explorer.engine.catalog.names import unknown_name
from anomaly_explorer.engine.catalog.schema import LATENT_NAMES, N_LATENTS
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError

_LATENT = re.compile(r"(?:latent|lat)_([0-9]{1,3})")


@dataclass(frozen=True)
class NamedColumn:
    """A column of a store, or one of its latents.

    Parameters
    ----------
    name : str
        Our name.
    kind : str
        As in `StoredColumn`; latents are ``float``.
    dtype : np.dtype
        Type of its values as they are read; latents are float32.
    null : int or None
        The value that stands for null; None for floats, and where no object lacks a value.
    latent : int or None
        Number of the latent; None for columns.
    """

    name: str
    kind: str
    dtype: np.dtype
    null: int | None = None
    latent: int | None = None


def find_column(store: Store, name: str) -> NamedColumn:
    """Return the column of a name.

    Parameters
    ----------
    store : Store
        An open store.
    name : str
        Our name, the name in the catalog, or ``latent_5`` (as well ``latent_005``, ``lat_005``).

    Raises
    ------
    InputError
        When there is none; it names close ones.
    """
    latent = _LATENT.fullmatch(name)
    if latent and int(latent[1]) < N_LATENTS:
        number = int(latent[1])
        return NamedColumn(LATENT_NAMES[number], "float", np.dtype(np.float32), latent=number)
    if name not in store.column_names:
        name = _our_name(store, name)
    column = store.describe(name)
    null = column.null if column.n_null else None
    return NamedColumn(name, column.kind, np.dtype(column.dtype), null)


def _our_name(store: Store, name: str) -> str:
    by_catalog_name = {store.describe(own).catalog_name: own for own in store.column_names}
    if name not in by_catalog_name:
        known = dict.fromkeys((*store.column_names, *by_catalog_name, *LATENT_NAMES))
        raise InputError(unknown_name("column", name, tuple(known)))
    return by_catalog_name[name]
