"""One reconstructor for many threads: same answers in any company, and a way out of memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.model import reconstructor as module
from anomaly_explorer.engine.model.network import BigAE
from anomaly_explorer.engine.model.reconstructor import Reconstructor
from anomaly_explorer.engine.model.weights import ModelCard, TrainedModel

from .spectra_maker import make_batch

CARD = ModelCard("test", "0" * 64, 16, "compatible-1", "none", 0)


@pytest.fixture
def reconstructor():
    torch.manual_seed(0)
    model = TrainedModel(BigAE(496).eval(), CARD, np.empty(0, np.int64))
    made = Reconstructor(model, torch.device("cpu"))
    yield made
    made.close()


def test_many_threads_get_their_own_answers(reconstructor, rng):
    batch = make_batch(rng, 60)
    together = reconstructor.reconstruct(batch)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: reconstructor.reconstruct(batch.take([i])), range(60)))
    for i, answer in enumerate(answers):
        np.testing.assert_allclose(answer.scores.score_mse[0], together.scores.score_mse[i], 1e-5)
        np.testing.assert_allclose(answer.latents[0], together.latents[i], atol=1e-5)


def test_residual_is_nan_where_nothing_is_covered(reconstructor, rng):
    answer = reconstructor.reconstruct(make_batch(rng, 3, uncovered=0.5))
    covered = answer.model_input.is_covered
    assert np.isnan(answer.residual[~covered]).all()
    expected = np.nanmean(np.square(answer.residual.astype(np.float64)), axis=1)
    np.testing.assert_allclose(answer.scores.score_mse, expected, rtol=1e-5)


def test_out_of_memory_moves_the_model_to_the_cpu(reconstructor, rng, monkeypatch):
    batch = make_batch(rng, 2)
    expected = reconstructor.reconstruct(batch).scores.score_mse
    forward, calls = module.forward_blocks, []

    def short_of_memory(network, flux, device):
        calls.append(device)
        if len(calls) == 1:
            raise torch.OutOfMemoryError
        return forward(network, flux, device)

    monkeypatch.setattr(module, "forward_blocks", short_of_memory)
    np.testing.assert_array_equal(reconstructor.reconstruct(batch).scores.score_mse, expected)
    assert len(calls) == 2
    assert "ran out of memory" in reconstructor.device


def test_other_errors_reach_the_asking_thread_and_the_worker_lives_on(
    reconstructor, rng, monkeypatch
):
    batch = make_batch(rng, 1)
    with monkeypatch.context() as broken:
        broken.setattr(module, "forward_blocks", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            reconstructor.reconstruct(batch)
    assert np.isfinite(reconstructor.reconstruct(batch).scores.score_mse).all()


def test_nobody_waits_for_one_that_is_closed(rng):
    """Whoever asks while it closes is answered or told so: a server must come to its end."""
    batch = make_batch(rng, 1)
    for _ in range(20):
        closing = Reconstructor(
            TrainedModel(BigAE(496).eval(), CARD, np.empty(0, np.int64)), torch.device("cpu")
        )
        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(closing.reconstruct, batch) for _ in range(8)]
            closing.close()
            for each in asked:
                error = each.exception(timeout=60)
                assert error is None or "no longer at hand" in str(error)
        with pytest.raises(ExplorerError, match="no longer at hand"):
            closing.decode(np.zeros((1, 128), np.float32))
