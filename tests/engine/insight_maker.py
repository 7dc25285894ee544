"""Stores with known truths planted in them, and with none, for tests of what insights find."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.schema import BY_CATALOG_NAME, COLUMNS, LATENT_NAMES
from tests.conftest import write_batches, write_embedding, write_scan

N_OBJECTS = 4_000
# What is planted: the tier crowds in each of these.
BAD_TILE, BAD_PIXEL, ODD_CLUSTER, KNOWING_LATENT = 7, 3, 2, 5
N_TILES, N_PIXELS, N_CLUSTERS = 20, 12, 4


@dataclass(frozen=True)
class Planted:
    """Where the plants stand, per object."""

    tile: np.ndarray
    pixel: np.ndarray
    cluster: np.ndarray
    score: np.ndarray


def write_insight_catalog(path: Path, *, is_planted: bool, seed: int = 3) -> Path:
    """Write a catalog whose scores follow S/N and, where planted, tile, pixel and cluster."""
    rng = np.random.default_rng(seed)
    n = N_OBJECTS
    where = Planted(
        rng.integers(N_TILES, size=n),
        rng.integers(N_PIXELS, size=n),
        rng.integers(N_CLUSTERS, size=n),
        np.zeros(n),
    )
    snr = rng.lognormal(1.5, 0.7, n)
    redshift = rng.uniform(0.05, 1.5, n)
    latents = rng.normal(size=(n, 128))
    score = np.exp(rng.normal(size=n) - np.log(snr))
    if is_planted:
        odd = rng.random(n) < 0.5
        score[odd & (where.tile == BAD_TILE)] *= 20
        score[odd & (where.pixel == BAD_PIXEL)] *= 20
        score[odd & (where.cluster == ODD_CLUSTER)] *= 20
        latents[:, KNOWING_LATENT] = 3 * redshift + 0.1 * rng.normal(size=n)
        latents[:, 10:40] *= np.where(score > np.quantile(score, 0.9), 0.2, 1)[:, None]
    facts = {
        "target_id": 39_000_000_000_000_000 + np.arange(n),
        "score_mse": score,
        "score_sum": score,
        "snr": snr,
        "redshift": redshift,
        "redshift_warning": (rng.random(n) < 0.05).astype(int),
        "deltachi2": rng.lognormal(5, 1, n),
        "spectype": rng.choice(["GALAXY", "QSO", "STAR"], n, p=[0.7, 0.2, 0.1]),
        "population": np.full(n, "science"),
        "coverage": np.ones(n),
        "tile_id": where.tile,
        "ra_deg": 150 + 8.0 * where.pixel + rng.uniform(-1, 1, n),
        "dec_deg": 10 + rng.uniform(-1, 1, n),
        "ebv": rng.uniform(0, 0.1, n),
        "is_training_member": np.arange(n) < 100,
        "survey": np.full(n, "DESI"),
        "worst_arm": np.full(n, "B"),
        **{name: latents[:, i] for i, name in enumerate(LATENT_NAMES)},
    }
    values = {
        c.catalog_name: list(facts[c.name].tolist()) if c.name in facts else [None] * n
        for c in COLUMNS
    }
    assert set(values) == set(BY_CATALOG_NAME)
    rows = write_batches(path, values, COLUMNS, (n,))
    place = rng.normal(size=(2, n)).astype(np.float32)
    write_embedding(path, *place, where.cluster.astype(np.int32), rows)
    write_scan(path, n)
    return path


def make_insight_store(folder: Path, *, is_planted: bool):
    """Build a store of such a catalog."""
    catalog = write_insight_catalog(folder / "catalog", is_planted=is_planted)
    return build_store(catalog, folder / "store")


class WithColumns:
    """A store with further columns of floats."""

    def __init__(self, store, **columns):
        self._store, self._columns = store, columns
        self.column_names = (*store.column_names, *columns)

    def __getattr__(self, name):
        return getattr(self._store, name)

    def column(self, name):
        return self._columns[name] if name in self._columns else self._store.column(name)

    def describe(self, name):
        is_float = np.asarray(self._columns.get(name, 0)).dtype.kind == "f"
        return self._store.describe("snr" if is_float else name)
