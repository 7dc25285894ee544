"""Clusters of objects, found in latent space and never on the picture."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from .nearest import LandmarkIndex

N_COMPONENTS = 16
NOISE = -1


class Clusters:
    """Clusters of landmarks, and through the nearest landmark of everything else.

    Parameters
    ----------
    mean : (L,) float32
    components : (D, L) float32
        The principal components distances are taken in.
    index : LandmarkIndex or None
        Landmarks in those components; None where nothing is in a cluster.
    labels : (M,) int32
        Cluster of each landmark, 0 = the largest; -1 = none.
    """

    def __init__(
        self,
        mean: NDArray[np.float32],
        components: NDArray[np.float32],
        index: LandmarkIndex | None,
        labels: NDArray[np.int32],
    ) -> None:
        self._mean, self._components = mean, components
        self._index, self.labels = index, labels

    @property
    def n_clusters(self) -> int:
        """Return how many clusters there are."""
        return int(self.labels.max(initial=NOISE)) + 1

    def assign(self, latents: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the cluster of the nearest landmark, (N,), of latents, (N, 128)."""
        if self._index is None:
            return np.full(len(latents), NOISE, np.int32)
        return self.labels[self._index.nearest(_project(latents, self._mean, self._components))]

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return what the clusters are made of, by name."""
        made = {"mean": self._mean, "components": self._components, "labels": self.labels}
        return made | (self._index.arrays() if self._index else {})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Clusters":
        """Undo `arrays`."""
        index = LandmarkIndex.of_arrays(arrays) if "landmarks" in arrays else None
        return cls(arrays["mean"], arrays["components"], index, arrays["labels"])


def find_clusters(landmarks: NDArray[np.float32], seed: int) -> Clusters:
    """Cluster landmarks with HDBSCAN on 16 principal components.

    Parameters
    ----------
    landmarks : (M, 128) float32
        Latents of the landmarks.
    seed : int
        Of the principal components' solver and of the index's cells.
    """
    from sklearn.cluster import HDBSCAN
    from sklearn.decomposition import PCA

    n_components = min(N_COMPONENTS, *landmarks.shape)
    found = PCA(n_components, random_state=seed).fit(landmarks)
    mean, components = found.mean_.astype(np.float32), found.components_.astype(np.float32)
    points = _project(landmarks, mean, components)
    smallest = max(5, len(points) // 150)
    if len(points) < 2 * smallest:
        nothing = np.full(len(points), NOISE, np.int32)
        return Clusters(mean, components, None, nothing)
    labels = HDBSCAN(min_cluster_size=smallest, min_samples=5, copy=True).fit_predict(points)
    return Clusters(mean, components, LandmarkIndex.of(points, seed), _by_size(labels))


def _project(
    latents: NDArray[np.float32], mean: NDArray[np.float32], components: NDArray[np.float32]
) -> NDArray[np.float32]:
    # torch, whose threads can be told to stay one: see `threads.one_thread`.
    weights = torch.from_numpy(components)
    shift = -(weights @ torch.from_numpy(mean))
    return torch.addmm(shift, torch.from_numpy(latents), weights.T).numpy()


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    """Renumber clusters from the largest to the smallest; noise stays noise."""
    names, counts = np.unique(labels[labels != NOISE], return_counts=True)
    order = {int(name): i for i, name in enumerate(names[np.argsort(-counts, kind="stable")])}
    return np.array([order.get(int(label), NOISE) for label in labels], dtype=np.int32)
