"""A scan computes what the model says, writes what the schema says, and says what it left out."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from anomaly_explorer.engine.catalog.export import export_rows
from anomaly_explorer.engine.catalog.schema import BY_NAME, LATENT_NAMES, arrow_schema
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.scan import worker
from anomaly_explorer.engine.scan.plan import make_plan
from anomaly_explorer.engine.scan.run import run_scan
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import concatenate

from .catalog_maker import (
    CPU,
    batch_files,
    make_scorer,
    read_catalog,
    scan_into,
    write_coadds,
)
from .conftest import LARGE_ID
from .survey_files import make_coadd


@pytest.fixture(scope="module")
def table(scanned):
    return read_catalog(scanned)


def computed_anew(folder, weights):
    """Spectra, model input, reconstruction, latents and scores, straight from the files."""
    model = load_model(weights)
    spectra = concatenate(
        batch
        for path in sorted(folder.rglob("*.fits"))
        for batch in open_source(path).batches(5)
    )  # fmt: skip
    made = prepare_input(spectra, model.card.grid)
    reconstruction, latents = forward_blocks(model.network, made.normalized_flux, CPU)
    scores = score_residuals(made.normalized_flux, reconstruction, made.is_covered, model.card.grid)
    return spectra, latents, scores.columns()


def test_every_batch_has_the_schema(scanned):
    assert len(batch_files(scanned)) == 3
    for path in batch_files(scanned):
        assert pq.read_schema(path).equals(arrow_schema())
        assert pq.read_schema(path).field("rZ").metadata == arrow_schema().field("rZ").metadata


def test_latents_and_scores_are_those_of_a_direct_computation(table, survey_folder, weights):
    spectra, latents, scores = computed_anew(survey_folder, weights)
    assert table["targetid"].to_pylist() == spectra.columns["target_id"].tolist()
    for i, name in enumerate(LATENT_NAMES):
        found = table[BY_NAME[name].catalog_name].to_numpy()
        np.testing.assert_allclose(found, latents[:, i], rtol=1e-5, atol=1e-6)
    for name, expected in scores.items():
        found = table[BY_NAME[name].catalog_name].to_pylist()
        if expected.dtype == object:
            assert found == expected.tolist()
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=name)


def test_columns_nobody_computed_are_null(table):
    unknown = {"flux_g", "parallax", "gr_color", "is_star_candidate", "classification",
               "discovery_potential", "tsnr2_qso", "injected_type",
               "morphtype", "ebv"}  # fmt: skip
    known = {"targetid", "anomaly_score", "lat_000", "flux_r", "target_ra", "ra_deg", "population",
             "source_file", "row_in_file", "model_id", "survey", "coverage", "snr"}  # fmt: skip
    for name in unknown:
        assert table[name].null_count == len(table), name
    for name in known:
        assert table[name].null_count == 0, name


def test_every_object_says_where_its_spectrum_is(table, survey_folder):
    for record in table.select(["targetid", "source_file", "row_in_file"]).to_pylist():
        source = open_source(survey_folder / record["source_file"])
        assert int(source.target_ids[record["row_in_file"]]) == record["targetid"]
        source.close()


def test_training_members_are_known_by_survey_and_id(table, tmp_path, weights):
    members = {r["targetid"] for r in table.to_pylist() if r["is_training_member"]}
    assert members == {LARGE_ID + 2, LARGE_ID + 30}
    parts = make_coadd(np.random.default_rng(0), 4, LARGE_ID)
    parts.header |= {
        "SIMULATD": True,
        "SIMVER": 1,
        "SIMSEED": "5",
    }  # another survey may use the same numbers
    parts.write(tmp_path / "spectra" / "coadd.fits")
    scan_into(tmp_path / "out", [tmp_path / "spectra"], weights)
    assert set(read_catalog(tmp_path / "out")["is_training_member"].to_pylist()) == {False}


def test_large_target_ids_stay_exact_from_file_to_export(scanned_store, tmp_path):
    expected = set(range(LARGE_ID, LARGE_ID + 60))
    rows = np.arange(scanned_store.n_objects)
    assert {r["target_id"] for r in scanned_store.records(rows)} == expected
    for ending in ("csv", "parquet", "fits"):
        export_rows(scanned_store, rows, tmp_path / f"all.{ending}", ending)
    lines = (tmp_path / "all.csv").read_text().splitlines()
    place = [name.strip('"') for name in lines[0].split(",")].index("targetid")
    assert {int(line.split(",")[place]) for line in lines[1:]} == expected
    assert set(pq.read_table(tmp_path / "all.parquet")["targetid"].to_pylist()) == expected
    with fits.open(tmp_path / "all.fits") as hdus:
        ids = hdus[1].data["targetid"]
        assert ids.dtype.kind == "i"
        assert {int(i) for i in ids} == expected


def test_scores_on_demand_equal_the_scan_in_any_company(inspector, rng):
    catalog = inspector.store.column("score_mse").astype(np.float64)
    rows = rng.permutation(inspector.store.n_objects)
    groups = [rows, rows[::-1], *np.array_split(rows, 7), *(rows[i : i + 1] for i in range(60))]
    for group in groups:
        _, made = inspector.reconstruct_rows(group.tolist())
        np.testing.assert_allclose(made.scores.score_mse, catalog[group], rtol=1e-5)
        stored = inspector.store.latents(group)  # float16
        np.testing.assert_allclose(made.latents, stored, rtol=1e-3, atol=1e-5)


def test_scores_do_not_depend_on_the_batch_rows(scanned, survey_folder, weights, tmp_path):
    scan_into(tmp_path / "out", [survey_folder], weights)
    assert len(batch_files(tmp_path / "out")) == 1
    found, expected = (read_catalog(c)["anomaly_score"] for c in (tmp_path / "out", scanned))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_summary_counts_what_is_there(tmp_path, weights):
    folder = write_coadds(tmp_path / "spectra", [3, 4])
    (folder / "notes.txt").write_text("not FITS")
    (folder / "page.fits").write_text("<html>404</html>")
    result = scan_into(tmp_path / "out", [folder], weights)
    summary = json.loads((tmp_path / "out" / "scan.json").read_text())
    assert summary == result.summary
    assert summary["counts"] == {
        "objects": 7, "files": 2, "without_spectra": 1, "superseded": 0, "failures": 1,
        "objects_without_data": 0,
    }  # fmt: skip
    assert summary["surveys"] == {"DESI": 7}
    assert summary["populations"] == {"science": 7}
    assert summary["simulated"] is None
    assert summary["model"]["id"] == load_model(weights).card.model_id
    assert {s["path"] for s in summary["skipped"]} == {"notes.txt", "page.fits"}
    assert len(summary["notes"]) == 2  # neither file has a redrock file beside it
    assert all("redrock" in note for note in summary["notes"])


def test_rows_of_a_better_file_are_left_out_and_the_others_keep_their_place(tmp_path, weights):
    rng = np.random.default_rng(0)
    make_coadd(rng, 4, 100).write(tmp_path / "spectra" / "coadd-a.fits")
    make_coadd(rng, 5, 102).write(tmp_path / "spectra" / "coadd-b.fits")
    summary = scan_into(tmp_path / "out", [tmp_path / "spectra"], weights).summary
    table = read_catalog(tmp_path / "out")
    assert table["targetid"].to_pylist() == [100, 101, 102, 103, 104, 105, 106]
    assert table["row_in_file"].to_pylist() == [0, 1, 2, 3, 2, 3, 4]
    assert summary["counts"]["superseded"] == 1
    _, _, scores = computed_anew(tmp_path / "spectra", weights)
    expected = scores["score_mse"][[0, 1, 2, 3, 6, 7, 8]]
    np.testing.assert_allclose(table["anomaly_score"], expected, rtol=1e-5)


class Breaking:
    """A source that breaks after its first spectra."""

    def __init__(self, source):
        self._source = source

    def __getattr__(self, name):
        return getattr(self._source, name)

    def batches(self, size):
        yield self._source.read([0])
        raise InputError("the disk sector is gone")


def test_a_file_that_breaks_while_it_is_read_gives_no_rows_and_is_listed(
    tmp_path, weights, monkeypatch
):
    folder = write_coadds(tmp_path / "spectra", [3, 4, 2])

    def open_or_break(path):
        source = open_source(path)
        return Breaking(source) if "9001" in path.name else source

    monkeypatch.setattr(worker, "open_source", open_or_break)
    summary = scan_into(tmp_path / "out", [folder], weights).summary
    assert summary["counts"]["objects"] == 5
    assert summary["counts"]["files"] == 2
    assert summary["counts"]["failures"] == 1
    assert summary["skipped"][0]["path"] == "dark/9001/coadd-main-dark-9001.fits"
    assert "sector" in summary["skipped"][0]["reason"]
    files = read_catalog(tmp_path / "out")["source_file"].to_pylist()
    assert "dark/9001/coadd-main-dark-9001.fits" not in files


def test_a_file_that_changes_between_plan_and_scan_gives_no_rows(tmp_path, weights):
    folder = write_coadds(tmp_path / "spectra", [3, 4])
    plan = make_plan([folder])
    path = folder / next(plan.inputs).path
    path.unlink()
    make_coadd(np.random.default_rng(9), 3, first_id=77, HPXPIXEL=9000).write(path)
    summary = run_scan(plan, tmp_path / "out", make_scorer(weights), CPU).summary
    assert summary["counts"]["objects"] == 4
    assert "changed during the scan" in summary["skipped"][0]["reason"]


def test_when_every_file_breaks_nothing_is_left_that_stops_the_next_scan(tmp_path, weights):
    folder = write_coadds(tmp_path / "spectra", [3])
    plan = make_plan([folder])
    path = folder / next(plan.inputs).path
    whole = path.read_bytes()
    path.write_bytes(whole[:2880])
    with pytest.raises(InputError, match="no object could be read"):
        run_scan(plan, tmp_path / "out", make_scorer(weights), CPU)
    assert not (tmp_path / "out").exists()
    path.write_bytes(whole)
    assert scan_into(tmp_path / "out", [folder], weights).summary["counts"]["objects"] == 3


def test_spectra_without_data_and_with_nan_are_scanned(tmp_path, weights):
    parts = make_coadd(np.random.default_rng(0), 3)
    for arm, flux in parts.flux.items():
        parts.ivar[arm][0] = 0
        flux[1, 100:200] = np.nan
    parts.write(tmp_path / "spectra" / "coadd.fits")
    summary = scan_into(tmp_path / "out", [tmp_path / "spectra"], weights).summary
    assert summary["counts"]["objects_without_data"] == 1
    empty, with_nan, _ = read_catalog(tmp_path / "out").to_pylist()
    assert (empty["population"], empty["coverage"]) == ("gated", 0)
    assert with_nan["population"] == "science"
    assert np.isfinite(with_nan["anomaly_score"])


def test_progress_ends_with_all_objects(tmp_path, survey_folder, weights):
    seen = []
    plan = make_plan([survey_folder], 25)
    run_scan(plan, tmp_path / "o", make_scorer(weights), CPU, lambda *now: seen.append(now))
    assert seen[-1] == (60, 60)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
