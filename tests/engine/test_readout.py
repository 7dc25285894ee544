import numpy as np
import pytest

from anomaly_explorer.engine.insights.readout import Readout


@pytest.fixture
def curved(rng):
    """A number that bends through eight others, with a little noise."""
    inputs = rng.normal(size=(4000, 8)).astype(np.float32)
    return inputs, np.tanh(inputs[:, 0]) + 0.3 * inputs[:, 1] ** 2


def test_a_bent_number_is_read_out(curved):
    inputs, targets = curved
    read = Readout(0, 10).fit(inputs[:3200], targets[:3200]).predict(inputs[3200:])
    wrong = np.abs(read - targets[3200:])
    straight = np.c_[inputs, np.ones(len(inputs))]
    line = np.linalg.lstsq(straight[:3200], targets[:3200], rcond=None)[0]
    assert np.median(wrong) < 0.4 * np.median(np.abs(straight[3200:] @ line - targets[3200:]))


def test_of_two_answers_it_gives_the_likelier_and_not_their_mean(rng):
    inputs = rng.normal(size=(4000, 3)).astype(np.float32)
    targets = np.where(rng.random(4000) < 0.7, 0.0, 1.0)
    read = Readout(0, 4).fit(inputs, targets).predict(inputs[:200])
    assert np.abs(read).max() < 0.1  # the mean is 0.3


def test_the_same_seed_learns_the_same_and_leaves_the_world_as_it_was(curved):
    import torch

    inputs, targets = curved[0][:600], curved[1][:600]
    torch.manual_seed(3)
    before = torch.get_rng_state()
    one, two = (Readout(4, 2).fit(inputs, targets).predict(inputs) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert torch.equal(torch.get_rng_state(), before)
    assert not np.array_equal(one, Readout(5, 2).fit(inputs, targets).predict(inputs))
    assert one.min() >= targets.min() - 1e-5
    assert one.max() <= targets.max() + 1e-5
