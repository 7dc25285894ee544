"""A build that is killed, refused or out of disk goes on, and ends like one that was not."""

import errno
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from anomaly_explorer.engine.catalog import stages, staging
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.journal import Journal
from anomaly_explorer.engine.catalog.lock import exclusive
from anomaly_explorer.engine.errors import ExplorerError, StoreError


class KilledError(BaseException):
    """Stands for the end of the process: nothing may catch it."""


@pytest.fixture(scope="module")
def catalog(write_catalog, tmp_path_factory):
    return write_catalog(tmp_path_factory.mktemp("catalog") / "catalog", (300, 1, 99)).path


@pytest.fixture(scope="module")
def undisturbed(catalog, tmp_path_factory):
    return contents(build_store(catalog, tmp_path_factory.mktemp("stores") / "a.store").path)


def contents(store):
    files = (path for path in store.rglob("*") if path.is_file())
    return {path.relative_to(store).as_posix(): path.read_bytes() for path in files}


def hidden(folder):
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))


STAGES = [
    ("before", "map order"), ("after", "map order"), ("before", "column target_id"),
    ("after", "derived"), ("before", "ranks"), ("before", "plane score_snr"),
    ("before", "columns.arrow"), ("after", "columns.arrow"), ("after", "latents 0001"),
    ("before", "latents.f16"), ("after", "checksums"), ("before", "manifest"),
    ("after", "manifest"),
]  # fmt: skip


@pytest.fixture
def finished(monkeypatch):
    """What a build lists as finished, in order."""
    found, finish = [], Journal.finish

    def note(self, name, facts=None):
        found.append(name)
        finish(self, name, facts)

    monkeypatch.setattr(Journal, "finish", note)
    return found


@pytest.mark.parametrize("moment", STAGES, ids=" ".join)
def test_death_at_any_stage_redoes_at_most_that_stage(catalog, undisturbed, finished, moment):
    (when, stage), finish = moment, Journal.finish

    def die(self, name, facts=None):
        if name != stage or when == "after":
            finish(self, name, facts)
        if name == stage:
            raise KilledError

    with TemporaryDirectory() as folder:
        store = Path(folder) / "a.store"
        with pytest.MonkeyPatch.context() as deadly:
            deadly.setattr(Journal, "finish", die)
            with pytest.raises(KilledError):
                build_store(catalog, store)
        assert not store.exists()
        before = set(finished)
        finished.clear()
        build_store(catalog, store)
        assert contents(store) == undisturbed
        if stage not in {"map order", "ranks"}:  # these keep columns of their own
            assert not before & set(finished)
        assert (stage in finished) == (when == "before")
        assert hidden(Path(folder)) == []


@pytest.fixture
def other_store(write_catalog, tmp_path):
    return build_store(write_catalog(tmp_path / "other", (40,), seed=8).path, tmp_path / "a.store")


@pytest.mark.parametrize("moment", ["old moved", "new moved"])
def test_death_while_a_store_is_replaced_loses_neither(catalog, undisturbed, other_store, moment):
    store, rename = other_store.path, Path.rename

    def die(self, target):
        if moment == "old moved" and self.name == "store":
            raise KilledError
        moved = rename(self, target)
        if moment == "new moved" and self.name == "store":
            raise KilledError
        return moved

    with pytest.MonkeyPatch.context() as deadly:
        deadly.setattr(Path, "rename", die)
        with pytest.raises(KilledError):
            build_store(catalog, store)
    build_store(catalog, store)
    assert contents(store) == undisturbed
    assert hidden(store.parent) == []


def test_a_full_disk_is_one_sentence_and_what_is_done_is_kept(
    catalog, undisturbed, tmp_path, monkeypatch
):
    store, save, saved = tmp_path / "a.store", np.save, []

    def save_until_full(path, values):
        if len(saved) == 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        saved.append(path)
        save(path, values)

    with monkeypatch.context() as full:
        full.setattr(staging.np, "save", save_until_full)
        with pytest.raises(ExplorerError, match=r"No space left on device.*build again") as caught:
            build_store(catalog, store)
    assert "\n" not in str(caught.value)
    with monkeypatch.context() as counted:
        again = []
        counted.setattr(staging.np, "save", lambda p, v: (again.append(p), save(p, v)))
        build_store(catalog, store)
    assert not set(saved) & set(again)
    assert contents(store) == undisturbed


def test_two_builds_of_one_store_are_refused(catalog, tmp_path):
    store = tmp_path / "a.store"
    with (
        exclusive(tmp_path / ".a.store.building.lock", "held"),
        pytest.raises(StoreError, match="being built by another process"),
    ):
        build_store(catalog, store)
    assert build_store(catalog, store).n_objects == 400


def test_a_changed_catalog_begins_anew(write_catalog, undisturbed, tmp_path, monkeypatch):
    store = tmp_path / "a.store"

    def die(self):
        raise KilledError

    with monkeypatch.context() as deadly:
        deadly.setattr(stages.Stages, "_seal", die)
        with pytest.raises(KilledError):
            build_store(write_catalog(tmp_path / "one", (300, 1, 99), seed=8).path, store)
    other = write_catalog(tmp_path / "two", (300, 1, 99))
    assert contents(build_store(other.path, store).path) == undisturbed


@pytest.mark.parametrize("torn", [b"", b'["x", {', b'["x", {}]', b"\xff\n", b"3\n"])
def test_a_journal_cut_short_keeps_its_whole_lines(tmp_path, torn):
    first = Journal(tmp_path / "work", {"a": 1})
    first.finish("one", {"n": 3})
    path = tmp_path / "work" / "journal"
    path.write_bytes(path.read_bytes() + torn)
    again = Journal(tmp_path / "work", {"a": 1})
    if torn == b"\xff\n":
        assert again.stages == ()
    else:
        assert again.stages == ("one",)
        assert again["one"] == {"n": 3}
    again.finish("two")
    assert Journal(tmp_path / "work", {"a": 1}).stages[-1] == "two"
    assert Journal(tmp_path / "work", {"a": 2}).stages == ()


def test_a_lock_outlives_no_process_and_its_file_locks_nobody_out(tmp_path):
    path = tmp_path / "lock"
    path.write_text("left by a process that was killed")
    with exclusive(path, "held"), pytest.raises(StoreError, match="held"), exclusive(path, "held"):
        pass
    assert not path.exists()
    with exclusive(path, "held"):
        assert path.exists()
