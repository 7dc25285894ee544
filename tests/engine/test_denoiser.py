"""The noise-aware network learns, is repeatable, and does not look at what is unknown."""

import numpy as np
import pytest
import torch

from anomaly_explorer.engine.model.denoiser import LOG_VARIANCE_LIMITS, Denoiser
from anomaly_explorer.engine.model.train_denoiser import DenoiserPlan, bin_losses, train_denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput

PLAN = DenoiserPlan(epochs=12, batch_size=64, seed=3)


def make_spectra(rng, n=600, n_bins=60):
    """Sums of two shapes, with noise that is known and one bin in twenty that is not."""
    places = np.linspace(0, 1, n_bins)
    shapes = np.stack([1 + places, np.exp(-0.5 * ((places - 0.5) / 0.1) ** 2)])
    truth = rng.uniform(0.3, 1.5, (n, 2)) @ shapes
    variance = rng.uniform(0.002, 0.2, (n, 1)) * np.ones((n, n_bins))
    flux = truth + rng.normal(size=truth.shape) * np.sqrt(variance)
    unknown = rng.random((n, n_bins)) < 0.05
    flux[unknown], variance[unknown] = 0, UNKNOWN
    made = WeighedInput(flux.astype("f4"), variance.astype("f4"), np.ones(n, "f4"))
    return made, truth


@pytest.fixture(scope="module")
def trained():
    spectra, truth = make_spectra(np.random.default_rng(0))
    return train_denoiser(spectra, np.ones(len(spectra)), PLAN), spectra, truth


def test_it_denoises_and_its_loss_falls(trained):
    result, spectra, truth = trained
    with torch.inference_mode():
        made = result.network(torch.from_numpy(spectra.flux), torch.from_numpy(spectra.variance))
    known = spectra.is_known
    left = np.square(made.mean.numpy() - truth)[known].mean()
    noise = np.square(spectra.flux - truth)[known].mean()
    assert left < noise / 4
    assert result.training_losses[-1] < result.training_losses[0]
    assert result.best_epoch >= int(PLAN.warm_up * PLAN.epochs)
    assert len(result.training_rows) == 570


def test_the_same_seed_gives_the_same_weights():
    spectra, _ = make_spectra(np.random.default_rng(1), 120)
    plan = DenoiserPlan(epochs=2, batch_size=32, seed=5)
    first, second = (train_denoiser(spectra, np.ones(120), plan).network for _ in range(2))
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name


def test_spectra_that_are_never_drawn_teach_nothing():
    spectra, _ = make_spectra(np.random.default_rng(2), 200)
    poisoned = WeighedInput(spectra.flux.copy(), spectra.variance, spectra.amplitude)
    poisoned.flux[100:] = 50
    sampling = np.r_[np.ones(100), np.zeros(100)]
    plan = DenoiserPlan(epochs=2, batch_size=32)
    first, second = (train_denoiser(s, sampling, plan).training_losses for s in (spectra, poisoned))
    assert first == second


def test_unknown_bins_do_not_reach_the_latents():
    network = Denoiser(60).eval()
    variance = torch.full((1, 60), 0.01)
    variance[0, :30] = float(UNKNOWN)
    some, other = torch.ones(1, 60), torch.ones(1, 60)
    other[0, :30] = 5
    with torch.inference_mode():
        torch.testing.assert_close(
            network.encode(some, variance), network.encode(other, variance), rtol=0, atol=1e-5
        )


def test_the_model_error_stays_in_its_limits_and_counts_to_the_loss():
    network = Denoiser(60).eval()
    with torch.inference_mode():
        _, log_variance = network.decode(1e6 * torch.randn(50, 128))
        assert log_variance.min() >= LOG_VARIANCE_LIMITS[0]
        assert log_variance.max() <= LOG_VARIANCE_LIMITS[1]
        made = network(torch.zeros(1, 60), torch.full((1, 60), 0.04))
        losses = bin_losses(made, made.mean, torch.full((1, 60), 0.04))
    expected = np.log(0.04 + np.exp(-6.0))
    np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-5)


def test_spectra_without_data_are_left_out_and_do_no_harm():
    spectra, _ = make_spectra(np.random.default_rng(2), 64)
    flux, variance = spectra.flux.copy(), spectra.variance.copy()
    flux[::2], variance[::2] = 0, UNKNOWN
    plan = DenoiserPlan(epochs=2, batch_size=1, warm_up=1.0)
    result = train_denoiser(WeighedInput(flux, variance, spectra.amplitude), np.ones(64), plan)
    assert (result.training_rows % 2 == 1).all()
    assert np.isfinite(result.validation_losses).all()
    assert result.best_epoch == 1


def test_too_few_spectra_are_refused():
    spectra, _ = make_spectra(np.random.default_rng(2), 9)
    with pytest.raises(ValueError, match="at least 10 spectra with data, got 9"):
        train_denoiser(spectra, np.ones(9), PLAN)
