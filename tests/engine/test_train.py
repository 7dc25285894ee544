"""Training learns, and the same seed gives the same weights."""

import numpy as np
import pytest
import torch

from anomaly_explorer.dashboard import cli
from anomaly_explorer.engine.model.train import TrainingPlan, train_autoencoder
from anomaly_explorer.engine.model.training_set import simulated_set
from anomaly_explorer.engine.model.weights import load_model

PLAN = TrainingPlan(epochs=6, batch_size=64, seed=4)


def family(rng, n):
    x = np.linspace(0, 6, 496)
    return (1 + np.sin(x * rng.uniform(1, 2, (n, 1)))).astype(np.float32)


def test_training_lowers_the_loss_and_is_reproducible(rng):
    spectra = family(rng, 400)
    first = train_autoencoder(spectra, PLAN)
    again = train_autoencoder(spectra, PLAN)
    assert min(first.validation_losses) < 0.2 * spectra.var()
    assert first.validation_losses == again.validation_losses
    for name, value in first.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], value)
    assert not first.network.training


def test_the_rows_trained_on_are_told_from_those_held_out(rng):
    spectra = family(rng, 100)
    first = train_autoencoder(spectra, PLAN)
    rows = first.training_rows
    assert len(rows) == 90
    assert (np.diff(rows) > 0).all()
    held_out = np.setdiff1d(np.arange(100), rows)
    assert len(held_out) == 10
    with torch.inference_mode():
        made = first.network(torch.from_numpy(spectra[held_out])).numpy()
    loss = np.square(made - spectra[held_out]).mean()
    assert first.best_losses[1] == pytest.approx(float(loss), rel=1e-4)


def test_the_best_losses_are_those_of_the_epoch_that_is_kept(rng):
    result = train_autoencoder(family(rng, 100), PLAN)
    best = int(np.argmin(result.validation_losses))
    assert result.best_epoch == best
    assert result.best_losses == (result.training_losses[best], result.validation_losses[best])


def test_a_last_batch_of_one_is_no_trouble(rng):
    n_training = 64 + 1
    spectra = family(rng, round(n_training / 0.9) + 1)
    plan = TrainingPlan(epochs=1, batch_size=64, validation_share=1 - 65 / len(spectra))
    assert len(train_autoencoder(spectra, plan).training_losses) == 1


def test_too_few_spectra_are_refused(rng):
    with pytest.raises(ValueError, match="at least 10"):
        train_autoencoder(family(rng, 9), PLAN)


def test_only_what_was_trained_on_goes_to_the_card(tmp_path):
    out = tmp_path / "w.safetensors"
    assert (
        cli.main(["train", "--out", str(out), "--objects", "60", "--epochs", "2", "--seed", "7"])
        == 0
    )
    model, chosen = load_model(out), simulated_set(7, 60)
    n_held_out = int(0.1 * len(chosen.target_ids))
    assert n_held_out > 0
    assert model.card.n_training == len(model.training_ids) == len(chosen.target_ids) - n_held_out
    assert set(model.training_ids.tolist()) < set(chosen.target_ids.tolist())
    assert model.card.training["best_epoch"] in (1, 2)
