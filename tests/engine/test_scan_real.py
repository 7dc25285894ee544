"""Four folders of real spectra through one scan: every file and every object is accounted for."""

from collections import Counter
from pathlib import PurePosixPath

import numpy as np
import pytest

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.scan.plan import make_plan
from anomaly_explorer.engine.scan.run import run_scan

from .catalog_maker import CPU, make_scorer, place_randomly, read_catalog

FOLDERS = ("desi-coadds", "sdss-boss", "sdss-sky", "lamost")


@pytest.fixture(scope="module")
def real_scan(real_data, weights, tmp_path_factory):
    """Plan, summary, rows and folder of the scan."""
    catalog = tmp_path_factory.mktemp("real") / "catalog"
    plan = make_plan([real_data / folder for folder in FOLDERS])
    summary = run_scan(plan, catalog, make_scorer(weights), CPU).summary
    return plan, summary, read_catalog(catalog).to_pylist(), catalog


def folder_of(record):
    return PurePosixPath(record["source_file"]).parts[0]


def test_the_counts_of_the_four_folders(real_scan):
    _, summary, records, _ = real_scan
    assert summary["counts"] == {
        "objects": 477, "files": 453, "without_spectra": 12, "superseded": 1, "failures": 2,
        "objects_without_data": 6,
    }  # fmt: skip
    assert summary["surveys"] == {"DESI": 29, "SDSS": 224, "LAMOST": 224}
    assert len(records) == 477
    assert summary["simulated"] is None
    assert {r["is_simulated"] for r in records} == {False}


def test_every_file_is_scanned_or_listed_and_none_twice(real_scan, real_data):
    plan, summary, records, _ = real_scan
    present = {
        path.relative_to(real_data).as_posix()
        for folder in FOLDERS
        for path in (real_data / folder).rglob("*")
        if path.is_file()
    }
    scanned = {r["source_file"] for r in records}
    listed = Counter(item["path"] for item in summary["skipped"])
    assert set(listed.values()) == {1}
    assert scanned | listed.keys() == present
    # Only a file that another one supersedes in part can be both.
    both = scanned & listed.keys()
    assert both <= {i["path"] for i in summary["skipped"] if i["kind"] == "superseded"}
    assert scanned == {spectra.path for spectra in plan.inputs}
    assert {i["path"] for i in summary["skipped"] if i["kind"] == "failure"} == {
        "desi-coadds/malformed-missing_b_color.fits",
        "sdss-boss/spSpec-51792-0354-147.fit.gz",
    }


def test_keys_are_unique(real_scan):
    keys = Counter((r["coadd_group"], r["targetid"]) for r in real_scan[2])
    assert set(keys.values()) == {1}
    places = Counter((r["source_file"], r["row_in_file"]) for r in real_scan[2])
    assert set(places.values()) == {1}


def test_sky_is_gated_and_what_nobody_knows_is_unknown(real_scan):
    records = real_scan[2]
    sky = [r for r in records if folder_of(r) == "sdss-sky"]
    assert len(sky) == 25
    assert {r["population"] for r in sky} == {"gated"}
    lamost = [r for r in records if folder_of(r) == "lamost"]
    assert {r["population"] for r in lamost} == {"unknown"}
    assert {r["survey"] for r in lamost} == {"LAMOST"}
    negative = [r for r in records if r["survey"] == "DESI" and r["targetid"] < 0]
    assert len(negative) == 3
    assert {r["population"] for r in negative} == {"gated"}
    assert all(r["gate_reason"] for r in records if r["population"] != "science")
    assert all(r["gate_reason"] == "" for r in records if r["population"] == "science")


def test_no_sky_fiber_and_no_dead_arm_is_in_a_tier_until_it_is_asked_for(real_scan):
    # The page opens on science targets, and on each tier of them.
    catalog = real_scan[3]
    place_randomly(catalog)
    store = build_store(catalog, catalog.with_name("store"))
    names = ("source_file", "target_id", "coverage", "population")
    opened = Session(store, ExplorerState())
    assert opened.state.population == "science"
    n_in = 0
    for tier in store.manifest.tiers:
        opened.state.tier = tier
        for record in store.records(opened.mask.rows(), names):
            assert folder_of(record) not in ("sdss-sky", "lamost"), tier
            assert record["target_id"] is None or record["target_id"] > 0
            assert record["coverage"] >= 0.9
            n_in += 1
    assert n_in > 10
    dead = store.column("coverage") < 0.9
    assert dead.any()  # of an arm, or of all of them
    opened.state.param.update(tier="", population="gated")
    sky = {r["source_file"] for r in store.records(opened.mask.rows(), names)}
    assert sum(name.startswith("sdss-sky") for name in sky) == 25  # one switch away


def test_scores_are_finite_exactly_where_there_is_data(real_scan):
    scores = np.array([r["anomaly_score"] for r in real_scan[2]])
    coverage = np.array([r["coverage"] for r in real_scan[2]])
    assert np.isfinite(scores[coverage > 0]).all()
    assert ((coverage >= 0) & (coverage <= 1)).all()
    assert (coverage == 0).sum() == 6
    assert not any(r["population"] == "science" for r in real_scan[2] if r["coverage"] < 0.9)


def test_notes_name_files_of_the_scan(real_scan):
    plan, summary, *_ = real_scan
    paths = {spectra.path for spectra in plan.inputs}
    assert summary["notes"]
    assert {note.split(": ")[0] for note in summary["notes"]} <= paths
