"""A random catalog, true to the schema: what a store of N rows is built from."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anomaly_explorer.engine.catalog.schema import COLUMNS, LATENT_NAMES, Column, arrow_schema

BATCH_ROWS = 100_000
N_CLUMPS = 40
WORDS = {
    "worst_arm": ("B", "R", "Z"),
    "spectype": ("GALAXY", "QSO", "STAR"),
    "population": ("science", "science", "science", "science", "gated"),
    "survey": ("DESI",),
}


def write_catalog(path: Path, n_rows: int, seed: int = 1) -> None:
    """Write batches and an embedding of N random objects in 40 clumps.

    Scores are log-normal and fall with S/N; redshift warnings are 0; latents are normal.
    """
    rng = np.random.default_rng(seed)
    (path / "embedding").mkdir(parents=True)
    counts: dict[str, int] = {}
    for number, start in enumerate(range(0, n_rows, BATCH_ROWS)):
        n = min(BATCH_ROWS, n_rows - start)
        name = f"desi_dr1_catalog_batch_{number:04d}.parquet"
        pq.write_table(_random_table(n, start, rng), path / name)
        counts[name] = n
    x, y, clump = _clumps(n_rows, rng)
    table = pa.table({"umap_x": x, "umap_y": y, "cluster": clump})
    pq.write_table(table, path / "embedding" / "positions.parquet")
    facts = {"method": "random clumps", "seed": seed, "catalog": counts}
    (path / "embedding" / "embedding.json").write_text(json.dumps(facts))


def _random_table(n: int, first: int, rng: np.random.Generator) -> pa.Table:
    snr = rng.lognormal(0.5, 1.0, n).astype(np.float32)
    given = {
        "target_id": np.arange(first, first + n) + 39_627_000_000_000_000,
        "snr": snr,
        "score_mse": (rng.lognormal(-2, 0.7, n) / np.sqrt(snr)).astype(np.float32),
        "redshift_warning": np.zeros(n, np.int64),
        "coverage": np.ones(n, np.float32),
    }
    columns = [pa.array(_column(c, n, rng) if c.name not in given else given[c.name], c.arrow_type)
               for c in COLUMNS]  # fmt: skip
    return pa.Table.from_arrays(columns, schema=arrow_schema())


def _column(column: Column, n: int, rng: np.random.Generator) -> np.ndarray:
    if column.name in LATENT_NAMES:
        return rng.standard_normal(n, dtype=np.float32)
    if column.dtype == "string":
        return np.array(WORDS.get(column.name, ("one", "two")))[
            rng.integers(len(WORDS.get(column.name, ("one", "two"))), size=n)
        ]
    if column.dtype == "bool":
        return rng.random(n) < 0.5
    if column.dtype.startswith("int"):
        return rng.integers(0, 1000, n)
    return rng.standard_normal(n)


def _clumps(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    clump = rng.integers(N_CLUMPS, size=n)
    centers, widths = rng.normal(0, 8, (N_CLUMPS, 2)), rng.uniform(0.1, 1.2, N_CLUMPS)
    points = centers[clump] + rng.standard_normal((n, 2)) * widths[clump, None]
    return points[:, 0].astype("f4"), points[:, 1].astype("f4"), clump.astype(np.int32)
