"""The objects nearest to a place in latent space: exact against the stored float16.

Every latent is read, so nothing is missed and nothing needs to be built: 22.5 million objects are
5.8 GB.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.catalog.latents import Latents
from anomaly_explorer.engine.catalog.schema import N_LATENTS
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

from .distances import count_rows, improve_nearest

Progress = Callable[[int, int], bool]

# Beyond this a square leaves float32; a latent is within 65,504, or the model is broken.
LARGEST = 1e15
# More threads than this wait for memory.
MAX_THREADS = 8


@dataclass(frozen=True)
class Neighbors:
    """The nearest objects, nearest first; of equal distances the smaller row first.

    Parameters
    ----------
    rows : (k,) int64
        Their rows; fewer than asked for where fewer have latents.
    distances : (k,) float32
        Euclidean distances in latent space.
    n_searched : int
        Rows of the blocks that were searched, of the mask when there is one, with latents or not.
    n_total : int
        As many as there were to search: more than `n_searched` when the search was stopped.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    n_searched: int
    n_total: int

    @property
    def is_complete(self) -> bool:
        """Return whether all were searched: these are the nearest, and not the nearest so far."""
        return self.n_searched == self.n_total


def nearest_rows(
    latents: Latents,
    query: int | ArrayLike,
    n_nearest: int = 50,
    mask: Mask | None = None,
    progress: Progress | None = None,
) -> Neighbors:
    """Find the objects nearest to a place in latent space among all, or those of a mask.

    The distance is the Euclidean one between the query as float32 and the stored float16, in
    float64. Objects of which a latent is null, NaN or infinite are nobody's neighbors.

    Parameters
    ----------
    latents : Latents
        Of N objects.
    query : int or (128,) array_like
        A row, which is not its own neighbor, or any place in latent space, at which there may be
        objects: give ``latents.take([row])[0]`` to have the row itself back.
    n_nearest : int
        How many to find.
    mask : Mask, optional
        The rows to search; all where it is left out.
    progress : callable, optional
        Called with (rows searched, rows to search) after each block, in the calling thread;
        returning False stops the search with what was found.

    Raises
    ------
    InputError
        When the query is no row with latents and no 128 numbers, `n_nearest` is less than 1 or
        the mask is one of another number of rows.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from anomaly_explorer.engine.catalog.latents import write_latents
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "latents.f16"
    ...     _ = write_latents(path, 5, lambda latent: np.array([0, 4, 1, 9, 1], np.float32))
    ...     found = nearest_rows(Latents(path, 5), 0, n_nearest=3)
    >>> found.rows.tolist(), (found.distances**2 / 128).round(3).tolist()
    ([2, 4, 1], [1.0, 1.0, 16.0])
    """
    if n_nearest < 1:
        raise InputError(f"The {n_nearest} nearest were asked for; ask for at least 1.")
    if mask is not None and mask.n_rows != latents.n_objects:
        raise InputError(
            f"The mask is one of {mask.n_rows} rows and there are latents of {latents.n_objects}; "
            "make it from the same store."
        )
    place = _place(latents, query)
    searched = mask or Mask.all(latents.n_objects)
    home = None
    if isinstance(query, int | np.integer):
        home = int(query)
        searched = searched - Mask.of_rows(np.array([home]), latents.n_objects)
    return _Search(latents, place, searched, n_nearest).run(home, progress)


def _place(latents: Latents, query: int | ArrayLike) -> NDArray[np.float32]:
    if isinstance(query, int | np.integer):
        if not 0 <= query < latents.n_objects:
            raise InputError(
                f"The neighbors of row {query} were asked for; there are rows 0 to "
                f"{latents.n_objects - 1}."
            )
        place = latents.take(np.array([query]))[0]
        if not np.isfinite(place).all():
            raise InputError(f"Row {query} has no latents, so it has no neighbors; choose another.")
        return place
    place = np.asarray(query)
    if place.shape != (N_LATENTS,) or place.dtype.kind not in "iuf":
        raise InputError(
            f"The query came as {place.dtype} of shape {place.shape}; give a row or "
            f"{N_LATENTS} numbers."
        )
    if not (np.abs(place) <= LARGEST).all():
        raise InputError(
            f"The query holds NaN or a number beyond ±{LARGEST:g}; give {N_LATENTS} latents."
        )
    return place.astype(np.float32)


class _Search:
    """One search: the nearest so far, shared by the threads."""

    def __init__(
        self, latents: Latents, place: NDArray[np.float32], mask: Mask, n_nearest: int
    ) -> None:
        self.latents, self.place, self.mask = latents, place, mask
        n_kept = min(n_nearest, mask.count)
        self.squares = np.full(n_kept, np.inf)
        self.rows = np.full(n_kept, latents.n_objects, np.int64)
        self.lock = Lock()

    def run(self, home: int | None, progress: Progress | None) -> Neighbors:
        """Search block by block; a row's own first, since its neighbors are often near on disk."""
        counts = np.array([self._count(i) for i in range(self.latents.n_blocks)])
        blocks = np.flatnonzero(counts)
        if home is not None:
            own = home // self.latents.block_rows
            blocks = np.concatenate([blocks[blocks == own], blocks[blocks != own]])
        n_total, n_searched = int(counts.sum()), 0
        for block in _in_threads(self._search_block, blocks.tolist()):
            n_searched += int(counts[block])
            if progress is not None and not progress(n_searched, n_total):
                break
        with self.lock:
            found = np.isfinite(self.squares)
            distances = np.sqrt(self.squares[found]).astype(np.float32)
            return Neighbors(self.rows[found], distances, n_searched, n_total)

    def _count(self, index: int) -> int:
        return count_rows(self.mask.words, *self.latents.limits(index))

    def _search_block(self, index: int) -> int:
        first, stop = self.latents.limits(index)
        with self.lock:
            squares, rows = self.squares.copy(), self.rows.copy()
        bits = self.latents.block(index).view(np.uint16)
        improve_nearest(bits, self.mask.words, first, self.place, (squares, rows))
        with self.lock:
            # Of other blocks' rows the list may be out of date: only those of this one are news.
            self._merge(squares, rows, (rows >= first) & (rows < stop))
        return index

    def _merge(
        self, squares: NDArray[np.float64], rows: NDArray[np.int64], is_new: NDArray[np.bool_]
    ) -> None:
        squares = np.concatenate([self.squares, squares[is_new]])
        rows = np.concatenate([self.rows, rows[is_new]])
        order = np.lexsort((rows, squares))[: len(self.rows)]
        self.squares, self.rows = squares[order], rows[order]


def _in_threads(work: Callable[[int], int], indices: list[int]) -> Iterator[int]:
    """Yield what `work` returns as it is done; when the caller leaves, the rest is not begun."""
    n_threads = min(MAX_THREADS, os.cpu_count() or 1)
    waiting = iter(indices)
    with ThreadPoolExecutor(n_threads) as pool:
        running: set[Future[int]] = {pool.submit(work, i) for i in islice(waiting, n_threads + 1)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(work, i) for i in islice(waiting, len(done))}
            for job in done:
                yield job.result()
