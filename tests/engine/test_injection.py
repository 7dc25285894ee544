"""What the injected anomalies do to spectra and labels, and how the drifted generator differs."""

import numpy as np
import pytest

from anomaly_explorer.engine.simulation.survey import DRIFTED_VERSION, SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS, Arm

SURVEY = SimulatedSurvey(seed=42)


@pytest.fixture(scope="module")
def truth():
    return SURVEY.truth(SURVEY.target_ids(20_000))


def of_type(truth, name):
    return {key: values[truth["injected_type"] == name] for key, values in truth.items()}


def test_a_wrong_redshift_is_only_in_the_label(truth):
    chosen = of_type(truth, "wrong_redshift")
    columns = SURVEY.spectra(chosen["target_id"]).columns
    away = np.abs(columns["redshift"] - chosen["redshift"]) / (1 + chosen["redshift"])
    assert (away > 0.015).all()
    assert (columns["redshift_warning"] == 0).all()
    assert (columns["redshift"] > 0).all()


def test_an_amplifier_steps_in_half_of_one_arm(truth):
    """The mean of an arm's halves, by its noise, is off in one of six by 0.25 sigma or more."""
    chosen = of_type(truth, "amplifier_step")
    faint = chosen["target_id"][chosen["flux"] < 1]  # structure of bright ones is larger than it
    models, sigmas = SURVEY.noiseless(faint)
    steps = []
    for arm in ARMS:
        n, middle = arm.n_pixels // 2, sigmas[arm][:, arm.n_pixels // 2]
        jump = models[arm][:, n : n + 30].mean(axis=1) - models[arm][:, n - 30 : n].mean(axis=1)
        steps.append(np.abs(jump) / middle)
    assert len(faint) >= 10
    # The continuum of these is smoother than that over 48 Å.
    assert np.median(np.max(steps, axis=0)) > 0.5
    assert np.median(np.median(steps, axis=0)) < 0.25


def test_telluric_bands_are_where_the_air_absorbs(truth):
    chosen = of_type(truth, "telluric")
    models, _ = SURVEY.noiseless(chosen["target_id"])
    wave, flux = Arm.NIR.wavelength, models[Arm.NIR]
    head = flux[:, (wave > 7605) & (wave < 7640)].mean(axis=1)
    outside = flux[:, (wave > 7705) & (wave < 7740)].mean(axis=1)
    away = np.abs(np.log(head / outside))
    assert np.median(away[np.isfinite(away)]) > 0.1


def test_primitive_galaxies_have_strong_lines_and_no_nitrogen(truth):
    chosen = of_type(truth, "low_metallicity")
    near = chosen["redshift"] < 0.4  # [N II] is in the arms
    models, _ = SURVEY.noiseless(chosen["target_id"][near])
    for row, z in enumerate(chosen["redshift"][near]):
        flux = {rest: _peak(models, row, rest * (1 + z)) for rest in (5008.24, 4862.68, 6585.27)}
        assert flux[5008.24] > 3 * flux[4862.68] > 9 * max(flux[6585.27], 0)


def _peak(models, row, at):
    arm = max(ARMS, key=lambda arm: min(at - arm.wavelength[0], arm.wavelength[-1] - at))
    wave, flux = arm.wavelength, models[arm][row]
    return flux[np.abs(wave - at) < 1].max() - np.median(flux[np.abs(np.abs(wave - at) - 30) < 9])


def test_red_quasars_are_redder_than_others(truth):
    reds = []
    for chosen in (of_type(truth, "red_quasar"), of_type(truth, "arm_offset")):
        rows = chosen["class"] == "QSO"
        models, _ = SURVEY.noiseless(chosen["target_id"][rows])
        reds.append(np.median(models[Arm.NIR].mean(axis=1) / models[Arm.BLUE].mean(axis=1)))
    assert reds[0] > 2 * reds[1]


def test_the_drifted_generator_underestimates_its_noise():
    drifted = SimulatedSurvey(42, DRIFTED_VERSION)
    ids = drifted.target_ids(400)
    batch, (models, sigmas) = drifted.spectra(ids), drifted.noiseless(ids)
    good = batch.good(Arm.RED)
    pull = (batch.flux[Arm.RED] - models[Arm.RED])[good] * np.sqrt(batch.ivar[Arm.RED][good])
    assert pull.std() == pytest.approx(1.2, abs=0.01)
    truly = (batch.flux[Arm.RED] - models[Arm.RED])[good] / sigmas[Arm.RED][good]
    assert truly.std() == pytest.approx(1.0, abs=0.01)
