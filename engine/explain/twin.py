"""The normal twin: the object in no tier, of the same class, nearest in latent space."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.conditions import Missing, OneOf, Range, Tier
from anomaly_explorer.engine.catalog.filters import AllOf, AnyOf, Not
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.mask import Mask


@dataclass(frozen=True)
class Twin:
    """A normal object much like another.

    Parameters
    ----------
    row : int
        Store row.
    target_id : int
    distance : float
        Euclidean, in latent space.
    latents : (128,) float32
        As the store has them.
    n_searched : int
        Normals of the class that were searched.
    """

    row: int
    target_id: int
    distance: float
    latents: NDArray[np.float32]
    n_searched: int


def normals_like(store: Store, record: Mapping[str, Any]) -> AllOf:
    """Return the filter of the normals that an object is compared with.

    They have its class and its population, a rank (so a score, and coverage), and are in no tier.

    Parameters
    ----------
    store : Store
    record : mapping
        The decoded row of the object; `spectype` and `population` are used.
    """
    same = (
        Missing(name) if record.get(name) is None else OneOf(name, (record[name],))
        for name in ("spectype", "population")
    )
    tiers = AnyOf(tuple(Tier(name) for name in store.manifest.tiers))
    return AllOf((*same, Range("score_rank", 1, None), Not(tiers)))


def nearest_twin(
    store: Store,
    row: int,
    normals: Mask,
    progress: Callable[[int, int], bool] | None = None,
) -> Twin | None:
    """Return the nearest of some normals; the object itself is never one of them.

    Parameters
    ----------
    store : Store
    row : int
        Of the object.
    normals : Mask
        Such as `normals_like` makes it.
    progress : callable, optional
        As in `Store.nearest`.

    Returns
    -------
    Twin or None
        None where no other normal has latents.

    Raises
    ------
    InputError
        The object has no latents.
    """
    found = store.nearest(row, 1, normals, progress)
    if not len(found.rows):
        return None
    nearest = int(found.rows[0])
    target = store.records([nearest], ("target_id",))[0]["target_id"]
    return Twin(
        nearest, target, float(found.distances[0]), store.latents([nearest])[0], found.n_searched
    )
