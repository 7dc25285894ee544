"""Fixtures every test may use: real data, a random catalog true to the schema, its store."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.schema import COLUMNS, PUBLISHED
from anomaly_explorer.engine.plane.plane import Plane, write_plane

CHECKOUT = Path(__file__).resolve().parents[1]


def pytest_addoption(parser):
    parser.addoption("--scale", action="store_true", help="run the tests marked scale")
    parser.addoption("--journeys", action="store_true", help="run every journey, not one alone")
    parser.addoption("--kill-seed", type=int, help="kill commands at the moments of this seed")


# Files that share what takes long: the other journeys have the demo, which takes minutes to make,
# and these fit maps, whose library is compiled anew in every process.
FITS_MAPS = (
    "tests/journeys/test_ids.py",
    "tests/journeys/test_real.py",
    "tests/engine/test_embedding.py",
)


# Of the journeys the one that always runs; all take longer than the rest of the tests may.
FIRST_JOURNEY = "tests/journeys/test_demo.py"


def is_journey(path: str) -> bool:
    return path.startswith("tests/journeys/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a process whole files, or all that share what is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            path = nodeid.split("::", 1)[0]
            if path in FITS_MAPS:
                return "maps"
            return "demo" if is_journey(path) else path

    return ByFile(config, log)


def pytest_collection_modifyitems(config, items):
    # The journeys are the longest group: begun last, they would be waited for.
    items.sort(key=lambda item: not is_journey(item.nodeid))
    is_scale_run = config.getoption("--scale")
    is_left_out = pytest.mark.skip(reason="needs --journeys, as in `make journeys`")
    for item in items:
        path = item.nodeid.split("::", 1)[0]
        if is_journey(path) and path != FIRST_JOURNEY and not config.getoption("--journeys"):
            item.add_marker(is_left_out)
        if "scale" in item.keywords:
            skip = pytest.mark.skip(reason="needs --scale")
            # Hours are nothing unusual for these.
            item.add_marker(pytest.mark.timeout(0) if is_scale_run else skip)


def find_real_data(checkout: Path, environment: Mapping[str, str]) -> Path:
    """Find the folder of real spectra, or skip; fail in CI where it was promised.

    It is promised by ANOMALY_REAL_DATA, or by a `shared` folder beside the checkout: a clean public
    checkout has neither, and its tests of real spectra are skipped.
    """
    named = environment.get("ANOMALY_REAL_DATA")
    folder = Path(named) if named else checkout.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if environment.get("CI") and (named or (checkout.parent / "shared").is_dir()):
        pytest.fail(f"no real spectra: {folder} does not exist, and CI must run their tests")
    pytest.skip(
        f"no real spectra: {folder} does not exist, as in every clean checkout "
        "(set ANOMALY_REAL_DATA)"
    )


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real spectra; see `find_real_data`."""
    return find_real_data(CHECKOUT, os.environ)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20260101)


WORDS = {
    "worst_arm": ("B", "R", "Z"),
    "spectype": ("GALAXY", "QSO", "STAR", ""),
    "subtype": ("", "M", "G", "WD"),
    "morphtype": ("PSF", "REX", "DEV"),
    "population": ("science", "gated", "unknown"),
    "survey": ("DESI", "SDSS"),
    "source_file": tuple(f"main/dark/{i}/coadd-main-dark-{i}.fits" for i in range(300)),
}
NULL_SHARE = 0.1

# Some examples compile (numba, Datashader), and test machines are shared: no time limit for one.
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@dataclass(frozen=True)
class Catalog:
    """A catalog folder and what was written into it: values by catalog name, None where null."""

    path: Path
    values: dict[str, list]
    x: np.ndarray
    y: np.ndarray
    cluster: np.ndarray

    @property
    def n_objects(self):
        return len(self.x)


def random_column(column, n, rng):
    if column.dtype == "string":
        words = WORDS.get(column.name, ("one", "two", "ünï"))
        values = [words[i] for i in rng.integers(len(words), size=n)]
    elif column.dtype == "bool":
        values = [bool(b) for b in rng.integers(2, size=n)]
    elif column.dtype.startswith("int"):
        values = [int(v) for v in rng.integers(0, 4, size=n)]
    else:
        values = [float(v) for v in rng.normal(0, 3, size=n).astype(column.dtype)]
    return [None if rng.random() < NULL_SHARE else value for value in values]


