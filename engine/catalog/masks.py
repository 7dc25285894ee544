"""Masks of filters, kept: when one clause of several changes only that one is worked out."""

from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.shelf import Shelf

from .filters import AllOf, Filter
from .store import Store

# Forty masks of 22.5 million objects.
BUDGET = 112 * 2**20


class MaskCache:
    """The masks of one store, for all who filter it; may be used from many threads.

    Parameters
    ----------
    store : Store
        N objects.
    budget : int
        Bytes to keep.
    """

    def __init__(self, store: Store, budget: int = BUDGET) -> None:
        self._store = store
        self._shelf = Shelf(budget)

    def mask(self, condition: Filter) -> Mask:
        """Return which of the N objects match a filter; the same mask for an equal filter."""
        return self._shelf.get(condition, lambda: self._made(condition), lambda m: m.words.nbytes)

    def _made(self, condition: Filter) -> Mask:
        if not isinstance(condition, AllOf):
            return condition.mask(self._store)
        mask = Mask.all(self._store.n_objects)
        for clause in condition.filters:
            mask = mask & self.mask(clause)
        return mask
