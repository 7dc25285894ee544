from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.archive import FileArchive
from anomaly_explorer.engine.spectra.grid import Arm
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.source import ObjectKey


@pytest.fixture(scope="module")
def survey(tmp_path_factory, coadd_parts):
    """Three coadds in folders, known pixel by pixel: the root and the parts of each file."""
    root, parts_of = tmp_path_factory.mktemp("survey"), {}
    for i in range(3):
        parts = coadd_parts(4)
        parts.fibermap["TARGETID"] += 100 * i
        parts_of[f"f{i}/coadd-main-dark-{i}.fits"] = parts
        parts.write(root / f"f{i}/coadd-main-dark-{i}.fits")
    return root, parts_of


def key_of(survey, name, row):
    return ObjectKey(int(survey[1][name].fibermap["TARGETID"][row]), name, row)


def assert_right(survey, batch, keys):
    assert batch.columns["target_id"].tolist() == [key.target_id for key in keys]
    for i, key in enumerate(keys):
        wanted = survey[1][key.source_file].flux[Arm.NIR][key.row_in_file]
        np.testing.assert_array_equal(batch.flux[Arm.NIR][i], wanted)


def every_key(survey):
    return [key_of(survey, name, row) for name in survey[1] for row in range(4)]


@given(picks=st.lists(st.integers(0, 11), min_size=1, max_size=9))
@settings(max_examples=20, deadline=None)
def test_any_mix_of_files_comes_in_the_order_asked(survey, picks):
    keys = [every_key(survey)[i] for i in picks]
    archive = FileArchive(survey[0], max_open=2)
    assert_right(survey, archive.read(keys), keys)
    archive.close()


def test_at_most_max_open_files_stay_open_and_each_opens_once(survey):
    opened = []

    def opener(path):
        opened.append(open_source(path))
        return opened[-1]

    archive = FileArchive(survey[0], max_open=2, opener=opener)
    first, second, third = survey[1]
    for name in (first, second, first, third, first):
        archive.read([key_of(survey, name, 1)])
    assert [source.path.name[-6] for source in opened] == ["0", "1", "2"]
    with pytest.raises(ValueError, match="is closed"):
        opened[1].read([0])  # the least recently used one
    assert len(opened[0].read([0])) == 1
    archive.close()
    for source in opened:
        with pytest.raises(ValueError, match="is closed"):
            source.read([0])


def test_threads_share_an_archive(survey):
    keys = every_key(survey)
    archive = FileArchive(survey[0], max_open=1)
    orders = [np.random.default_rng(seed).permutation(12)[:5] for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda order: archive.read([keys[i] for i in order]), orders))
    for order, batch in zip(orders, batches, strict=True):
        assert_right(survey, batch, [keys[i] for i in order])
    archive.close()


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x.fits", "f0/../../x.fits", "f0\\..\\..\\x", "C:\\x.fits", ""]
)
def test_paths_that_leave_the_root_are_refused(survey, name):
    archive = FileArchive(survey[0], opener=lambda path: pytest.fail(f"opened {path}"))
    with pytest.raises(InputError, match="expected a path below the scanned folder"):
        archive.read([ObjectKey(1, name, 0)])


def test_a_missing_file_another_target_and_a_missing_row_are_one_sentence_each(survey):
    archive = FileArchive(survey[0])
    name = next(iter(survey[1]))
    right = key_of(survey, name, 0)
    with pytest.raises(InputError, match=r"none\.fits is not in .*; give the folder"):
        archive.read([right, ObjectKey(1, "none.fits", 0)])
    with pytest.raises(InputError, match=f"holds target {right.target_id} at row 0.* says 5"):
        archive.read([ObjectKey(5, name, 0)])
    for row in (4, -1):
        with pytest.raises(InputError, match=f"has 4 objects and no row {row}"):
            archive.read([ObjectKey(right.target_id, name, row)])
    assert_right(survey, archive.read([right]), [right])
    archive.close()


def test_a_root_that_is_no_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        FileArchive(tmp_path / "none")


def test_a_file_replaced_on_disk_is_read_anew(tmp_path, coadd_parts):
    old, new = coadd_parts(2), coadd_parts(3)
    path = old.write(tmp_path / "coadd-main-dark-1.fits")
    key = ObjectKey(int(old.fibermap["TARGETID"][1]), path.name, 1)
    archive = FileArchive(tmp_path)
    archive.read([key])
    new.write(tmp_path / "new.fits").replace(path)
    np.testing.assert_array_equal(archive.read([key]).flux[Arm.RED][0], new.flux[Arm.RED][1])
    archive.close()


def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path, coadd_parts):
    path = tmp_path / "coadd-main-dark-1.fits"
    path.write_bytes(b"")
    parts = coadd_parts(1)
    key = ObjectKey(int(parts.fibermap["TARGETID"][0]), path.name, 0)
    archive = FileArchive(tmp_path)
    with pytest.raises(InputError, match="is empty"):
        archive.read([key])
    path.unlink()
    parts.write(path)
    assert len(archive.read([key])) == 1
    archive.close()


def test_surveys_mix_in_one_read(real_data):
    files = ["desi-coadds/coadd-4-80613-thru20210324.fits"]
    files += [f"sdss-sky/{path.name}" for path in sorted((real_data / "sdss-sky").glob("*.gz"))[:2]]
    keys = []
    for name in files:
        source = open_source(real_data / name)
        keys.append(ObjectKey(int(source.read([0]).columns["target_id"][0]), name, 0))
        source.close()
    archive = FileArchive(real_data)
    batch = archive.read([keys[1], keys[0], keys[2]])
    assert batch.columns["survey"].tolist() == ["SDSS", "DESI", "SDSS"]
    archive.close()
