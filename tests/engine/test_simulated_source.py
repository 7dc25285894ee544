"""The simulated survey as a source, as an archive, and as files in DESI's layout."""

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.simulation.layout import resolution_diagonals
from anomaly_explorer.engine.simulation.survey import GENERATOR_VERSION, SimulatedSurvey
from anomaly_explorer.engine.simulation.write import write_survey
from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.simulated import SimulatedArchive, SimulatedSource
from anomaly_explorer.engine.spectra.source import ObjectKey

SURVEY = SimulatedSurvey(seed=5)
N = 130


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulated") / "survey"
    write_survey(out, N, SURVEY)
    return out


def coadds(folder):
    return sorted(folder.rglob("coadd-*.fits"))


def assert_same_spectra(got, expected):
    for arm in ARMS:
        for name in ("flux", "ivar", "mask"):
            a, b = getattr(got, name)[arm], getattr(expected, name)[arm]
            assert np.ascontiguousarray(a).tobytes() == b.tobytes()


def test_files_hold_what_the_function_says(folder):
    assert len(coadds(folder)) == 2
    n = 0
    for path in coadds(folder):
        with fits.open(path) as hdus:
            ids = hdus["FIBERMAP"].data["TARGETID"].astype(np.int64)
            batch = SURVEY.spectra(ids)
            n += len(ids)
            for arm in ARMS:
                letter = arm.value.upper()
                np.testing.assert_array_equal(hdus[f"{letter}_WAVELENGTH"].data, arm.wavelength)
                for name in ("flux", "ivar", "mask"):
                    stored = hdus[f"{letter}_{name.upper()}"].data
                    np.testing.assert_array_equal(stored, getattr(batch, name)[arm])
            np.testing.assert_array_equal(batch.columns["row_in_file"], np.arange(len(ids)))
    assert n == N


def test_the_desi_reader_gives_the_same_spectra_and_columns(folder):
    for path in coadds(folder):
        source = open_source(path)
        read = source.read(range(len(source)))
        made = SURVEY.spectra(read.columns["target_id"])
        assert source.simulation == (GENERATOR_VERSION, 5)
        assert_same_spectra(read, made)
        assert made.columns.keys() == read.columns.keys()
        for name, values in made.columns.items():
            got = read.columns[name]
            np.testing.assert_array_equal(got.astype(values.dtype), values, err_msg=name)
        source.close()


def test_truth_is_in_every_coadd_and_in_one_table(folder):
    table = pq.read_table(folder / "truth.parquet")
    truth = SURVEY.truth(table["targetid"].to_numpy())
    assert table.num_rows == N
    assert table["injected_type"].to_pylist() == truth["injected_type"].tolist()
    np.testing.assert_array_equal(table["true_z"].to_numpy(), truth["redshift"])
    np.testing.assert_array_equal(table["strength"].to_numpy(), truth["strength"])
    assert "SIMULATED" in (folder / "README.txt").read_text(encoding="utf-8")


def test_headers_say_simulated(folder):
    for path in folder.rglob("*.fits"):
        header = fits.getheader(path)
        assert header["SIMULATD"] is True
        assert (header["SIMVER"], int(header["SIMSEED"])) == (GENERATOR_VERSION, 5)
        assert header["SPGRP"] == "healpix"
        assert str(header["HPXPIXEL"]) == path.parent.name
        assert str(header["HPXPIXEL"] // 100) == path.parent.parent.name


def test_writing_again_keeps_finished_files_and_makes_missing_ones(folder):
    kept, lost = coadds(folder)
    before, content = kept.stat().st_mtime_ns, lost.read_bytes()
    lost.unlink()
    seen = []
    write_survey(folder, N, SURVEY, progress=lambda done, n: seen.append((done, n)))
    assert kept.stat().st_mtime_ns == before
    assert lost.read_bytes() == content
    assert seen[-1] == (N, N)
    assert not list(folder.rglob("*.partial"))


def test_another_survey_is_refused(folder, tmp_path):
    with pytest.raises(InputError, match="already holds another survey"):
        write_survey(folder, N, SimulatedSurvey(6))
    with pytest.raises(InputError, match="already holds another survey"):
        write_survey(folder, N + 1, SURVEY)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no simulated survey"):
        write_survey(tmp_path, N, SURVEY)
    with pytest.raises(InputError, match="is a file"):
        write_survey(tmp_path / "notes.txt", N, SURVEY)


def test_resolution_is_written_when_asked(tmp_path):
    write_survey(tmp_path / "r", 4, SURVEY, resolution=True)
    with fits.open(coadds(tmp_path / "r")[0]) as hdus:
        for arm in ARMS:
            stored = hdus[f"{arm.value.upper()}_RESOLUTION"].data
            assert stored.shape == (2, 11, arm.n_pixels)
            np.testing.assert_array_equal(stored[1], resolution_diagonals(arm))
            np.testing.assert_allclose(stored[0].sum(axis=0), 1.0, atol=1e-5)


def test_a_source_yields_the_survey_in_order():
    source = SimulatedSource(SURVEY, 25)
    ids = SURVEY.target_ids(25)
    batches = list(source.batches(size=10))
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert np.concatenate([b.columns["target_id"] for b in batches]).tolist() == ids.tolist()
    assert_same_spectra(source.read([7, 3]), SURVEY.spectra(ids[[7, 3]]))
    assert (len(source), source.kind) == (25, "simulated")


def test_a_source_refuses_rows_outside_and_reading_after_close():
    source = SimulatedSource(SURVEY, 3)
    for row in (-1, 3):
        with pytest.raises(InputError, match="ask for rows 0 to 2"):
            source.read([row])
    source.close()
    with pytest.raises(ValueError, match="closed"):
        source.read([0])


def test_an_archive_finds_spectra_by_target_id_alone():
    ids = SURVEY.target_ids(9)
    archive = SimulatedArchive(SURVEY)
    keys = [ObjectKey(int(ids[i]), "no such file", 0) for i in (8, 2, 8)]
    assert_same_spectra(archive.read(keys), SURVEY.spectra(ids[[8, 2, 8]]))
    with pytest.raises(InputError, match="is no object"):
        archive.read([ObjectKey(12345, "", 0)])
    archive.close()
