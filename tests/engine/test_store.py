"""The store gives back what the catalog holds, exactly, and refuses what is not a store."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.filters import Tier
from anomaly_explorer.engine.catalog.schema import BY_NAME, CALIBRATED, COLUMNS, LATENT_NAMES
from anomaly_explorer.engine.catalog.store import Store, info
from anomaly_explorer.engine.errors import InputError, StoreError


@pytest.fixture(scope="module")
def catalog_rows(random_store):
    """Catalog row of each store row: the fixture numbers them in `row_in_file`."""
    return random_store.column("row_in_file").tolist()


def test_every_column_is_decoded_to_what_was_written(random_catalog, random_store, catalog_rows):
    names = [c.name for c in COLUMNS if c.name not in LATENT_NAMES]
    records = random_store.records(range(random_store.n_objects), names)
    for name in names:
        if name in ("snr", "population"):  # filled by the build
            continue
        written = random_catalog.values[BY_NAME[name].catalog_name]
        expected = [written[row] for row in catalog_rows]
        expected = [None if v != v else v for v in expected]
        found = [record[name] for record in records]
        assert found == expected, name
        assert [type(v) for v in found] == [type(v) for v in expected], name


def test_target_ids_stay_exact_beyond_float64(random_catalog, random_store):
    ids = random_store.column("target_id")
    assert sorted(ids.tolist()) == sorted(random_catalog.values["targetid"])
    assert (ids > 2**62).any()
    assert (ids < 0).any()


def test_latents_are_those_of_the_catalog_to_float16(random_catalog, random_store, catalog_rows):
    rows = np.random.default_rng(1).permutation(random_store.n_objects)[:200]
    written = np.array(
        [
            [random_catalog.values[f"lat_{i:03d}"][catalog_rows[r]] for i in range(128)]
            for r in rows
        ],
        dtype=np.float32,
    )
    found = random_store.latents(rows)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, written.astype(np.float16).astype(np.float32))


def test_rows_of_a_target_are_all_and_only_its_rows(random_store):
    ids = random_store.column("target_id")
    for target_id in {*ids[:50].tolist(), *ids[-50:].tolist()}:
        expected = np.flatnonzero(ids == target_id)
        np.testing.assert_array_equal(random_store.rows_of_target(target_id), expected)
    values, counts = np.unique(ids, return_counts=True)
    assert len(random_store.rows_of_target(int(values[counts.argmax()]))) == counts.max() > 100


@given(st.integers(-(2**70), 2**70))
def test_an_id_nobody_has_has_no_rows(random_store, target_id):
    expected = np.flatnonzero(random_store.column("target_id") == target_id)
    np.testing.assert_array_equal(random_store.rows_of_target(target_id), expected)


def test_positioned_objects_come_first_in_umap_order(random_store):
    x, y = random_store.column("umap_x"), random_store.column("umap_y")
    has_position = np.isfinite(x) & np.isfinite(y)
    n = int(has_position.sum())
    assert has_position[:n].all()
    assert (np.isnan(x) & np.isnan(y))[n:].all()
    assert 0 < n < random_store.n_objects
    plane = random_store.plane("umap")
    assert plane.rows is None
    np.testing.assert_array_equal(plane.x, x[:n])
    np.testing.assert_array_equal(plane.y, y[:n])
    assert plane.n_without_position == random_store.n_objects - n


def test_score_snr_plane_holds_the_floored_logarithms(random_store):
    plane = random_store.plane("score_snr")
    snr, score = (random_store.column(name)[plane.rows] for name in ("snr", "score_mse"))
    np.testing.assert_array_equal(plane.x, np.log10(np.maximum(snr, np.float32(0.01))))
    np.testing.assert_array_equal(plane.y, np.log10(np.maximum(score, np.float32(1e-4))))
    has_none = np.isnan(random_store.column("snr")) | np.isnan(random_store.column("score_mse"))
    assert plane.n_without_position == has_none.sum() > 0
    assert "0.01" in plane.x_label
    assert "0.0001" in plane.y_label


def test_columns_are_mapped_and_cannot_be_written(random_store):
    values = random_store.column("score_mse")
    with pytest.raises(ValueError, match="read-only"):
        values[0] = 1


def test_ranks_count_within_the_population_and_ties_go_to_the_smaller_id(random_store):
    names = ("score_mse", "score_rank", "score_percentile", "population", "target_id", "coverage")
    records = random_store.records(range(random_store.n_objects), names)
    for population in ("science", "gated", "unknown"):
        members = [r for r in records if r["population"] == population]
        ranked = [r for r in members if r["score_mse"] is not None and r["coverage"] >= 0.9]
        unranked = [r for r in members if r not in ranked]
        assert all(r["score_rank"] is r["score_percentile"] is None for r in unranked)
        assert sorted(r["score_rank"] for r in ranked) == list(range(1, len(ranked) + 1))
        ranked.sort(key=lambda r: r["score_rank"])
        keys = [(-r["score_mse"], r["target_id"]) for r in ranked]
        assert keys == sorted(keys)
        assert ranked[0]["score_percentile"] == 100
        assert ranked[-1]["score_percentile"] == pytest.approx(100 / len(ranked))
        assert random_store.manifest.ranked[population] == len(ranked)


def test_info_counts_what_the_columns_hold(random_store):
    found = info(random_store)
    populations = [r["population"] for r in random_store.records(range(1000), ("population",))]
    assert found["objects"] == 1000
    assert found["science_targets"] == populations.count("science")
    assert found["gated"] + found["unknown"] == 1000 - found["science_targets"]
    assert found["columns"] == len(COLUMNS) + len(CALIBRATED) + 7
    arms = [r["worst_arm"] for r in random_store.records(range(1000), ("worst_arm",))]
    assert found["arms_all"] == {arm: arms.count(arm) for arm in "BRZ"}
    science = [arm for arm, where in zip(arms, populations, strict=True) if where == "science"]
    assert found["population"] == "science"
    assert found["arms"] == {arm: science.count(arm) for arm in "BRZ"}
    is_science = np.array(populations) == "science"
    for tier in random_store.manifest.tiers:
        mask = Tier(tier).mask(random_store).bools()
        assert found["tiers_all"][tier] == mask.sum()
        assert found["tiers"][tier] == (mask & is_science).sum()
    assert found["tiers"]["mild"] < found["tiers_all"]["mild"]
    assert found["simulated"] == {"generator_version": 2, "seed": 42}
    assert found["model"]["id"] == "0123456789ab"
    assert found["skipped"] == {"without_spectra": 1, "failure": 2}
    json.dumps(found)


@pytest.mark.parametrize(
    ("surveys", "made", "told"),
    [({"DESI": 1000}, "", ""),
     ({"simulated": 1000}, "simulated", "simulated (1,000 of 1,000 objects)"),
     ({"DESI": 990, "simulated": 10}, "partly simulated",
      "partly simulated (10 of 1,000 objects)")],
)  # fmt: skip
def test_what_is_simulated_says_so_without_one_generator(random_store, surveys, made, told):
    manifest = random_store.manifest
    assert manifest.made_by == "simulated (generator 2, seed 42)"
    mixed = replace(manifest, simulated=None, counts={**manifest.counts, "surveys": surveys})
    assert (mixed.made, mixed.made_by) == (made, told)


@pytest.mark.parametrize("rows", [[-1], [1000], [0.5], [[1]], ["a"]])
def test_rows_that_are_not_there_are_refused(random_store, rows):
    with pytest.raises(InputError, match="ows"):
        random_store.records(rows)


def test_no_rows_give_nothing(random_store):
    assert random_store.records([]) == []
    assert random_store.latents([]).shape == (0, 128)


def test_an_unknown_column_is_answered_with_close_ones(random_store):
    with pytest.raises(InputError, match="redshift"):
        random_store.column("redshfit")
    with pytest.raises(InputError, match="no legend"):
        random_store.legend("redshift")
    with pytest.raises(InputError, match="umap"):
        random_store.plane("sky")


def test_opening_again_gives_the_same_store(random_store):
    again = Store.open(random_store.path)
    assert again.manifest == random_store.manifest
    np.testing.assert_array_equal(again.column("target_id"), random_store.column("target_id"))


@pytest.fixture
def copied_store(random_store, tmp_path):
    return shutil.copytree(random_store.path, tmp_path / "copy.store")


@pytest.mark.parametrize(
    "name", ["columns.arrow", "latents.f16", "planes/umap/x.npy", "legends/spectype.json"]
)
def test_a_missing_or_short_file_is_named(copied_store, name):
    content = (copied_store / name).read_bytes()
    (copied_store / name).write_bytes(content[:-1])
    with pytest.raises(StoreError, match=f"{name} .*bytes"):
        Store.open(copied_store)
    (copied_store / name).unlink()
    with pytest.raises(StoreError, match=f"{name} .*missing"):
        Store.open(copied_store)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format_version": 99}, "format version 99"),
        ({"format_version": 1}, "format version 1, this program reads version 3; build the store"),
        ({"format": "other"}, "not one of a store"),
        ({"n_objects": None}, "n_objects"),
        ({"columns": [{"nonsense": 1}]}, "build the store again"),
        ({"tiers_version": 99}, "tier rules version 99, .*: run build again"),
        ({"schema_hash": "0" * 64}, "other columns .*: run build again"),
    ],
)
def test_a_manifest_of_something_else_is_refused(copied_store, change, sentence):
    manifest = json.loads((copied_store / "manifest.json").read_text())
    (copied_store / "manifest.json").write_text(json.dumps(manifest | change))
    with pytest.raises(StoreError, match=sentence):
        Store.open(copied_store)


@pytest.mark.parametrize("name", ["legends/spectype.json", "planes/umap/plane.json"])
def test_a_garbled_file_is_refused_when_the_store_is_opened(copied_store, name):
    path = copied_store / name
    path.write_bytes(b"?" * path.stat().st_size)
    with pytest.raises(StoreError, match="build"):
        Store.open(copied_store)


def test_every_column_of_a_store_has_a_meaning(random_store):
    assert all(random_store.describe(name).meaning for name in random_store.column_names)
    for name in ("score_rank", "score_percentile"):
        assert "own population" in random_store.describe(name).meaning


def test_a_folder_that_is_no_store_is_refused(tmp_path):
    with pytest.raises(StoreError, match="is not a store"):
        Store.open(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="not JSON"):
        Store.open(tmp_path)


def test_totals_are_read_when_asked_for_and_nearest_is_that_of_the_latents(random_store):
    n_rows = random_store.totals.n_rows()
    assert n_rows.sum() == random_store.n_objects
    assert random_store.totals is random_store.totals
    size = random_store.latent_block_rows
    block = random_store.latent_block(0)
    rows = np.arange(min(size, random_store.n_objects))
    np.testing.assert_array_equal(block.T.astype(np.float32), random_store.latents(rows))
    assert len(random_store.nearest(np.zeros(128), 5).rows) == 0  # each has a latent that is null
