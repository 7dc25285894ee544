"""The embedding of a catalog is made once, whole, and again when the catalog is another."""

import json
import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.embedding import run
from anomaly_explorer.engine.embedding.run import embed_catalog
from anomaly_explorer.engine.errors import InputError, StoreError

from .catalog_maker import batch_files, read_catalog, scan_into, write_coadds


class KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def fits_made(monkeypatch):
    """Replace UMAP, seconds a time, by two latents; count how often a map is fitted."""
    made = []

    def two_latents(latents, seed):
        made.append(seed)
        return np.ascontiguousarray(latents[:, :2])

    class Placer:
        def __init__(self, latents, positions, seed):
            np.testing.assert_array_equal(positions, latents[:, :2])

        def arrays(self):
            return {}

        @classmethod
        def of_arrays(cls, arrays):
            return cls(*np.zeros((2, 1, 2)), 0)

        def place(self, latents):
            return latents[:, :2]

    monkeypatch.setattr(run, "fit_map", two_latents)
    monkeypatch.setattr(run, "Placer", Placer)
    return made


@pytest.fixture
def catalog(scanned, tmp_path):
    ignore = shutil.ignore_patterns("embedding")
    return shutil.copytree(scanned, tmp_path / "catalog", ignore=ignore)


def files_of(catalog):
    return {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in catalog.glob("embedding/*")}


def test_positions_stand_in_catalog_order_and_a_store_can_be_built(catalog, fits_made, tmp_path):
    steps = []
    facts = embed_catalog(catalog, progress=lambda *step: steps.append(step))
    table = read_catalog(catalog)
    positions = pq.read_table(catalog / "embedding" / "positions.parquet")
    np.testing.assert_array_equal(positions["umap_x"], table["lat_000"])
    np.testing.assert_array_equal(positions["umap_y"], table["lat_001"])
    assert facts == json.loads((catalog / "embedding" / "embedding.json").read_text())
    assert sum(facts["catalog"].values()) == 60
    assert facts["n_landmarks"] == 60
    titles = list(dict.fromkeys(title for title, _, _ in steps))
    assert titles == ["choosing landmarks", "reading landmarks", "fitting the map on 60 landmarks",
                      "finding clusters", "placing 60 objects", "checking the map"]  # fmt: skip
    assert all(0 <= done <= total for _, done, total in steps)
    store = build_store(catalog, tmp_path / "store")
    by_id = dict(zip(table["targetid"].to_pylist(), table["lat_000"].to_pylist(), strict=True))
    for record in store.records(range(60), ["target_id", "umap_x"]):
        assert record["umap_x"] == by_id[record["target_id"]]


def test_a_second_run_does_nothing(catalog, fits_made):
    first = embed_catalog(catalog, seed=3)
    before = files_of(catalog)
    assert embed_catalog(catalog, seed=3) == first
    assert files_of(catalog) == before
    assert fits_made == [3]


def test_another_seed_or_number_of_landmarks_makes_it_again(catalog, fits_made):
    embed_catalog(catalog)
    embed_catalog(catalog, seed=1)
    embed_catalog(catalog, n_landmarks=59, seed=1)
    assert fits_made == [0, 1, 1]


def test_objects_that_are_no_landmarks_are_placed_and_checked(catalog, fits_made):
    facts = embed_catalog(catalog, n_landmarks=30)
    positions = pq.read_table(catalog / "embedding" / "positions.parquet")
    np.testing.assert_array_equal(positions["umap_x"], read_catalog(catalog)["lat_000"])
    assert facts["checked_on"] == "30 held-out objects"


@pytest.mark.parametrize("n_landmarks", [41, 58, 59, 60])
def test_a_map_with_too_few_others_is_checked_on_its_landmarks(catalog, fits_made, n_landmarks):
    facts = embed_catalog(catalog, n_landmarks=n_landmarks)
    assert facts["checked_on"] == f"{n_landmarks} landmarks"
    assert 0 <= facts["trustworthiness"] <= 1


