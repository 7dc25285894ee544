"""A store appears whole or not at all, from the catalogs it should and from no others."""

import csv
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.engine.catalog import latents as latents_module
from anomaly_explorer.engine.catalog import scatter, stages
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.filters import OneOf
from anomaly_explorer.engine.catalog.manifest import is_store
from anomaly_explorer.engine.catalog.store import Store, info
from anomaly_explorer.engine.embedding import run as embedding
from anomaly_explorer.engine.errors import StoreError

FIRST = "desi_dr1_catalog_batch_0000.parquet"


@pytest.fixture
def catalog(write_catalog, tmp_path):
    return write_catalog(tmp_path / "catalog", (30, 20))


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir() if p.name.startswith("."))


def test_a_published_catalog_builds_and_lacks_only_what_it_lacks(write_catalog, tmp_path):
    catalog = write_catalog(tmp_path / "catalog", (200,), published=True)
    store = build_store(catalog.path, tmp_path / "a.store")
    records = store.records(range(200))
    assert {r["population"] for r in records} == {"unknown"}
    assert store.legend("population") == ("gated", "science", "unknown")
    assert OneOf("population", ("science",)).mask(store).count == 0
    assert {r["source_file"] for r in records} == {None}
    assert {r["score_sum"] for r in records} == {None}
    assert store.manifest.derived == ("snr", "population")
    arms = np.array([store.column(f"snr_{arm}") for arm in "brz"])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(store.column("snr"), np.fmax.reduce(arms))
    assert info(store)["unknown"] == 200
    assert info(store)["population"] == "unknown"
    assert info(store)["tiers"]["top_10"] == 20  # percentiles of the unknown: there is no science
    assert info(store)["tiers"] == info(store)["tiers_all"]
    assert info(store)["simulated"] is None
    assert store.manifest.model["id"] is None


def test_building_twice_gives_the_same_files(catalog, tmp_path):
    first = build_store(catalog.path, tmp_path / "a.store")
    second = build_store(catalog.path, tmp_path / "b.store")
    assert first.manifest == second.manifest
    for name in first.manifest.files:
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes(), name


def test_batches_and_their_order_do_not_change_ranks(write_catalog, tmp_path):
    ranks = []
    for number, sizes in enumerate([(100,), (1, 60, 39)]):
        catalog = write_catalog(tmp_path / f"catalog{number}", sizes)
        store = build_store(catalog.path, tmp_path / f"{number}.store")
        ranks.append(store.records(range(100), ("row_in_file", "score_rank")))
    assert ranks[0] == ranks[1]


def test_a_store_is_replaced_and_the_open_one_keeps_working(catalog, write_catalog, tmp_path):
    old = build_store(catalog.path, tmp_path / "a.store")
    other = write_catalog(tmp_path / "other", (40,), seed=8)
    new = build_store(other.path, tmp_path / "a.store")
    assert new.n_objects == 40
    # Nothing of the old store was looked at before: whatever it opens late would be the new one's.
    rows = old.column("row_in_file").tolist()
    for name, catalog_name in (("target_id", "targetid"), ("source_file", "source_file")):
        values = [catalog.values[catalog_name][row] for row in rows]
        assert [record[name] for record in old.records(range(50), (name,))] == values
    assert set(old.legend("source_file")) == set(catalog.values["source_file"]) - {None}
    x = old.column("umap_x")
    np.testing.assert_array_equal(old.plane("umap").x, x[np.isfinite(x)])
    assert old.plane("score_snr").n_store_rows == 50
    target_id = int(old.column("target_id")[0])
    expected = np.flatnonzero(old.column("target_id") == target_id)
    np.testing.assert_array_equal(old.rows_of_target(target_id), expected)
    np.testing.assert_array_equal(Store.open(new.path).column("umap_x"), new.column("umap_x"))
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("content", ["file", "folder", "foreign manifest"])
def test_what_is_not_a_store_is_never_overwritten(catalog, tmp_path, content):
    target = tmp_path / "precious"
    if content == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "manifest.json").write_text('{"mine": 1}' if content != "folder" else "[]")
    with pytest.raises(StoreError, match="is not a store"):
        build_store(catalog.path, target)
    assert target.exists()
    assert not is_store(target)


def test_a_failed_build_leaves_the_old_store_and_nothing_else(catalog, tmp_path):
    build_store(catalog.path, tmp_path / "a.store")
    table = pq.read_table(catalog.path / FIRST)
    broken = table.set_column(0, "anomaly_score", pa.array(["x"] * table.num_rows))
    pq.write_table(broken, catalog.path / FIRST)
    with pytest.raises(StoreError, match="anomaly_score"):
        build_store(catalog.path, tmp_path / "a.store")
    assert Store.open(tmp_path / "a.store").n_objects == 50
    assert leftovers(tmp_path) == []


def test_a_catalog_without_embedding_says_what_to_run(catalog, tmp_path):
    (catalog.path / "embedding" / "positions.parquet").unlink()
    with pytest.raises(StoreError, match="anomaly-explorer embed"):
        build_store(catalog.path, tmp_path / "a.store")


def test_an_embedding_of_other_batches_is_refused(catalog, tmp_path):
    path = catalog.path / "embedding" / "embedding.json"
    facts = json.loads(path.read_text())
    facts["catalog"][FIRST] += 1
    path.write_text(json.dumps(facts))
    with pytest.raises(StoreError, match="other batches"):
        build_store(catalog.path, tmp_path / "a.store")


