"""The nearest landmark of any point: exact, by cells of landmarks that distances rule out.

In 16 dimensions a tree of 20,000 landmarks looks at most of them, and a matrix of all distances
is 450 billion numbers for 22.5 million points. Here landmarks are kept in cells around centers,
sorted by their distance to the center: what a point knows of its distance to a center bounds its
distance to every landmark of the cell (triangle inequality), and a range of each cell is left.
"""

from collections.abc import Mapping

import numba
import numpy as np
from numpy.typing import NDArray

# float32 distances err by less than this share of the numbers they are made of.
_SLACK = 1e-4
Points = NDArray[np.float32]
Distances = NDArray[np.float32]


class LandmarkIndex:
    """M landmarks in D dimensions, ready to be asked for the nearest.

    Parameters
    ----------
    landmarks : (M, D) float32
    centers : (C, D) float32
    cells : (M,) int32
        Cell of each landmark, in the order of the landmarks; 0 to C - 1.
    """

    def __init__(self, landmarks: Points, centers: Points, cells: NDArray[np.int32]) -> None:
        self.landmarks, self.centers, self.cells = landmarks, centers, cells
        radii = np.sqrt(((landmarks - centers[cells]) ** 2).sum(axis=1))
        self._order = np.lexsort((radii, cells))
        self._radii = radii[self._order].astype(np.float32)
        self._points = np.ascontiguousarray(landmarks[self._order])
        self._starts = np.searchsorted(cells[self._order], np.arange(len(centers) + 1))

    @classmethod
    def of(cls, landmarks: Points, seed: int) -> "LandmarkIndex":
        """Make cells of about the square root of M landmarks each, (M, D)."""
        from sklearn.cluster import MiniBatchKMeans

        n_cells = max(1, round(np.sqrt(len(landmarks))))
        means = MiniBatchKMeans(n_cells, random_state=seed, n_init=1, batch_size=4096)
        cells = means.fit_predict(landmarks).astype(np.int32)
        return cls(landmarks, means.cluster_centers_.astype(np.float32), cells)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what the index is made of."""
        return {"landmarks": self.landmarks, "centers": self.centers, "cells": self.cells}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "LandmarkIndex":
        """Undo `arrays`."""
        return cls(arrays["landmarks"], arrays["centers"], arrays["cells"])

    def nearest(self, points: Points) -> NDArray[np.int64]:
        """Return the number of the nearest landmark of each point, (N,) for (N, D).

        Distances are float32: of landmarks nearer to each other's distance than their rounding,
        any may be named. Frees the interpreter: ask in several threads.

        Examples
        --------
        >>> import numpy as np
        >>> line = np.arange(100, dtype=np.float32)[:, None]
        >>> LandmarkIndex.of(line, seed=0).nearest(np.float32([[3.2], [97.9], [-5]])).tolist()
        [3, 98, 0]
        """
        points = np.ascontiguousarray(points, np.float32)
        return self._order[_find(points, self._points, self._radii, self.centers, self._starts)]


@numba.njit(nogil=True, cache=True)
def _find(
    points: Points, landmarks: Points, radii: Distances, centers: Points, starts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the place of the nearest landmark, (N,); landmarks stand cell by cell."""
    found = np.empty(len(points), np.int64)
    gaps = np.empty(len(centers), np.float32)
    for i in range(len(points)):
        for c in range(len(centers)):
            gaps[c] = np.sqrt(_squared_distance(points[i], centers[c]))
        nearest_cell = np.argmin(gaps)
        winner, best = starts[nearest_cell], np.float32(np.inf)
        # The cell around the nearest center first: it makes the bounds narrow for all others.
        for turn in range(-1, len(centers)):
            c = nearest_cell if turn < 0 else turn
            first, last = starts[c], starts[c + 1]
            place, nearer = _search(
                points[i], landmarks[first:last], radii[first:last], gaps[c], best
            )
            if place >= 0:
                winner, best = first + place, nearer
        found[i] = winner
    return found


@numba.njit(nogil=True, cache=True)
def _search(
    point: Distances, landmarks: Points, radii: Distances, gap: np.float32, best: np.float32
) -> tuple[int, np.float32]:
    """Return which landmark of a cell is nearer than `best`, and how near; -1 for none."""
    winner = -1
    if len(radii) == 0:
        return winner, best
    slack = np.float32(_SLACK) * (gap + radii[-1])
    if gap - radii[-1] > best + slack:
        return winner, best
    for j in range(np.searchsorted(radii, gap - best - slack), len(radii)):
        if radii[j] > gap + best + slack:
            break
        distance = np.sqrt(_squared_distance(point, landmarks[j]))
        if distance < best:
            winner, best = j, distance
    return winner, best


@numba.njit(nogil=True, cache=True, fastmath=True)
def _squared_distance(a: Distances, b: Distances) -> np.float32:
    total = np.float32(0)
    for k in range(len(a)):
        step = a[k] - b[k]
        total += step * step
    return total
