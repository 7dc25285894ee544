"""The plan is a function of the files: nothing split, nothing twice, nothing dropped in silence."""

import json
import shutil
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError, NoSpectraError
from anomaly_explorer.engine.scan import plan as module
from anomaly_explorer.engine.scan.plan import make_plan

from .survey_files import make_coadd


class JsonSource:
    """A source whose file is JSON: kind, group and ids of a FITS file that need not be made."""

    simulation = None
    notes = ()

    def __init__(self, path):
        if not path.exists():
            raise InputError(f"{path.name} is not there")
        facts = json.loads(path.read_text())
        if facts["kind"] == "broken":
            raise InputError(f"{path.name} is broken")
        if facts["kind"] == "redrock":
            raise NoSpectraError(f"{path.name} holds no spectra")
        self.path, self.kind, self.group = path, facts["kind"], facts["group"]
        self.target_ids = np.array(facts["ids"], dtype=np.int64)

    def __len__(self):
        return len(self.target_ids)

    def close(self):
        pass


@pytest.fixture
def json_files(monkeypatch):
    monkeypatch.setattr(module, "open_source", JsonSource)


def write_json(folder, files):
    for place, facts in enumerate(files):
        path = folder / f"{place % 3}" / f"file-{place}{facts.get('ending', '.fits')}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(facts))


FILES = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["desi coadd", "desi coadd", "desi spectra", "broken",
                                     "redrock"]),
            "group": st.sampled_from(["a", "b", "c"]),
            "ids": st.lists(st.integers(0, 12), min_size=1, unique=True, max_size=9),
            "ending": st.sampled_from([".fits", ".fits", ".fits.gz", ".txt"]),
        }
    ),
    max_size=12,
)  # fmt: skip
A_FILE = {"kind": "desi coadd", "group": "z", "ids": [1], "ending": ".fits"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FILES, st.integers(1, 20))
def test_laws_of_a_plan(json_files, files, batch_rows):
    files = [*files, A_FILE]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(folder, files)
        plan = make_plan([folder], batch_rows)
        parts = sorted(folder.iterdir(), reverse=True)
        assert make_plan([*parts, folder], batch_rows) == plan
        present = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
        ids = {name: json.loads((folder / name).read_text())["ids"] for name in present}
    scanned = [spectra.path for spectra in plan.inputs]
    assert len(scanned) == len(set(scanned))
    assert set(scanned) | {item.path for item in plan.skipped} == present
    assert all(item.reason for item in plan.skipped)
    assert_every_key_once(plan, ids)
    assert_filled(plan, batch_rows)


def assert_every_key_once(plan, ids):
    readable = {s.path for s in plan.inputs}
    readable |= {s.path for s in plan.skipped if s.kind == module.SUPERSEDED}
    group = {s.path: s.group for s in plan.inputs}
    entered = Counter()
    for spectra in plan.inputs:
        rows = set(range(spectra.n_objects)) - set(spectra.without_rows)
        assert len(rows) == spectra.n_scanned > 0
        entered.update((group[spectra.path], ids[spectra.path][row]) for row in rows)
    assert set(entered.values()) == {1}
    targets = {target for _, target in entered}
    assert targets == {target for path in readable for target in ids[path]}


def assert_filled(plan, batch_rows):
    sizes = [[spectra.n_scanned for spectra in batch] for batch in plan.batches]
    assert all(sum(batch) <= batch_rows or len(batch) == 1 for batch in sizes)
    for batch, after in pairwise(sizes):
        assert sum(batch) + after[0] > batch_rows, "a file would still have found room"


