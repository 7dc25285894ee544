"""Clusters of objects, found in latent space and never on the picture."""

import numpy as np
from numpy.typing import NDArray

N_COMPONENTS = 16
NOISE = -1


def find_clusters(
    landmarks: NDArray[np.float32], latents: NDArray[np.float32], seed: int
) -> NDArray[np.int32]:
    """Cluster landmarks with HDBSCAN on 16 principal components, and give the rest the nearest's.

    Parameters
    ----------
    landmarks : (M, 128) float32
        Latents of the landmarks.
    latents : (N, 128) float32
        Latents of all objects.
    seed : int
        Of the principal components' solver.

    Returns
    -------
    (N,) int32
        Cluster of each object, 0 = the largest; -1 = none.
    """
    from sklearn.cluster import HDBSCAN
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier

    n_components = min(N_COMPONENTS, *landmarks.shape)
    components = PCA(n_components, random_state=seed).fit(landmarks)
    points = components.transform(landmarks)
    smallest = max(5, len(points) // 150)
    if len(points) < 2 * smallest:
        return np.full(len(latents), NOISE, dtype=np.int32)
    labels = HDBSCAN(min_cluster_size=smallest, min_samples=5, copy=True).fit_predict(points)
    nearest = KNeighborsClassifier(n_neighbors=1).fit(points, _by_size(labels))
    return nearest.predict(components.transform(latents)).astype(np.int32)


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    """Renumber clusters from the largest to the smallest; noise stays noise."""
    names, counts = np.unique(labels[labels != NOISE], return_counts=True)
    order = {int(name): i for i, name in enumerate(names[np.argsort(-counts, kind="stable")])}
    return np.array([order.get(int(label), NOISE) for label in labels], dtype=np.int32)
