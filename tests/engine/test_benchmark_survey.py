"""A survey that somebody else has made, given to the benchmark as files with a truth table."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from anomaly_explorer.engine.benchmark import material as material_module
from anomaly_explorer.engine.benchmark.material import SurveyFiles, TrialSize
from anomaly_explorer.engine.benchmark.truth import read_truth
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.simulation.identity import SCIENCE
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.simulation.write import write_survey

N, SURVEY = 260, SimulatedSurvey(31)
SIZE = TrialSize(n_training=60, n_unlabelled=1, n_modes=30, n_calibration=50, n_test=40, n_sky=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("survey") / "files"
    write_survey(out, N, SURVEY)
    return out


@pytest.fixture(scope="module")
def files(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(material_module, "_FEWEST", 50)
        patch.setattr(material_module, "_FEWEST_TO_CALIBRATE", 3)
        patch.setattr(material_module, "_FEWEST_ODD", 1)
        told = []
        found = SurveyFiles.read(folder, SIZE, told.append)
        assert [text.split(":")[0] for text in told] == ["no science targets, and so not judged"]
        return found


@pytest.fixture
def truth_table():
    truth = SURVEY.truth(SURVEY.target_ids(N))
    return Table({
        "targetid": truth["target_id"], "injected_type": truth["injected_type"],
        "strength": truth["strength"], "truez": truth["redshift"],
    })  # fmt: skip


def test_files_are_read_as_the_survey_they_hold(files):
    truth = SURVEY.truth(SURVEY.target_ids(N))
    odd = np.count_nonzero(truth["injected_type"] != "")
    labels = files.sample.labels
    # Sky fibers and broken ones are no science targets; a few anomalies may be among the broken.
    assert 0 < np.count_nonzero(~labels.is_normal) <= odd
    assert 150 < len(files.sample) < N
    assert len(files.sky) > 0
    assert (labels.strength > 0).tolist() == (~labels.is_normal).tolist()
    assert files.sample.is_covered.all()


def test_no_object_is_dealt_twice(files):
    dealt = files.material(5, SIZE)
    parts = (dealt.training, dealt.for_modes, dealt.calibrating, dealt.test, dealt.for_redshift)
    seen = np.concatenate([each.weighed.amplitude for each in parts])
    assert len(np.unique(seen)) == len(seen)  # an amplitude tells an object from all others
    assert len(seen) == len(files.sample)
    assert dealt.size["n_calibration"] <= SIZE.n_calibration
    share = dealt.size["n_test"] / dealt.size["n_modes"]
    assert share == pytest.approx(SIZE.n_test / SIZE.n_modes, rel=0.1)
    n_odd = int((~files.sample.labels.is_normal).sum())
    assert dealt.size["n_anomalies"] + dealt.size["n_unlabelled"] == n_odd
    assert dealt.calibrating.labels.is_normal.all()
    assert dealt.drifted is None
    again, other = files.material(5, SIZE), files.material(6, SIZE)
    np.testing.assert_array_equal(again.test.weighed.flux, dealt.test.weighed.flux)
    assert not np.array_equal(other.test.weighed.amplitude, dealt.test.weighed.amplitude)


@pytest.mark.parametrize("name", ["truth.parquet", "truth.fits", "truth.ecsv", "truth.csv"])
def test_a_truth_table_may_have_any_of_four_formats(tmp_path, truth_table, name):
    truth_table.write(tmp_path / name)
    found = read_truth(tmp_path, [])
    order = np.argsort(truth_table["targetid"])[::-1]
    types, strength, redshift = found.of(np.array(truth_table["targetid"])[order])
    np.testing.assert_allclose(redshift, truth_table["truez"][order], rtol=1e-6)
    assert types.tolist() == [str(each) for each in truth_table["injected_type"][order]]
    np.testing.assert_allclose(strength, truth_table["strength"][order], rtol=1e-6)


def test_normal_has_several_names_and_strength_may_be_unknown(tmp_path):
    table = Table({"TARGETID": [1, 2, 3, 4], "INJECTED_TYPE": ["normal", "None", "bal", ""]})
    table.write(tmp_path / "truth.fits")
    types, strength, redshift = read_truth(tmp_path, []).of(np.array([3, 2, 1, 4]))
    assert np.isnan(redshift).all()
    assert types.tolist() == ["bal", "", "", ""]
    assert np.isnan(strength).all()


def test_texts_of_any_size_may_be_empty(tmp_path):
    types = pa.array(["bal", None, "cv"], pa.large_string())
    pq.write_table(pa.table({"targetid": [1, 2, 3], "injected_type": types}),
                   tmp_path / "truth.parquet")  # fmt: skip
    assert read_truth(tmp_path, []).of(np.array([1, 2, 3]))[0].tolist() == ["bal", "", "cv"]


def test_tables_in_the_files_are_taken_where_the_folder_has_none(folder, truth_table):
    paths = sorted(folder.rglob("coadd-*.fits"))
    table = pq.read_table(folder / "truth.parquet")
    found = read_truth(folder / "healpix", paths)
    types, *_ = found.of(np.array(table.column("targetid")))
    assert types.tolist() == table.column("injected_type").to_pylist()


def test_an_object_without_truth_is_named(tmp_path, truth_table):
    truth_table.write(tmp_path / "truth.csv")
    with pytest.raises(InputError, match="not TARGETID 77"):
        read_truth(tmp_path, []).of(np.array([77]))


def test_only_science_targets_must_be_in_the_truth(folder, tmp_path, truth_table, monkeypatch):
    for name, value in {"_FEWEST": 50, "_FEWEST_TO_CALIBRATE": 3, "_FEWEST_ODD": 1}.items():
        monkeypatch.setattr(material_module, name, value)
    survey = tmp_path / "survey"
    shutil.copytree(folder, survey, ignore=shutil.ignore_patterns("truth.*"))
    uses = SURVEY.fiber_uses(SURVEY.target_ids(N))
    truth_table[uses == SCIENCE].write(survey / "truth.fits")
    said = []
    found = SurveyFiles.read(survey, SIZE, said.append)
    assert len(found.sample) > 150
    assert "not in the truth" in said[0]
    truth_table[uses == SCIENCE][1:].write(survey / "truth.fits", overwrite=True)
    with pytest.raises(InputError, match="truth of every science target"):
        SurveyFiles.read(survey, SIZE, said.append)


def test_a_table_of_other_columns_and_files_without_one_are_refused(tmp_path, folder):
    Table({"ID": [1], "KIND": ["bal"]}).write(tmp_path / "truth.csv")
    with pytest.raises(InputError, match="has columns ID, KIND, expected TARGETID and INJ"):
        read_truth(tmp_path, [])
    redrock = next(folder.rglob("redrock-*.fits"))
    with pytest.raises(InputError, match=r"redrock-.* has no truth that can be read"):
        read_truth(tmp_path / "none", [redrock])


def test_a_survey_too_small_to_judge_by_is_refused_and_says_what_was_left_out(folder):
    said = []
    with pytest.raises(InputError, match=r"has 0 normal science .* expected 5,000 normals"):
        SurveyFiles.read(folder, TrialSize(), said.append)
    gated, *classes = said
    assert gated.startswith("no science targets, and so not judged: ")
    assert {line.split(" of class ")[1].split(";")[0] for line in classes} == {
        "GALAXY", "QSO", "STAR"
    }  # fmt: skip
    assert all(line.endswith("and has 2,680 normals") for line in classes)


@pytest.mark.parametrize(
    ("strength", "types", "words"),
    [(["1", "n/a"], ["bal", "cv"], "no truth that can be read"),
     ([1, 2], ["bal", "cv"], "TARGETID 7 both bal and cv"),
     ([1, 2], ["", "cv"], "TARGETID 7 both normal and cv")],
)  # fmt: skip
def test_a_truth_that_is_none_is_refused(tmp_path, strength, types, words):
    Table({"TARGETID": [7, 7], "INJECTED_TYPE": types, "STRENGTH": strength}).write(
        tmp_path / "truth.csv"
    )
    with pytest.raises(InputError, match=words):
        read_truth(tmp_path, [])


def test_a_target_counts_once_and_sky_fibers_always():
    batches = list(SURVEY.stream(range(40), 20))
    ids = np.concatenate([batch.columns["target_id"] for batch in batches])
    said = []
    found = list(material_module._once([*batches, *batches], said.append))
    again = np.concatenate([batch.columns["target_id"] for batch in found])
    np.testing.assert_array_equal(again[: len(ids)], ids)
    assert (again[len(ids) :] <= 0).all()
    assert said == [f"{(ids > 0).sum():,} further spectra of targets that were read before "
                    "are left out"]  # fmt: skip
