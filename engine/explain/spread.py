"""How far each latent spreads over a store: the unit in which a person moves it."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.schema import N_LATENTS
from anomaly_explorer.engine.catalog.store import Store

# So many runs of rows that lie together in map order, evenly over the store.
_N_RUNS, _RUN_ROWS = 80, 256


def latent_spread(store: Store) -> NDArray[np.float64]:
    """Return the standard deviation of each latent over a store, (128,).

    Of 20,480 objects in 80 runs of rows evenly over the store, or of all where there are fewer; a
    latent that nobody has is 0.

    Parameters
    ----------
    store : Store
        N objects; rows without finite latents do not count.
    """
    taken = store.latents(_sample(store.n_objects)).astype(np.float64)
    taken = taken[np.isfinite(taken).all(axis=1)]
    return taken.std(axis=0) if len(taken) else np.zeros(N_LATENTS)


def _sample(n_objects: int) -> NDArray[np.int64]:
    if n_objects <= _N_RUNS * _RUN_ROWS:
        return np.arange(n_objects)
    starts = np.linspace(0, n_objects - _RUN_ROWS, _N_RUNS).astype(np.int64)
    return (starts[:, None] + np.arange(_RUN_ROWS)).ravel()
