"""A catalog calibrated: what is fitted and judged, what is written, and what is noticed."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard import cli
from anomaly_explorer.engine.calibration import run, stored
from anomaly_explorer.engine.calibration.apply import WINNERS, score_parts
from anomaly_explorer.engine.calibration.normals import are_drawn, are_for_fitting
from anomaly_explorer.engine.calibration.run import calibrate_catalog
from anomaly_explorer.engine.calibration.stored import (
    SHIPPED_CALIBRATION,
    StoredCalibration,
    calibration_file,
)
from anomaly_explorer.engine.calibration.stream import read_measured
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.folder import CatalogFolder
from anomaly_explorer.engine.catalog.schema import BY_NAME, CALIBRATED
from anomaly_explorer.engine.catalog.store import Store, info
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.model.card import SHIPPED_MEASURER, check_card
from anomaly_explorer.engine.model.weighing import WEIGHING_VERSION
from anomaly_explorer.engine.scoring.statistics import ASTRO, INSTRUMENT, NAMES
from anomaly_explorer.engine.scoring.tail import MIN_EXCESSES, TAIL_SHARE
from tests.engine.catalog_maker import place_randomly
from tests.engine.measured_maker import make_columns, write_catalog

N = 9_000
ENOUGH = round(MIN_EXCESSES / TAIL_SHARE)


@pytest.fixture(scope="module")
def facts():
    return make_columns(N)


@pytest.fixture(scope="module")
def catalog(facts, tmp_path_factory):
    path = write_catalog(tmp_path_factory.mktemp("measured") / "catalog", facts, [4000, 3500, 1500])
    calibrate_catalog(path)
    return path


def said_of(catalog):
    return json.loads((catalog / "calibration" / "calibration.json").read_text())


def scores_of(catalog):
    return pq.read_table(catalog / "calibration" / "scores.parquet")


def test_it_is_fitted_to_half_of_the_normals_and_classes_with_too_few_are_listed(catalog, facts):
    said = said_of(catalog)
    is_normal = (
        (facts["population"] == "science")
        & (facts["coverage"] >= 0.9)
        & ~facts["is_measurer_member"]
        & (facts["injected_type"] == "")
    )
    for survey in ("DESI", "SDSS"):
        here = said["surveys"][survey]
        known = [each["n_fitted"] for each in here["classes"].values() if each["is_calibrated"]]
        assert here["n_fitted"] == sum(known)
        assert (here["least_fitted"] > 0) is bool(known)
        assert here["least_fitted"] <= min(known, default=0)
        for name in ("GALAXY", "STAR"):
            rows = is_normal & (facts["survey"] == survey) & (facts["spectype"] == name)
            n_fitted = int(are_for_fitting(facts["target_id"][rows]).sum())
            assert here["classes"][name]["n_normals"] == rows.sum()
            assert here["classes"][name]["n_fitted"] == n_fitted
            assert here["classes"][name]["is_calibrated"] == (n_fitted >= ENOUGH)
            assert n_fitted == pytest.approx(rows.sum() / 2, abs=3 * np.sqrt(rows.sum()) / 2)
    sdss = said["surveys"]["SDSS"]
    assert sdss["health"] is None  # a class short of normals has no score
    assert "normals" not in sdss["classes"]["GALAXY"]["why_not"].split()[0]
    assert said["surveys"]["DESI"]["population"] == "science"


def test_every_object_of_a_calibrated_class_has_a_sigma_and_no_other(catalog, facts):
    table = scores_of(catalog)
    assert table.column_names == [column.name for column in CALIBRATED]
    assert table.num_rows == N
    sigma = table["sigma_astro"].to_numpy()
    is_calibrated = (facts["survey"] == "DESI") & (facts["spectype"] == "GALAXY")
    np.testing.assert_array_equal(np.isfinite(sigma), is_calibrated)  # gated ones too
    for name in (*WINNERS, "is_extrapolated", "p_astro", "sigma_all"):
        assert table[name].null_count == (~is_calibrated).sum(), name
    assert set(table["winning_statistic"].unique().to_pylist()) <= {*ASTRO, None}
    assert set(table["winning_instrument_statistic"].unique().to_pylist()) <= {*INSTRUMENT, None}
    p = table["p_astro"].to_numpy()[is_calibrated]
    assert (p < 0.01).mean() == pytest.approx(0.01, abs=0.004)
    assert said_of(catalog)["n_scored"] == is_calibrated.sum()


def test_what_is_written_is_what_the_stored_calibration_says_of_the_catalog(catalog):
    stored = StoredCalibration.read(calibration_file(catalog))
    start, table = 0, scores_of(catalog)
    for path in sorted(catalog.glob("*.parquet")):
        found = score_parts(read_measured(path), stored.surveys)
        n = len(found["sigma_astro"])
        for name in ("sigma_astro", "sigma_instrument", "sigma_all", "p_astro"):
            written = table[name][start : start + n].to_numpy()
            np.testing.assert_array_equal(written, found[name])
        for name, words in WINNERS.items():
            named = [words[code] if code >= 0 else None for code in found[name].tolist()]
            assert table[name][start : start + n].to_pylist() == named
        start += n
    assert start == N


def test_a_survey_without_a_normal_is_listed_and_has_no_sigma(catalog, tmp_path):
    columns = make_columns(300, 3)
    columns["is_measurer_member"] |= columns["survey"] == "SDSS"
    mixed = write_catalog(tmp_path / "mixed", columns, [200, 100])
    for other in (None, catalog):
        said = calibrate_catalog(mixed, other)["surveys"]["SDSS"]
        assert (said["n_normals"], said["n_fitted"], said["health"]) == (0, 0, None)
        sigma = scores_of(mixed)["sigma_astro"].to_numpy()
        assert not np.isfinite(sigma[columns["survey"] == "SDSS"]).any()
        assert np.isfinite(sigma).any() == (other is not None)  # of the other survey


def test_a_healthy_survey_is_green_and_judged_by_others(catalog):
    health = said_of(catalog)["surveys"]["DESI"]["health"]
    assert health["is_healthy"], [c for c in health["checks"] if not c["is_green"]]
    assert health["noise_from"] == "sky fibers"
    kinds = [check["kind"] for check in health["checks"]]
    assert kinds.count("false_positives") == 10
    assert kinds.count("noise_scale") == 3
    assert [c["what"] for c in health["checks"] if c["kind"] == "rho"] == ["all", "GALAXY"]


def test_a_calibration_of_a_quieter_survey_is_red_on_a_noisier_one(catalog, tmp_path, capsys):
    drifted = write_catalog(tmp_path / "drifted", make_columns(3000, 5, 1.2), [3000])
    assert cli.main(["calibrate", str(drifted), "--from", str(catalog)]) == 0
    health = said_of(drifted)["surveys"]["DESI"]["health"]
    red = {check["kind"] for check in health["checks"] if not check["is_green"]}
    assert {"noise_scale", "false_positives"} <= red
    assert "NOT HEALTHY" in capsys.readouterr().out
    before, after = (
        calibration_file(path).read_bytes() for path in (catalog, drifted)
    )  # fmt: skip
    assert before == after  # applied unchanged
    assert calibrate_catalog(drifted, catalog)["from"] == said_of(catalog)["calibration_id"]


def test_a_second_call_does_nothing_and_a_killed_one_goes_on(facts, tmp_path, monkeypatch):
    catalog = write_catalog(tmp_path / "catalog", facts, [5000, 4000])
    made = []

    def die_on_the_second(parts, surveys):
        made.append(1)
        if len(made) == 2:
            raise KeyboardInterrupt
        return score_parts(parts, surveys)

    monkeypatch.setattr(run, "score_parts", die_on_the_second)
    with pytest.raises(KeyboardInterrupt):
        calibrate_catalog(catalog)
    assert not (catalog / "calibration" / "calibration.json").exists()
    monkeypatch.setattr(run, "score_parts", lambda *a: made.append(1) or score_parts(*a))
    said = calibrate_catalog(catalog)
    assert len(made) == 3  # the first batch was kept
    assert {p.name for p in (catalog / "calibration").iterdir()} == {
        "calibration.json", "calibration.npz", "scores.parquet"
    }  # fmt: skip
    before = scores_of(catalog)
    assert calibrate_catalog(catalog) == said
    assert len(made) == 3
    fresh = write_catalog(tmp_path / "fresh", facts, [5000, 4000])
    calibrate_catalog(fresh)
    assert scores_of(fresh).equals(before)


def test_a_calibration_of_earlier_statistics_is_refused_and_made_again(
    facts, tmp_path, monkeypatch
):
    catalog = write_catalog(tmp_path / "catalog", facts, [N])
    with monkeypatch.context() as earlier:
        earlier.setattr(stored, "CALIBRATION_FORMAT", stored.CALIBRATION_FORMAT - 1)
        earlier.setattr(run, "RUN_FORMAT", run.RUN_FORMAT - 1)
        calibrate_catalog(catalog)
    other = write_catalog(tmp_path / "other", make_columns(50, 2), [50])
    with pytest.raises(InputError, match=r"of format 1, this version reads 2: run calibrate on"):
        calibrate_catalog(other, catalog)
    calibrate_catalog(catalog)
    calibrate_catalog(other, catalog)
    assert said_of(other)["from"] == said_of(catalog)["calibration_id"]


def test_what_cannot_be_calibrated_is_one_sentence(catalog, tmp_path, facts):
    with pytest.raises(StoreError, match="no catalog batches"):
        calibrate_catalog(tmp_path)
    old = tmp_path / "old"
    shutil.copytree(catalog, old)
    path = next(old.glob("*.parquet"))
    pq.write_table(pq.read_table(path).drop_columns(["statistic_misfit"]), path)
    with pytest.raises(StoreError, match=r"lacks the statistics.*scan these spectra again"):
        calibrate_catalog(old)
    other = write_catalog(tmp_path / "other", make_columns(50, 2), [50])
    for source in (tmp_path, catalog / "scan.json", tmp_path / "nowhere"):
        with pytest.raises(InputError, match="is no calibration"):
            calibrate_catalog(other, source)
    (other / "scan.json").write_text('{"measurer": {"id": "ba9876543210"}}')
    with pytest.raises(InputError, match=r"for measurer 0123456789ab, .* by ba9876543210"):
        calibrate_catalog(other, catalog)


def test_a_store_has_the_scores_of_its_catalog_and_says_so(catalog, facts, tmp_path):
    place_randomly(catalog)
    store = build_store(catalog, tmp_path / "store")
    expected = scores_of(catalog).to_pandas().set_index(facts["target_id"])
    ids = store.column("target_id")
    for name in ("sigma_astro", "sigma_instrument", "sigma_all", "p_astro"):
        np.testing.assert_array_equal(store.column(name), expected[name].loc[ids].to_numpy())
    told = (*WINNERS, "is_extrapolated")
    for record in store.records(range(500), ("target_id", *told)):
        row = expected.loc[record["target_id"]]
        for name in told:
            assert record[name] == (None if row[name] is None else row[name])
    said = info(store)
    assert said["calibrated"]["objects"] == said_of(catalog)["n_scored"]
    assert said["calibrated"]["DESI"] == "healthy"
    assert said["calibrated"]["SDSS"].startswith("not judged")
    assert said["measurer"]["id"] == "0123456789ab"
    ranked = np.isfinite(expected["sigma_astro"]) & (facts["population"] == "science")
    n_ranked = (ranked & (facts["coverage"] >= 0.9)).sum()
    assert said["tiers"]["sigma_top_10"] == np.ceil(0.1 * n_ranked)
    assert said["tiers"]["gold_sigma"] == 0


def test_a_catalog_without_calibration_builds_and_one_of_other_batches_does_not(facts, tmp_path):
    catalog = write_catalog(tmp_path / "catalog", make_columns(60), [60])
    place_randomly(catalog)
    store = build_store(catalog, tmp_path / "store")
    for column in CALIBRATED:
        assert store.describe(column.name).n_null == 60
    assert info(store)["calibrated"] is None
    assert Store.open(store.path).manifest.calibration == {}
    calibrate_catalog(catalog)
    assert CatalogFolder.open(catalog).calibration["n_scored"] == 0
    path = catalog / "calibration" / "calibration.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"fingerprints": {}}))
    with pytest.raises(StoreError, match=r"made from other batches.*calibrate"):
        build_store(catalog, tmp_path / "store")


ids = st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=200)


@given(ids, st.floats(0, 1), st.floats(0, 1))
def test_the_halves_depend_on_the_id_alone_and_shares_nest(some, first, second):
    target_ids = np.array(some, np.int64)
    one_by_one = [bool(are_for_fitting(target_ids[i : i + 1])[0]) for i in range(len(some))]
    assert are_for_fitting(target_ids).tolist() == one_by_one
    small, large = (are_drawn(target_ids, share) for share in sorted((first, second)))
    assert not (small & ~large).any()
    assert are_drawn(target_ids, 1.0).all()


def test_halves_and_shares_are_as_large_as_they_should_be():
    target_ids = np.arange(39627700000000000, 39627700000100000)
    assert are_for_fitting(target_ids).mean() == pytest.approx(0.5, abs=0.01)
    drawn = are_drawn(target_ids, 0.3)
    assert drawn.mean() == pytest.approx(0.3, abs=0.01)
    assert are_for_fitting(target_ids[drawn]).mean() == pytest.approx(0.5, abs=0.01)


def test_columns_of_a_calibration_are_not_in_the_batches():
    assert not {column.name for column in CALIBRATED} & BY_NAME.keys()


def test_the_shipped_calibration_is_of_the_shipped_measurer():
    stored = StoredCalibration.read(SHIPPED_CALIBRATION)
    assert stored.measurer_id == check_card(SHIPPED_MEASURER, WEIGHING_VERSION).model_id
    (calibration,) = stored.surveys.values()
    assert calibration.statistics.keys() == set(NAMES)
    for found in calibration.combined.values():
        classes = {name: each for name, each in found.by_peers.items() if " " not in name}
        assert classes.keys() == {"GALAXY", "QSO", "STAR"}
        assert min(each.n_normals for each in classes.values()) > 3_000
    assert SHIPPED_CALIBRATION.stat().st_size < 2_000_000
