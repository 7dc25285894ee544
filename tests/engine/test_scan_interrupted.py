"""A scan that is killed, refused or out of disk: finished batches stay, and the rest is made."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from anomaly_explorer.engine.errors import ExplorerError, StoreError
from anomaly_explorer.engine.scan import atomic, batch

from .catalog_maker import (
    assert_same_rows,
    batch_files,
    read_catalog,
    save_random_model,
    scan_into,
    write_coadds,
)


class KilledError(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_coadds(tmp_path_factory.mktemp("spectra"), [3] * 5)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, folder, weights):
    catalog = tmp_path_factory.mktemp("undisturbed") / "catalog"
    scan_into(catalog, [folder], weights, 3)
    return read_catalog(catalog)


@dataclass
class Attempt:
    """A scan of five batches into a new folder, to be disturbed."""

    catalog: Path
    folder: Path
    weights: Path
    expected: pa.Table

    def scan(self):
        return scan_into(self.catalog, [self.folder], self.weights, 3)

    def assert_undisturbed(self):
        assert_same_rows(read_catalog(self.catalog), self.expected)


@pytest.fixture
def start_over(tmp_path, folder, weights, undisturbed):
    return Attempt(tmp_path / "out", folder, weights, undisturbed)


def test_a_second_run_does_nothing(tmp_path, folder, weights):
    catalog = tmp_path / "out"
    first = scan_into(catalog, [folder], weights, 6)
    stamps = {path: path.stat().st_mtime_ns for path in batch_files(catalog)}
    assert (first.n_made, first.n_ready) == (3, 0)
    again = scan_into(catalog, [folder], weights, 6)
    assert (again.n_made, again.n_ready) == (0, 3)
    assert again.summary == first.summary
    assert {path: path.stat().st_mtime_ns for path in batch_files(catalog)} == stamps


@pytest.mark.parametrize(
    ("which", "when", "n_ready"),
    [
        ("plan.json", "before", 0),
        ("plan.json", "after", 0),
        ("desi_dr1_catalog_batch_0003.parquet", "before", 3),
        ("desi_dr1_catalog_batch_0003.parquet", "after", 4),
        ("scan.json", "before", 5),
        ("scan.json", "after", 5),
    ],
)
def test_death_at_a_rename_loses_at_most_that_file(start_over, monkeypatch, which, when, n_ready):
    rename = os.replace

    def die(source, target):
        if os.fspath(target).endswith(which):
            if when == "after":
                rename(source, target)
            raise KilledError
        rename(source, target)

    with monkeypatch.context() as deadly:
        deadly.setattr(atomic.os, "replace", die)
        with pytest.raises(KilledError):
            start_over.scan()
    assert len(batch_files(start_over.catalog)) == n_ready
    assert start_over.scan().n_ready == n_ready
    start_over.assert_undisturbed()


def test_a_full_disk_is_one_sentence_and_keeps_finished_batches(start_over, monkeypatch):
    catalog = start_over.catalog
    write, written = batch.pq.ParquetWriter.write_table, []

    def write_until_full(writer, table):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(table)
        write(writer, table)

    with monkeypatch.context() as full:
        full.setattr(batch.pq.ParquetWriter, "write_table", write_until_full)
        with pytest.raises(ExplorerError, match="No space left on device; make room") as caught:
            start_over.scan()
    assert "\n" not in str(caught.value)
    assert len(batch_files(catalog)) == 2
    assert not list(catalog.glob(".*"))
    assert start_over.scan().n_ready == 2
    start_over.assert_undisturbed()


def test_another_model_other_spectra_and_other_batches_are_refused(tmp_path, folder, weights):
    catalog = tmp_path / "out"
    scan_into(catalog, [folder], weights, 6)
    before = {path: path.read_bytes() for path in catalog.iterdir()}
    other = save_random_model(tmp_path / "other.safetensors", seed=1)
    with pytest.raises(StoreError, match="another model"):
        scan_into(catalog, [folder], other, 6)
    # Same paths, sizes and numbers of objects: only the content tells them apart.
    lookalike = write_coadds(tmp_path / "lookalike", [3] * 5, first_id=39627800000000000)
    with pytest.raises(StoreError, match="other spectra"):
        scan_into(catalog, [lookalike], weights, 6)
    with pytest.raises(StoreError, match="another --batch-rows"):
        scan_into(catalog, [folder], weights, 5)
    assert {path: path.read_bytes() for path in catalog.iterdir()} == before


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": 99, "model": "", "batches": []}'])
def test_a_plan_that_is_none_of_ours_is_refused(tmp_path, folder, weights, content):
    catalog = tmp_path / "out"
    catalog.mkdir()
    (catalog / "plan.json").write_text(content)
    with pytest.raises(StoreError, match=r"cannot be read|another format"):
        scan_into(catalog, [folder], weights)
    assert [path.name for path in catalog.iterdir()] == ["plan.json"]


def test_a_folder_with_other_things_is_left_alone(tmp_path, folder, weights):
    (tmp_path / "thesis.tex").write_text("the only copy")
    with pytest.raises(StoreError, match="not empty and holds no catalog"):
        scan_into(tmp_path, [folder], weights)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ExplorerError, match="cannot be made a folder"):
        scan_into(tmp_path / "thesis.tex", [folder], weights)
    with pytest.raises(ExplorerError, match="cannot be made a folder"):
        scan_into(tmp_path / "thesis.tex" / "out", [folder], weights)


def test_a_damaged_batch_is_named(tmp_path, folder, weights):
    catalog = tmp_path / "out"
    scan_into(catalog, [folder], weights, 6)
    batch_files(catalog)[1].write_bytes(b"PAR1 and no more")
    with pytest.raises(StoreError, match=r"batch_0001.parquet cannot be read .* delete it"):
        scan_into(catalog, [folder], weights, 6)
    batch_files(catalog)[1].unlink()
    assert scan_into(catalog, [folder], weights, 6).n_made == 1
