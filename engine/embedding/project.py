"""The map: UMAP of landmarks in latent space, and a small network that places everything else."""

import warnings
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

N_NEIGHBORS, MIN_DIST = 15, 0.1
# Few enough that all a row passes through stays in the processor's cache.
PLACE_ROWS = 4096


def fit_map(latents: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Fit a two-dimensional UMAP of landmarks; seeded, hence on one core.

    It is given the exact nearest neighbors: UMAP itself would ask for every distance one by one
    (few landmarks), or compile a search that finds most of them (many).

    Parameters
    ----------
    latents : (M, 128) float32
        At least 3 landmarks.
    seed : int

    Returns
    -------
    (M, 2) float32
    """
    with warnings.catch_warnings():
        # umap probes for tensorflow, which only its parametric variant needs.
        warnings.filterwarnings("ignore", message="Tensorflow not installed")
        # Nothing is added to this map by UMAP: the network does that.
        warnings.filterwarnings("ignore", message="precomputed_knn.* is not an NNDescent object")
        import umap

        n_neighbors = min(N_NEIGHBORS, len(latents) - 1)
        mapper = umap.UMAP(
            n_neighbors=n_neighbors, min_dist=MIN_DIST, random_state=seed, n_jobs=1,
            init="random" if len(latents) < 32 else "spectral",
            precomputed_knn=_nearest(latents, latents, n_neighbors),
        )  # fmt: skip
        return np.asarray(mapper.fit_transform(latents), dtype=np.float32)


class Placer:
    """A 128-256-256-2 network distilled from a fitted map; places any latents on it.

    Parameters
    ----------
    latents : (M, 128) float32
    positions : (M, 2) float32
        Landmarks and where the map has them.
    seed : int
    epochs : int
    """

    def __init__(
        self,
        latents: NDArray[np.float32],
        positions: NDArray[np.float32],
        seed: int,
        epochs: int = 100,
    ) -> None:
        self._scales = {
            "shift": latents.mean(axis=0), "spread": latents.std(axis=0) + 1e-6,
            "origin": positions.mean(axis=0), "extent": positions.std(axis=0) + 1e-6,
        }  # fmt: skip
        torch.manual_seed(seed)
        self._network = _network(latents.shape[1])
        target = (positions - self._scales["origin"]) / self._scales["extent"]
        self._train(self._standardize(latents), torch.from_numpy(target), epochs)

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return what the trained network is made of, by name."""
        weights = {name: value.numpy() for name, value in self._network.state_dict().items()}
        return self._scales | weights

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[np.float32]]) -> "Placer":
        """Undo `arrays`."""
        placer = cls.__new__(cls)
        placer._scales = {name: arrays[name] for name in ("shift", "spread", "origin", "extent")}
        placer._network = _network(len(placer._scales["shift"]))
        placer._network.load_state_dict(
            {name: torch.from_numpy(arrays[name]) for name in placer._network.state_dict()}
        )
        placer._network.eval()
        return placer

    def place(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return positions on the map, (N, 2) float32, of latents, (N, 128)."""
        placed = np.empty((len(latents), 2), np.float32)
        with torch.inference_mode():
            for start in range(0, len(latents), PLACE_ROWS):
                block = self._standardize(latents[start : start + PLACE_ROWS])
                placed[start : start + PLACE_ROWS] = self._network(block).numpy()
        return placed * self._scales["extent"] + self._scales["origin"]

    def _standardize(self, latents: NDArray[np.float32]) -> torch.Tensor:
        shifted = (latents - self._scales["shift"]) / self._scales["spread"]
        return torch.from_numpy(shifted.astype(np.float32, copy=False))

    def _train(self, latents: torch.Tensor, target: torch.Tensor, epochs: int) -> None:
        optimizer = torch.optim.AdamW(self._network.parameters(), lr=2e-3, weight_decay=1e-3)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
        for _ in range(epochs):
            for rows in torch.randperm(len(latents)).split(256):
                loss = nn.functional.smooth_l1_loss(self._network(latents[rows]), target[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            schedule.step()
        self._network.eval()


def _network(n_latents: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_latents, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2)
    )


def neighbor_preservation(
    latents: NDArray[np.float32], positions: NDArray[np.float32], k: int = 10
) -> float:
    """Return the mean share of the k nearest in latent space that stay nearest on the map.

    Latents are (M, 128), positions (M, 2).
    """
    pairs = zip(*(_nearest(points, None, k)[0] for points in (latents, positions)), strict=True)
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in pairs]))


def _nearest(
    points: NDArray[np.float32], asked: NDArray[np.float32] | None, k: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return numbers and distances of the k points nearest to those asked, (N, k) each.

    Without points asked: to every point, itself left out.
    """
    from sklearn.neighbors import NearestNeighbors

    fitted = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
    distances, numbers = fitted.kneighbors(asked)
    return numbers, distances


def trustworthiness(
    latents: NDArray[np.float32], positions: NDArray[np.float32], k: int = 10
) -> float:
    """Return the trustworthiness of the map (1 = no false neighbours), over the given rows.

    Latents are (M, 128), positions (M, 2).
    """
    from sklearn.manifold import trustworthiness as measure

    return float(measure(latents, positions, n_neighbors=k))
