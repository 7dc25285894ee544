"""Only science targets of one survey are trained on, each once, under their own ids."""

import numpy as np
import pytest

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.model.training_set import files_set, simulated_set
from anomaly_explorer.engine.scoring.gate import SCIENCE, gate_objects
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.open import open_source

from .survey_files import make_coadd


def expected_of(spectra):
    made = prepare_input(spectra, COMPATIBLE_GRID)
    chosen = gate_objects(spectra.columns, made.coverage)[0] == SCIENCE
    return spectra.columns["target_id"][chosen], made.normalized_flux[chosen]


def test_a_simulated_set_is_the_science_targets_of_its_survey_with_every_fourth_anomaly():
    seen = []
    made = simulated_set(5, 400, lambda *now: seen.append(now))
    survey = SimulatedSurvey(5)
    ids, flux = expected_of(survey.spectra(survey.target_ids(400)))
    is_odd = survey.injected_types(ids) != ""
    assert is_odd.sum() >= 8
    is_there = np.isin(ids, made.target_ids)
    assert is_there[~is_odd].all()
    assert abs(is_there[is_odd].sum() - is_odd.sum() / 4) <= 1  # the gate may hold some back
    np.testing.assert_array_equal(made.target_ids, ids[is_there])
    np.testing.assert_array_equal(made.normalized_flux, flux[is_there])
    assert made.survey == f"simulated generator {survey.version} seed 5"
    assert made.grid == COMPATIBLE_GRID
    assert seen[-1][0] == seen[-1][1] < 400


@pytest.fixture
def coadd_with_faults(rng, tmp_path):
    parts = make_coadd(rng, 20)
    parts.fibermap["OBJTYPE"][3] = "SKY"
    parts.fibermap["COADD_FIBERSTATUS"][5] = 1 << 9
    parts.fibermap["TARGETID"][7] = -7
    for arm in ARMS:
        parts.ivar[arm][9] = 0
    return parts.write(tmp_path / "spectra" / "coadd-a.fits")


def test_a_set_of_files_leaves_out_sky_bad_fibers_and_empty_spectra(coadd_with_faults):
    made = files_set([coadd_with_faults])
    source = open_source(coadd_with_faults)
    ids, flux = expected_of(source.read(range(20)))
    left_out = {int(i) for i in source.target_ids[[3, 5, 7, 9]]}
    source.close()
    assert len(made.target_ids) == 16
    assert not left_out & {int(i) for i in made.target_ids}
    np.testing.assert_array_equal(made.target_ids, ids)
    np.testing.assert_array_equal(made.normalized_flux, flux)
    assert made.survey == "DESI"


def test_what_two_files_share_is_trained_on_once(rng, coadd_with_faults):
    ids = np.sort(files_set([coadd_with_faults]).target_ids)
    second = coadd_with_faults.with_name("coadd-b.fits")
    make_coadd(rng, 15, first_id=39627700000000010).write(second)
    both = files_set([coadd_with_faults.parent]).target_ids
    assert len(both) == len(np.unique(both))
    only_second = np.arange(39627700000000020, 39627700000000025)
    np.testing.assert_array_equal(np.sort(both), np.sort(np.concatenate([ids, only_second])))


def test_several_surveys_are_refused(rng, tmp_path):
    for place, simulated in enumerate((False, True)):
        parts = make_coadd(rng, 12, HPXPIXEL=9000 + place)
        if simulated:
            parts.header |= {"SIMULATD": True, "SIMVER": 1, "SIMSEED": "5"}
        parts.write(tmp_path / f"coadd-{place}.fits")
    with pytest.raises(InputError, match="one survey at a time, these are DESI, simulated"):
        files_set([tmp_path])


def test_too_few_science_targets_are_refused(rng, tmp_path):
    parts = make_coadd(rng, 20)
    parts.fibermap["OBJTYPE"][:11] = "SKY"
    with pytest.raises(InputError, match="only 9 science targets to train on"):
        files_set([parts.write(tmp_path / "coadd.fits")])