def test_positions_that_do_not_match_are_refused(catalog, tmp_path):
    path = catalog.path / "embedding" / "positions.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 49), path)
    with pytest.raises(StoreError, match="49 rows and the catalog 50"):
        build_store(catalog.path, tmp_path / "a.store")
    pq.write_table(table.drop(["cluster"]), path)
    with pytest.raises(StoreError, match="cluster"):
        build_store(catalog.path, tmp_path / "a.store")


def test_folders_that_are_no_catalog_are_refused(tmp_path):
    with pytest.raises(StoreError, match="holds no desi_dr1"):
        build_store(tmp_path, tmp_path / "a.store")
    (tmp_path / FIRST).write_bytes(b"not parquet")
    with pytest.raises(StoreError, match="not a readable Parquet"):
        build_store(tmp_path, tmp_path / "a.store")


def test_an_integer_that_means_null_is_refused(catalog, tmp_path):
    table = pq.read_table(catalog.path / FIRST)
    index = table.column_names.index("targetid")
    ids = table.column("targetid").to_pylist()
    ids[3] = -(2**63)
    changed = table.set_column(index, "targetid", pa.array(ids, pa.int64()))
    pq.write_table(changed, catalog.path / FIRST)
    with pytest.raises(StoreError, match="keeps for null"):
        build_store(catalog.path, tmp_path / "a.store")


def test_unknown_columns_are_named_and_left_out(catalog, tmp_path):
    table = pq.read_table(catalog.path / FIRST)
    table = table.append_column("surprise", pa.array(range(table.num_rows)))
    pq.write_table(table, catalog.path / FIRST)
    store = build_store(catalog.path, tmp_path / "a.store")
    assert store.manifest.ignored_columns == ("surprise",)
    assert "surprise" not in store.column_names


def test_progress_names_every_step_and_ends(catalog, tmp_path):
    seen = []
    build_store(catalog.path, tmp_path / "a.store", lambda *step: seen.append(step))
    assert all(0 <= done <= total for _, done, total in seen)
    titles = list(dict.fromkeys(title for title, _, _ in seen))
    assert titles[0] == "building: map order"
    assert {"building: columns", "building: latents, batches", "building: ranks"} <= set(titles)
    assert seen[-1][1] == seen[-1][2]


def test_no_position_at_all_still_builds(catalog, tmp_path):
    path = catalog.path / "embedding" / "positions.parquet"
    nowhere = pa.nulls(50, pa.float32())
    cluster = pa.nulls(50, pa.int32())
    pq.write_table(pa.table({"umap_x": nowhere, "umap_y": nowhere, "cluster": cluster}), path)
    store = build_store(catalog.path, tmp_path / "a.store")
    assert len(store.plane("umap")) == 0
    assert store.plane("umap").n_without_position == 50


def test_latents_cross_block_borders_and_clip_to_float16(write_catalog, tmp_path, monkeypatch):
    catalog = write_catalog(tmp_path / "catalog", (30, 1, 0, 40))
    path = catalog.path / "desi_dr1_catalog_batch_0003.parquet"
    table = pq.read_table(path)
    for name, value in (("lat_005", [1e9, -1e9, float("inf")]), ("lat_006", [None] * 3)):
        values = value + table.column(name).to_pylist()[3:]
        catalog.values[name][31:] = values
        index = table.column_names.index(name)
        table = table.set_column(index, name, pa.array(values, pa.float32()))
    # Row groups of a batch must join as well as batches do.
    pq.write_table(table, path, row_group_size=7)
    for module in (latents_module, scatter, stages):
        monkeypatch.setattr(module, "BLOCK_ROWS", 16)
    store = build_store(catalog.path, tmp_path / "a.store")
    written = np.array([catalog.values[f"lat_{i:03d}"] for i in range(128)], np.float32).T
    expected = written.clip(-65504, 65504).astype(np.float16)
    rows = store.column("row_in_file")
    np.testing.assert_array_equal(store.latents(np.arange(71)), expected[rows])
    assert store.manifest.n_latents_clipped == 3
    assert store.manifest.latent_block == 16


def test_a_batch_without_latents_has_none_and_the_others_keep_theirs(write_catalog, tmp_path):
    catalog = write_catalog(tmp_path / "catalog", (5, 30))
    path = catalog.path / FIRST
    table = pq.read_table(path)
    pq.write_table(table.drop([f"lat_{i:03d}" for i in range(128)]), path)
    store = build_store(catalog.path, tmp_path / "a.store")
    is_first = store.column("row_in_file") < 5
    assert np.isnan(store.latents(np.arange(35))[is_first]).all()
    assert np.isfinite(store.latents(np.arange(35))[~is_first]).any(axis=1).all()


def published_names(real_data):
    schema = (real_data / "seed-catalogue" / "catalog_schema_173.csv").read_text("utf-8")
    return [row["column"] for row in csv.DictReader(schema.splitlines())]


def test_exactly_the_published_columns_embed_and_build(
    real_data, write_catalog, tmp_path, monkeypatch
):
    catalog = write_catalog(tmp_path / "catalog", (40, 30), published=True)
    shutil.rmtree(catalog.path / "embedding")
    names = published_names(real_data)
    for path in catalog.path.glob("*.parquet"):
        table = pq.read_table(path).select(names)
        assert len(table.column_names) == 173
        pq.write_table(table, path)
    monkeypatch.setattr(embedding, "fit_map", lambda latents, seed: latents[:, :2].copy())
    embedding.embed_catalog(catalog.path, n_landmarks=30)
    store = build_store(catalog.path, tmp_path / "a.store")
    assert info(store)["unknown"] == 70
    assert len(store.plane("umap")) == 70
    assert store.manifest.ignored_columns == ()
