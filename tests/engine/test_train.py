"""Training learns, and the same seed gives the same weights."""

import numpy as np
import pytest
import torch

from anomaly_explorer.engine.model.train import TrainingPlan, train_autoencoder

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


def test_a_last_batch_of_one_is_no_trouble(rng):
    n_training = 64 + 1
    spectra = family(rng, round(n_training / 0.9) + 1)
    plan = TrainingPlan(epochs=1, batch_size=64, validation_share=1 - 65 / len(spectra))
    assert len(train_autoencoder(spectra, plan).training_losses) == 1


def test_too_few_spectra_are_refused(rng):
    with pytest.raises(ValueError, match="at least 10"):
        train_autoencoder(family(rng, 9), PLAN)
