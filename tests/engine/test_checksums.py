"""Any changed byte of a store is noticed, and its file is named."""

import random
import shutil

import pytest

from anomaly_explorer.engine.catalog.checksums import hash_files, verify_store
from anomaly_explorer.engine.catalog.manifest import Manifest
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import StoreError


@pytest.fixture
def copied_store(random_store, tmp_path):
    return shutil.copytree(random_store.path, tmp_path / "copy.store")


def files_of(store):
    return sorted(p.relative_to(store).as_posix() for p in store.rglob("*") if p.is_file())


def test_every_file_of_a_store_is_in_its_manifest(random_store):
    manifest = random_store.manifest
    assert files_of(random_store.path) == sorted([*manifest.files, "manifest.json"])
    assert manifest.files.keys() == manifest.checksums.keys()


def test_an_untouched_store_is_verified_with_progress(random_store):
    seen = []
    n_files = verify_store(random_store.path, lambda *step: seen.append(step))
    assert n_files == len(files_of(random_store.path))
    assert seen[-1][0] == seen[-1][1]


def test_a_flipped_byte_of_any_file_is_noticed_and_named(copied_store):
    moments = random.Random()
    seed = moments.randrange(2**32)
    moments.seed(seed)
    for name in files_of(copied_store):
        path = copied_store / name
        content = path.read_bytes()
        if not content:
            continue
        place = moments.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << moments.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(StoreError) as caught:
            verify_store(copied_store)
        named = "manifest" if name == "manifest.json" else name
        assert named in str(caught.value), f"seed {seed}"
        path.write_bytes(content)
    assert verify_store(copied_store)


def test_space_in_the_manifest_counts_as_a_change(copied_store):
    path = copied_store / "manifest.json"
    path.write_text(path.read_text() + " ")
    assert Store.open(copied_store).n_objects == 1000
    with pytest.raises(StoreError, match=r"manifest\.json"):
        verify_store(copied_store)


def test_all_bad_files_are_named_and_missing_ones_too(copied_store):
    (copied_store / "latents.f16").unlink()
    (copied_store / "columns.arrow").write_bytes(b"x")
    with pytest.raises(StoreError, match=r"latents\.f16.*columns\.arrow"):
        verify_store(copied_store)


def test_files_are_hashed_as_sha256_says(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "abc").write_bytes(b"abc")
    found = hash_files(tmp_path, ["abc", "empty"])
    assert list(found) == ["abc", "empty"]
    assert found["abc"].startswith("ba7816bf 8f01cfea".replace(" ", ""))
    assert found["empty"].startswith("e3b0c44298fc1c14")


def test_a_manifest_reads_back_as_it_was_written(random_store, tmp_path):
    random_store.manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == random_store.manifest
