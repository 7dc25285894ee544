"""Small surveys, models, catalogs and stores made from files, for tests of what is between them."""

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.model.weights import load_model, save_model
from anomaly_explorer.engine.scan.plan import make_plan
from anomaly_explorer.engine.scan.run import run_scan
from anomaly_explorer.engine.scan.scorer import Scorer
from anomaly_explorer.engine.scoring.measurer_file import load_measurer
from tests.engine.measurer_maker import save_random_measurer
from tests.engine.survey_files import make_coadd

CPU = torch.device("cpu")


def save_random_model(path, seed=0, training_ids=(), survey="DESI"):
    """Weights of a network that was never trained, with a card that says what it is given."""
    torch.manual_seed(seed)
    facts = {"pixels_per_bin": 16, "training_survey": survey, "training": {}}
    save_model(path, BigAE(496), np.asarray(training_ids, dtype=np.int64), facts)
    return path


def write_coadds(folder, sizes, first_id=39627700000000000, seed=3):
    """One healpix coadd of each size, their ids in one sequence."""
    rng = np.random.default_rng(seed)
    for i, n in enumerate(sizes):
        parts = make_coadd(rng, n, first_id + sum(sizes[:i]), HPXPIXEL=9000 + i)
        parts.write(folder / f"dark/{9000 + i}/coadd-main-dark-{9000 + i}.fits")
    return folder


@cache
def random_measurer():
    """A measurer that was never trained, made once."""
    with TemporaryDirectory() as folder:
        return load_measurer(save_random_measurer(Path(folder) / "measurer.safetensors"))


def make_scorer(weights):
    """The networks of a scan: weights of a file, and a measurer that was never trained."""
    return Scorer(load_model(weights), random_measurer())


def scan_into(catalog, paths, weights, batch_rows=500_000):
    """Scan on the CPU."""
    return run_scan(make_plan(paths, batch_rows), catalog, make_scorer(weights), CPU)


def batch_files(catalog):
    """The files that count as batches, in order."""
    return sorted(catalog.glob("desi_dr1_catalog_batch_*.parquet"))


def read_catalog(catalog):
    """All batches as one table."""
    return pa.concat_tables([pq.read_table(path) for path in batch_files(catalog)])


def place_randomly(catalog, seed=0):
    """Write an embedding of random positions: a store needs one, and these tests none."""
    rows = {path.name: pq.read_metadata(path).num_rows for path in batch_files(catalog)}
    x, y = np.random.default_rng(seed).normal(size=(2, sum(rows.values()))).astype(np.float32)
    folder = catalog / "embedding"
    folder.mkdir()
    table = pa.table({"umap_x": x, "umap_y": y, "cluster": np.zeros(len(x), np.int32)})
    pq.write_table(table, folder / "positions.parquet")
    (folder / "embedding.json").write_text(json.dumps({"method": "random", "catalog": rows}))


def assert_same_rows(found, expected):
    """Same columns: floats to 1e-5 of their scale, everything else exactly."""
    assert found.schema.equals(expected.schema)
    assert found.num_rows == expected.num_rows
    for name in expected.column_names:
        a, b = (table[name].combine_chunks() for table in (found, expected))
        if pa.types.is_floating(a.type):
            assert a.null_count == b.null_count, name
            left, right = (v.to_numpy(zero_copy_only=False) for v in (a, b))
            np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            assert a.to_pylist() == b.to_pylist(), name