def test_a_changed_catalog_is_embedded_again(catalog, fits_made, tmp_path, weights):
    embed_catalog(catalog)
    batch_files(catalog)[-1].unlink()
    embed_catalog(catalog)
    assert len(fits_made) == 2
    # The same batches with the same numbers of rows, of other spectra.
    for path in batch_files(catalog):
        table = pq.read_table(path)
        pq.write_table(table.take(list(range(len(table)))[::-1]), path)
    embed_catalog(catalog)
    assert len(fits_made) == 3
    positions = pq.read_table(catalog / "embedding" / "positions.parquet")
    np.testing.assert_array_equal(positions["umap_x"], read_catalog(catalog)["lat_000"])


@pytest.mark.parametrize("which", ["positions.parquet", "embedding.json"])
@pytest.mark.parametrize("is_second_time", [False, True])
def test_an_embedding_killed_half_way_is_made_again(
    catalog, fits_made, monkeypatch, which, is_second_time
):
    if is_second_time:
        embed_catalog(catalog)
    rename = os.replace

    def die(source, target):
        if target.name == which:
            raise KilledError
        rename(source, target)

    with monkeypatch.context() as deadly:
        deadly.setattr(run.os, "replace", die)
        with pytest.raises(KilledError):
            embed_catalog(catalog, seed=9)
    with pytest.raises(StoreError, match="no embedding"):
        build_store(catalog, catalog.parent / "store")
    n = len(fits_made)
    embed_catalog(catalog, seed=9)
    assert len(fits_made) == n  # the map was kept
    assert set(files_of(catalog)) == {"positions.parquet", "embedding.json"}
    assert build_store(catalog, catalog.parent / "store").n_objects == 60


def rewritten(path, change):
    pq.write_table(change(pq.read_table(path)), path)


@pytest.mark.parametrize("population", [["gated", "science"], ["gated", "unknown"], None])
def test_the_share_of_high_scores_is_of_the_stated_population(
    catalog, fits_made, monkeypatch, population
):
    seen = []

    def choose(scores, strata, is_stated, n_landmarks, seed):
        seen.append(is_stated)
        assert len(scores) == len(strata) == len(is_stated)
        return np.arange(n_landmarks)

    def change(table):
        table = table.drop(["population"])
        if population is None:
            return table
        names = pa.array([population[i % 2] for i in range(len(table))])
        return table.append_column("population", names)

    monkeypatch.setattr(run, "choose_landmarks", choose)
    for path in batch_files(catalog):
        rewritten(path, change)
    embed_catalog(catalog, n_landmarks=30)
    sizes = [pq.read_metadata(path).num_rows for path in batch_files(catalog)]
    expected = [population is None or i % 2 == 1 for size in sizes for i in range(size)]
    assert seen[0].tolist() == expected


@pytest.mark.parametrize(
    ("dropped", "sentence"),
    [
        (["anomaly_score"], "0001.parquet lacks the column anomaly_score: .* scan these spectra"),
        (["lat_007", "lat_100"], "lacks the column lat_007 and 1 more: "),
    ],
)
def test_a_batch_without_scores_or_latents_is_a_sentence(catalog, fits_made, dropped, sentence):
    rewritten(batch_files(catalog)[1], lambda table: table.drop(dropped))
    with pytest.raises(StoreError, match=sentence):
        embed_catalog(catalog)


def catalog_of_twenty(folder, weights):
    scan_into(folder / "twenty", [write_coadds(folder / "more", [20])], weights)
    return folder / "twenty"


def test_too_few_objects_and_no_batches_are_sentences(tmp_path, weights):
    scan_into(tmp_path / "few", [write_coadds(tmp_path / "spectra", [19])], weights)
    with pytest.raises(StoreError, match="has 19 objects: a map needs at least 20"):
        embed_catalog(tmp_path / "few")
    with pytest.raises(InputError, match="19 landmarks are too few"):
        embed_catalog(catalog_of_twenty(tmp_path, weights), n_landmarks=19)
    with pytest.raises(StoreError, match="run `anomaly-explorer scan` first"):
        embed_catalog(tmp_path)
    batch_files(tmp_path / "few")[0].write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="cannot be read"):
        embed_catalog(tmp_path / "few")