def test_a_coadd_wins_and_targets_of_the_spectra_file_alone_still_enter(tmp_path, json_files):
    write_json(
        tmp_path,
        [
            {"kind": "desi spectra", "group": "tile/1", "ids": [1, 2, 3, 4]},
            {"kind": "desi coadd", "group": "tile/1", "ids": [4, 2]},
            {"kind": "desi coadd", "group": "tile/2", "ids": [1]},
        ],
    )
    plan = make_plan([tmp_path])
    chosen = {spectra.path: spectra.without_rows for spectra in plan.inputs}
    assert chosen == {"0/file-0.fits": (1, 3), "1/file-1.fits": (), "2/file-2.fits": ()}
    assert [(s.path, s.kind) for s in plan.skipped] == [("0/file-0.fits", "superseded")]
    assert "2 of 4" in plan.skipped[0].reason


@pytest.mark.parametrize("header", [{}, {"HPXPIXEL": None}])
def test_two_copies_of_a_file_count_once(tmp_path, rng, header):
    parts = make_coadd(rng, 3)
    parts.header |= header
    parts.header = {name: value for name, value in parts.header.items() if value is not None}
    original = parts.write(tmp_path / "first" / "coadd.fits")
    (tmp_path / "second").mkdir()
    shutil.copy(original, tmp_path / "second" / "coadd-copy.fits")
    plan = make_plan([tmp_path])
    assert [spectra.path for spectra in plan.inputs] == ["first/coadd.fits"]
    assert [(s.path, s.kind) for s in plan.skipped] == [("second/coadd-copy.fits", "superseded")]


def test_a_changed_file_changes_its_fingerprint_though_not_its_size(tmp_path, rng):
    path = make_coadd(rng, 2).write(tmp_path / "coadd.fits")
    before = make_plan([path])
    size = path.stat().st_size
    path.unlink()
    make_coadd(rng, 2, first_id=39627700000000777).write(path)
    assert path.stat().st_size == size
    assert next(make_plan([path]).inputs).fingerprint != next(before.inputs).fingerprint


def test_paths_of_several_folders_are_relative_to_what_they_share(tmp_path, json_files):
    write_json(tmp_path, [A_FILE, {**A_FILE, "group": "y"}, {**A_FILE, "group": "x"}])
    plan = make_plan([tmp_path / "0" / "file-0.fits", tmp_path / "2"])
    assert plan.root == tmp_path.resolve()
    assert [s.path for s in plan.inputs] == ["0/file-0.fits", "2/file-2.fits"]
    assert make_plan([tmp_path / "1"]).root == (tmp_path / "1").resolve()


def test_hidden_files_and_links_are_listed_or_read(tmp_path, json_files):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    write_json(inside, [A_FILE])
    (inside / ".coadd.fits.partial").write_text("half")
    (inside / "folder").symlink_to(outside)
    (inside / "lost.fits").symlink_to(tmp_path / "nowhere.fits")
    (outside / "b.fits").write_text(json.dumps({**A_FILE, "group": "y"}))
    (inside / "linked.fits").symlink_to(outside / "b.fits")
    plan = make_plan([inside])
    assert {s.path for s in plan.inputs} == {"0/file-0.fits", "linked.fits"}
    assert {s.path: s.kind for s in plan.skipped} == {
        ".coadd.fits.partial": "without spectra",
        "folder": "failure",
        "lost.fits": "failure",
    }


def test_progress_counts_every_file(tmp_path, json_files):
    write_json(tmp_path, [A_FILE, {**A_FILE, "kind": "broken"}])
    seen = []
    make_plan([tmp_path], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize("kinds", [[], ["redrock"], ["broken", "broken", "redrock"]])
def test_nothing_readable_is_one_sentence(tmp_path, json_files, kinds):
    write_json(tmp_path, [{**A_FILE, "kind": kind} for kind in kinds])
    with pytest.raises(InputError, match=r"no (readable )?spectra in") as caught:
        make_plan([tmp_path])
    assert "\n" not in str(caught.value)
    if "broken" in kinds:
        assert "file-0.fits is broken (1 more files failed)" in str(caught.value)


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere does not exist"):
        make_plan([tmp_path / "nowhere"])