def random_values(columns, n, rng):
    values = {c.catalog_name: random_column(c, n, rng) for c in columns}
    ids = rng.integers(2**62, 2**62 + 10_000, size=n)
    ids[::7] = -rng.integers(1, 2**61, size=len(ids[::7]))
    ids[1 : n // 5] = ids[0]  # many objects of one target
    values["targetid"] = [int(i) for i in ids]
    values["anomaly_score"] = [
        None if i % 41 == 3 else float(np.float32(s))
        for i, s in enumerate(rng.lognormal(0, 1.5, size=n).round(1))
    ]
    for name in ("snr", *(f"median_coadd_snr_{arm}" for arm in "brz")):
        if name in values:
            values[name] = [
                float("nan") if i % 17 == 5 else None if v is None else abs(v)
                for i, v in enumerate(values[name])
            ]
    if "row_in_file" in values:
        values["row_in_file"] = list(range(n))  # so that a test knows where a row came from
    if "coverage" in values:
        values["coverage"] = [0.5 if i % 13 == 2 else 1.0 for i in range(n)]
    return values


def write_batches(path, values, columns, sizes):
    path.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([pa.field(c.catalog_name, c.arrow_type) for c in columns])
    start, rows = 0, {}
    for number, size in enumerate(sizes):
        part = {name: v[start : start + size] for name, v in values.items()}
        name = f"desi_dr1_catalog_batch_{number:04d}.parquet"
        pq.write_table(pa.table(part, schema=schema), path / name)
        rows[name] = size
        start += size
    return rows


def write_embedding(path, x, y, cluster, rows):
    (path / "embedding").mkdir(exist_ok=True)
    table = pa.table({"umap_x": x, "umap_y": y, "cluster": cluster})
    pq.write_table(table, path / "embedding" / "positions.parquet")
    facts = {"method": "umap", "seed": 1, "n_landmarks": 10, "trustworthiness": 0.9}
    (path / "embedding" / "embedding.json").write_text(json.dumps({**facts, "catalog": rows}))


def write_scan(path, n):
    scan = {
        "model": {"id": "0123456789ab", "name": "test model", "sha256": "0123456789ab" + "c" * 52},
        "grid": "desi-arms/16",
        "counts": {"objects": n, "files": 300, "without_spectra": 1, "failures": 2},
        "surveys": {"DESI": n},
        "simulated": {"generator_version": 2, "seed": 42},
        "skipped": [
            {"path": "redrock.fits", "reason": "no spectra", "kind": "without_spectra"},
            {"path": "a.fits", "reason": "broken", "kind": "failure"},
            {"path": "b.fits", "reason": "broken", "kind": "failure"},
        ],
        "notes": ["one file has no redshifts"],
    }
    (path / "scan.json").write_text(json.dumps(scan))


@pytest.fixture(scope="session")
def write_catalog():
    """Write a random catalog: `write_catalog(path, sizes=(700, 1, 299), published=False)`."""

    def write(path, sizes=(700, 1, 299), *, published=False, seed=7):
        rng = np.random.default_rng(seed)
        n = sum(sizes)
        columns = PUBLISHED if published else COLUMNS
        values = random_values(columns, n, rng)
        x, y = rng.normal(0, (5, 2), size=(n, 2)).astype(np.float32).T
        x[::29] = np.nan
        y[5::31] = np.inf
        cluster = rng.integers(-1, 6, size=n).astype(np.int32)
        rows = write_batches(path, values, columns, sizes)
        write_embedding(path, x, y, cluster, rows)
        if not published:
            write_scan(path, n)
        return Catalog(path, values, x, y, cluster)

    return write


@pytest.fixture(scope="session")
def random_catalog(write_catalog, tmp_path_factory):
    return write_catalog(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="session")
def random_store(random_catalog, tmp_path_factory):
    return build_store(random_catalog.path, tmp_path_factory.mktemp("stores") / "random.store")


@pytest.fixture(scope="session")
def make_plane(tmp_path_factory):
    """Write N points, (N,) float32 each, as a plane and open it."""

    def make(x, y, name="test"):
        path = tmp_path_factory.mktemp("planes") / name
        write_plane(path, np.asarray(x, np.float32), np.asarray(y, np.float32), ("x", "y"))
        return Plane.open(path)

    return make


@pytest.fixture(scope="session")
def clumpy_points():
    """3,000 points in clumps of very different size, some equal, some without position."""
    rng = np.random.default_rng(11)
    centres = rng.uniform(-10, 10, size=(6, 2))
    widths = np.array([3, 1, 0.3, 0.1, 0.01, 0])
    group = rng.integers(6, size=3000)
    points = centres[group] + rng.normal(size=(3000, 2)) * widths[group, None]
    points[::97] = np.nan
    points[5] = (np.inf, 0)
    return points.astype(np.float32).T


@pytest.fixture(scope="session")
def clumpy_plane(make_plane, clumpy_points):
    return make_plane(*clumpy_points)
