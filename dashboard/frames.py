"""What all sessions over one store share: masks, pyramids, histograms and table orders, kept."""

import math
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.filters import AllOf, Filter, OneOf, Range
from anomaly_explorer.engine.catalog.masks import MaskCache
from anomaly_explorer.engine.catalog.order import Rows, Sort, ordered_rows
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.explain.spread import latent_spread
from anomaly_explorer.engine.plane.grid import Window
from anomaly_explorer.engine.plane.histogram import Histogram, open_histograms
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.plane.pyramid import Pyramids, bases_near
from anomaly_explorer.engine.plane.raster import Values
from anomaly_explorer.engine.plane.shelf import Shelf
from anomaly_explorer.engine.plane.viewport import Viewport
from anomaly_explorer.engine.scoring.tiers import RANK_COLUMNS

# What the anomaly layer marks: the highest scores of each population, at most so many. More would
# hide the map they are drawn over.
MAX_MARKED, MARKED_SHARE = 2_000, 0.01
# How the objects of a pixel are coloured by a column.
MEAN, LARGEST, COMMONEST = "mean", "largest", "commonest"
# More values than this are no legend anybody reads.
MAX_CATEGORIES = 24
_ORDER_BUDGET = 4 * 2**20
# Rows of an order found at a time: the next pages are there before they are turned to.
_ORDER_ROWS = 2_000
_NICENESS = 10


class Frames:
    """Answers about one store, each computed once for all who ask; safe for many threads.

    Parameters
    ----------
    store : Store
        N objects.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.masks = MaskCache(store)
        self.pyramids = Pyramids()
        self._orders = Shelf(_ORDER_BUDGET)
        # Its threads start with the first frame: a server may fork before.
        self.pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="frame")
        # What may be wanted next is drawn behind what is wanted now.
        self.idle = ThreadPoolExecutor(1, thread_name_prefix="ahead", initializer=_stand_back)
        # Compiles what draws marks: pictures come without them until it is done.
        self.compiling: Future[None] | None = None

    @cached_property
    def histograms(self) -> Mapping[str, Histogram]:
        """Return the histograms of the store by column."""
        return open_histograms(self.store.path)

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """Return the standard deviation of each latent over the store, (128,)."""
        return latent_spread(self.store)

    @property
    def can_mark(self) -> bool:
        """Return whether a picture with marks can be drawn without waiting for a compiler."""
        return self.compiling is None or self.compiling.done()

    def call_when_marks(self, job: Callable[[], None]) -> None:
        """Run a job, on any thread, once marks can be drawn; at once where they can be."""
        if self.compiling is None:
            job()
        else:
            self.compiling.add_done_callback(lambda _: job())

    @property
    def leading_score(self) -> str:
        """Return the score that marks objects and first orders the table."""
        return self.store.manifest.leading_score

    @property
    def n_marked(self) -> int:
        """Return how many objects of the largest population the anomaly layer marks at most."""
        largest = max(self.store.manifest.ranked.values(), default=0)
        n_unranked = self.store.describe(RANK_COLUMNS[self.leading_score]).n_null
        n_ranked = self.store.n_objects - n_unranked
        return min(MAX_MARKED, math.ceil(MARKED_SHARE * largest), n_ranked)

    @property
    def marked(self) -> Filter:
        """Return which objects the anomaly layer marks, whatever is shown."""
        return Range(RANK_COLUMNS[self.leading_score], 1, self.n_marked)

    def mask(self, *clauses: Filter) -> Mask:
        """Return which objects match every clause."""
        return self.masks.mask(clauses[0] if len(clauses) == 1 else AllOf(clauses))

    def values(self, column: str) -> Values:
        """Return a column of numbers, to be drawn."""
        described = self.store.describe(column)
        if described.kind not in ("float", "integer", "bool"):
            raise InputError(f"Column {column} is a {described.kind}; colour by numbers instead.")
        return Values(column, self.store.column(column), described.null)

    def draw_ahead(
        self, plane: Plane, viewport: Viewport, mask: Mask, is_wanted: Callable[[], bool]
    ) -> None:
        """Draw what zooming into a viewport will need, for as long as it is wanted."""
        for base in bases_near(plane.cells.square, viewport):
            for each in (mask, None):
                if is_wanted():
                    self.pyramids.prepare(plane, base, each)

    def colors(
        self, plane: Plane, window: Window, clauses: tuple[Filter, ...], by: tuple[str, str]
    ) -> NDArray[np.float32]:
        """Return what colours each pixel of a window, (H, W) float32; NaN where there is nothing.

        Parameters
        ----------
        plane, window
            What is drawn.
        clauses : tuple of Filter
            Which objects count.
        by : tuple of str
            ``mean`` or ``largest`` with a column of numbers; ``commonest`` with a category, where
            the colour is the code of the value most objects have, the lowest of equals.

        Raises
        ------
        InputError
            For another word, or a column that cannot be reduced so.
        """
        how, column = by
        if how == MEAN:
            return self.pyramids.means(plane, window, self.values(column), self.mask(*clauses))
        if how == LARGEST:
            return self.pyramids.maxima(plane, window, self.values(column), self.mask(*clauses))
        if how != COMMONEST:
            raise InputError(
                f"Colour by {how!r} was asked for; use {MEAN}, {LARGEST} or {COMMONEST}."
            )
        counts = self.category_counts(plane, window, clauses, column)
        codes = counts.argmax(axis=0).astype(np.float32)
        return np.where(counts.any(axis=0), codes, np.float32(np.nan))

    def category_counts(
        self, plane: Plane, window: Window, clauses: tuple[Filter, ...], column: str
    ) -> NDArray[np.uint32]:
        """Count the objects of each value of a category in each pixel, (K, H, W) uint32."""
        legend = self.store.legend(column)
        if not 0 < len(legend) <= MAX_CATEGORIES:
            raise InputError(
                f"Column {column} has {len(legend)} values; colour by one that has 1 to "
                f"{MAX_CATEGORIES}."
            )
        masks = (self.mask(*clauses, OneOf(column, (value,))) for value in legend)
        return np.stack([self.pyramids.counts(plane, window, mask) for mask in masks])

    def ordered(self, mask: Mask, sort: Sort, first: int, stop: int) -> Rows:
        """Return the rows at `first` to `stop` - 1 of the table of a mask, (M,) int64."""
        block = first // _ORDER_ROWS
        start = block * _ORDER_ROWS
        if stop > start + _ORDER_ROWS:
            return ordered_rows(self.store, mask, sort, first, stop)
        rows = self._orders.get(
            (mask.key, sort, block),
            lambda: ordered_rows(self.store, mask, sort, start, start + _ORDER_ROWS),
            lambda found: found.nbytes,
        )
        return rows[first - start : stop - start]


def _stand_back() -> None:
    """Let every other thread of the process go first, where threads have a niceness."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


@lru_cache(maxsize=2)
def frames_of(store: Store) -> Frames:
    """Return what the sessions over a store share."""
    return Frames(store)
