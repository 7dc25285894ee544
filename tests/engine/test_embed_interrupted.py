"""An embedding that is killed goes on, and ends like one that was not."""

import errno
import os
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.engine.catalog.lock import exclusive
from anomaly_explorer.engine.embedding import run, unfinished
from anomaly_explorer.engine.embedding.run import embed_catalog
from anomaly_explorer.engine.errors import ExplorerError, StoreError

from .killed_commands import quicken

N_BATCHES = 6


class KilledError(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.fixture(scope="module")
def batches(write_catalog, tmp_path_factory):
    path = tmp_path_factory.mktemp("catalog") / "catalog"
    write_catalog(path, (40,) * N_BATCHES)
    shutil.rmtree(path / "embedding")
    return path


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    quicken(monkeypatch)


@pytest.fixture
def catalog(batches, tmp_path):
    return shutil.copytree(batches, tmp_path / "catalog")


@pytest.fixture(scope="module")
def undisturbed(batches, tmp_path_factory):
    catalog = shutil.copytree(batches, tmp_path_factory.mktemp("undisturbed") / "catalog")
    with pytest.MonkeyPatch.context() as patch:
        quicken(patch)
        embed_catalog(catalog, 60)
    return contents(catalog)


def contents(catalog):
    folder = catalog / "embedding"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


KEPT = ["plan.json", "chosen.npz", "latents.npz", "map.npz", "placer.npz", "clusters.npz",
        "desi_dr1_catalog_batch_0000.parquet.npz", "desi_dr1_catalog_batch_0004.parquet.npz",
        "positions.parquet", "embedding.json"]  # fmt: skip


@pytest.mark.parametrize("which", KEPT)
@pytest.mark.parametrize("when", ["before", "after"])
def test_death_at_any_rename_changes_nothing(catalog, undisturbed, monkeypatch, which, when):
    rename = os.replace

    def die(source, target):
        if target.name == which and when == "before":
            raise KilledError
        rename(source, target)
        if target.name == which:
            raise KilledError

    with monkeypatch.context() as deadly:
        deadly.setattr(os, "replace", die)
        with pytest.raises(KilledError):
            embed_catalog(catalog, 60)
    embed_catalog(catalog, 60)
    assert contents(catalog) == undisturbed


def test_batches_that_are_placed_are_not_placed_again(catalog, monkeypatch):
    place, placed = run._place_batch, []

    def place_three(path, *how):
        if len(placed) == 3:
            raise KilledError
        placed.append(path.name)
        return place(path, *how)

    monkeypatch.setattr(run, "_place_batch", place_three)
    for _ in range(2):
        with pytest.raises(KilledError):
            embed_catalog(catalog, 60)
    monkeypatch.setattr(run, "_place_batch", lambda path, *how: placed.append(path.name)
                        or place(path, *how))  # fmt: skip
    embed_catalog(catalog, 60)
    assert len(placed) == len(set(placed)) == N_BATCHES


def test_another_seed_forgets_what_was_kept(catalog, monkeypatch):
    def die(*_):
        raise KilledError

    with monkeypatch.context() as deadly:
        deadly.setattr(run, "find_clusters", die)
        with pytest.raises(KilledError):
            embed_catalog(catalog, 60, seed=1)
    facts = embed_catalog(catalog, 50, seed=2)
    assert (facts["seed"], facts["n_landmarks"]) == (2, 50)


def test_a_full_disk_is_one_sentence_and_what_is_done_is_kept(catalog, undisturbed, monkeypatch):
    savez, saved = np.savez, []

    def save_until_full(file, **arrays):
        if len(saved) == 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(file)
        savez(file, **arrays)

    with monkeypatch.context() as full:
        full.setattr(unfinished.np, "savez", save_until_full)
        with pytest.raises(ExplorerError, match=r"No space left on device.*make room"):
            embed_catalog(catalog, 60)
    assert len(list((catalog / "embedding" / "unfinished").glob("*.npz"))) == 4
    embed_catalog(catalog, 60)
    assert contents(catalog) == undisturbed


def test_a_lock_left_at_the_very_end_is_cleared_away(catalog, undisturbed):
    embed_catalog(catalog, 60)
    (catalog / "embedding" / ".lock").touch()
    embed_catalog(catalog, 60)
    assert contents(catalog) == undisturbed


def test_two_embeddings_of_one_catalog_are_refused(catalog):
    (catalog / "embedding").mkdir()
    with (
        exclusive(catalog / "embedding" / ".lock", "held"),
        pytest.raises(StoreError, match="being embedded by another process"),
    ):
        embed_catalog(catalog, 60)


def test_row_groups_of_a_batch_join_as_if_they_were_one(catalog, undisturbed):
    for path in sorted(catalog.glob("*.parquet")):
        pq.write_table(pq.read_table(path), path, row_group_size=7)
    facts = embed_catalog(catalog, 60)
    positions = pq.read_table(catalog / "embedding" / "positions.parquet")
    assert positions.num_rows == 40 * N_BATCHES
    assert facts["checked_on"] == "180 held-out objects"
    latents = np.concatenate(
        [pq.read_table(p, columns=["lat_000"])["lat_000"].to_numpy(zero_copy_only=False)
         for p in sorted(catalog.glob("*.parquet"))]
    )  # fmt: skip
    is_landmark = positions["umap_x"].to_numpy() == np.nan_to_num(latents)
    assert is_landmark.sum() >= 60
