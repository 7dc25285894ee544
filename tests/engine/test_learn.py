"""The recipe that `train` and the benchmark share, and when training stops."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard import cli
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model import precision
from anomaly_explorer.engine.model.patience import is_over
from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan, train_denoiser
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.lessons import file_lessons, simulated_lessons
from anomaly_explorer.engine.scoring.measurer_file import load_measurer
from anomaly_explorer.engine.scoring.sampling import training_shares
from anomaly_explorer.engine.simulation.identity import SCIENCE, SKY
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.simulation.write import write_survey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from tests.engine.measurer_maker import some_spectra
from tests.engine.survey_files import make_coadd

losses = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


@given(losses, st.integers(1, 8), st.integers(0, 6))
def test_training_is_over_when_the_best_epoch_is_too_long_ago(checks, patience, first):
    history = [(0.0, check) for check in checks]
    counted = checks[first:]
    best = counted.index(min(counted)) if counted else 0  # as good again is no better
    too_long = len(counted) > patience and len(counted) - 1 - best >= patience
    assert is_over(history, patience, first) == too_long
    assert not is_over(history, 0, first)


def test_patience_counts_after_the_warm_up_only():
    spectra, _ = some_spectra(300)
    plan = DenoiserPlan(epochs=14, batch_size=64, learning_rate=0.0, patience=2)  # learns nothing
    result = train_denoiser(spectra, np.ones(300), plan)
    assert len(result.validation_losses) == plan.n_warm + 1 + 2 < 14
    patient = DenoiserPlan(epochs=14, batch_size=64, learning_rate=0.0)
    assert len(train_denoiser(spectra, np.ones(300), patient).validation_losses) == 14


def test_rounded_products_teach_nearly_the_same(monkeypatch):
    """Mixed precision is for CUDA; the same code runs on a CPU when it is told to."""
    spectra, _ = some_spectra(200)
    plan = DenoiserPlan(epochs=3, batch_size=64)
    exact = train_denoiser(spectra, np.ones(200), plan)
    monkeypatch.setattr(precision, "is_mixed", lambda device: True)
    coarse = train_denoiser(spectra, np.ones(200), plan)
    assert coarse.training_losses != exact.training_losses
    np.testing.assert_allclose(coarse.training_losses, exact.training_losses, rtol=0.1)
    assert {v.dtype for v in coarse.network.state_dict().values()} == {torch.float32}


def test_lessons_are_science_targets_and_sky_fibers():
    lessons = simulated_lessons(5, 400)
    survey = SimulatedSurvey(5)
    ids = survey.target_ids(400)
    uses = dict(zip(ids.tolist(), survey.fiber_uses(ids).tolist(), strict=True))
    assert {uses[i] for i in lessons.target_ids.tolist()} == {SCIENCE}
    assert len(lessons.known) == len(lessons.spectra) == len(lessons.target_ids) > 300
    assert (
        0.8 * (survey.fiber_uses(ids) == SKY).sum()
        < len(lessons.sky)
        <= sum(use == SKY for use in uses.values())
    )
    # Sky fibers have no light of their own.
    ratio = np.abs(lessons.sky.flux / np.sqrt(lessons.sky.variance))
    assert np.median(ratio) < 2
    assert lessons.survey == f"simulated generator {survey.version} seed 5"


def test_files_without_classes_teach_nothing(rng, tmp_path):
    with pytest.raises(InputError, match="only 0 science targets with a class"):
        file_lessons([make_coadd(rng, 20).write(tmp_path / "coadd.fits")])


def test_a_file_without_redshifts_takes_the_classes_of_no_other(tmp_path):
    write_survey(tmp_path / "spectra", 700, SimulatedSurvey(3))
    redrock = sorted((tmp_path / "spectra").rglob("redrock-*.fits"))
    assert len(redrock) > 1
    whole = file_lessons([tmp_path / "spectra"])
    redrock[0].unlink()
    lessons = file_lessons([tmp_path / "spectra"])
    assert set(lessons.known.classes) == {"GALAXY", "QSO", "STAR"}
    assert 0 < len(lessons.known) < len(whole.known)
    assert np.isfinite(lessons.known.redshift).all()


def test_spectra_of_no_class_that_is_drawn_teach_nothing():
    known = Known(np.array(["galaxy", ""]), np.zeros(2), np.array(["", ""]))
    with pytest.raises(InputError, match="none of 2 spectra is of class GALAXY, QSO, STAR"):
        training_shares(known, 5)


def test_the_command_keeps_a_measurer_and_says_what_it_lacks(tmp_path, capsys):
    spectra, out = tmp_path / "spectra", tmp_path / "own.safetensors"
    assert cli.main(["simulate", str(spectra), "--objects", "700", "--seed", "3"]) == 0
    command = ["train", "--network", "denoiser", "--out", str(out), "--epochs", "2", str(spectra)]
    assert cli.main(command) == 0
    said = capsys.readouterr().out
    assert "epoch 2 of 2: validation loss" in said
    assert "has no modes" in said
    made = load_measurer(out)
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["training_survey"] == "simulated generator 2 seed 3"
    assert card["n_training"] == len(made.training_ids)
    lessons = file_lessons([spectra])
    assert set(made.training_ids.tolist()) < set(lessons.target_ids.tolist())
    # A quarter is held back for the modes, a twentieth of the rest for validation.
    assert len(made.training_ids) == pytest.approx(0.75 * 0.95 * len(lessons.target_ids), rel=0.02)
    assert len(card["training"]["validation_losses"]) == 2
    weights = made.measurer.network.state_dict().values()
    assert all(torch.equal(v, v.half().float()) for v in weights)
    assert made.measurer.sky.shape[1] == COMPATIBLE_GRID.n_bins
