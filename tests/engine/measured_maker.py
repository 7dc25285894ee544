"""A catalog with statistics that follow the S/N, to calibrate in a second."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anomaly_explorer.engine.catalog.schema import COLUMNS, arrow_schema
from anomaly_explorer.engine.scan.measure import statistic_column
from anomaly_explorer.engine.scoring.statistics import NAMES


def make_columns(n, seed=0, noise=1.0):
    """Statistics that follow the S/N, of two classes; STAR has few, and QSO none at all."""
    rng = np.random.default_rng(seed)
    snr = rng.lognormal(1, 0.8, n)
    index = np.arange(n)
    facts = {
        "target_id": 10_000_000 * (seed + 1) + index,
        "survey": np.where(index % 10 == 9, "SDSS", "DESI"),
        "spectype": np.where(index % 7 == 0, "STAR", "GALAXY"),
        "population": np.where(index % 20 == 3, "gated", "science"),
        "coverage": np.where(index % 50 == 7, 0.5, 1.0),
        "objtype": np.where(index % 20 == 3, "SKY", "TGT"),
        "fiber_status": np.zeros(n, np.int32),
        "is_measurer_member": index % 30 == 11,
        "injected_type": np.where(index % 40 == 21, "cv", ""),
        "snr_bin": snr,
        "score_mse": rng.lognormal(0, 1, n),
    }
    for place, name in enumerate(NAMES):
        facts[statistic_column(name)] = noise * rng.lognormal(0, 0.3, n) * (1 + place + snr) ** 0.2
    facts[statistic_column("modes")][facts["spectype"] == "STAR"] = np.nan
    for arm in "brz":
        facts[f"noise_scale_{arm}"] = noise**2 * rng.lognormal(0, 0.1, n)
    return facts


def write_catalog(path, facts, sizes):
    """Batches of a catalog with a scan that names its measurer."""
    path.mkdir(parents=True)
    start = 0
    for number, size in enumerate(sizes):
        part = slice(start, start + size)
        start = part.stop
        arrays = [
            pa.array(facts[c.name][part]).cast(c.arrow_type) if c.name in facts
            else pa.nulls(size, c.arrow_type)
            for c in COLUMNS
        ]  # fmt: skip
        table = pa.Table.from_arrays(arrays, schema=arrow_schema())
        name = path / f"desi_dr1_catalog_batch_{number:04d}.parquet"
        pq.write_table(table, name, row_group_size=1000)
    said = {"measurer": {"id": "0123456789ab", "name": "test", "sha256": "0" * 64}}
    (path / "scan.json").write_text(json.dumps(said))
    return path
