"""A network that reads one number out of latents as chances of many values, not as one value.

Where latents leave two answers open, such as two lines that one bump may be, the mean of both is
neither; the likelier of the two is right more often than not.
"""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

_HIDDEN = (1024, 512)
_N_VALUES = 300
# Deviation of the chances that are learned around the true value, in values.
_BLUR = 1.5
# So many values on either side of the likeliest stretch are one answer.
_REACH = 70
_RATE, _DECAY, _BATCH = 2e-3, 1e-2, 512


class Readout:
    """Learns a number, (N,), from rows of D numbers, (N, D); of one seed always the same.

    Parameters
    ----------
    seed : int
    n_epochs : int
        Rounds of training.
    """

    def __init__(self, seed: int, n_epochs: int = 20) -> None:
        self._seed, self._n_epochs = seed, n_epochs

    def fit(self, inputs: NDArray[np.floating], targets: NDArray[np.floating]) -> "Readout":
        """Learn (N,) from (N, D)."""
        self._mean, self._scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
        self._values = torch.linspace(float(targets.min()), float(targets.max()), _N_VALUES)
        x = self._scaled(inputs)
        y = torch.from_numpy(np.asarray(targets, np.float32))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed)
            self._network = _network(x.shape[1])
            self._train(x, y)
        return self

    def predict(self, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (N,) for (N, D): the mean over the likeliest stretch of values."""
        x = self._scaled(inputs)
        with torch.inference_mode():
            return torch.cat([self._answer(part) for part in x.split(4096)]).double().numpy()

    def _scaled(self, inputs: NDArray[np.floating]) -> Tensor:
        return torch.from_numpy(((inputs - self._mean) / self._scale).astype(np.float32))

    def _train(self, x: Tensor, y: Tensor) -> None:
        n_steps = -(-len(x) // _BATCH) * self._n_epochs
        optimizer = torch.optim.AdamW(self._network.parameters(), _RATE, weight_decay=_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=n_steps)
        for _ in range(self._n_epochs):
            for rows in torch.randperm(len(x)).split(_BATCH):
                chances = torch.log_softmax(self._network(x[rows]), dim=1)
                loss = -(self._wanted(y[rows]) * chances).sum(dim=1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()

    def _wanted(self, y: Tensor) -> Tensor:
        """Return the chances, (n, V), that (n,) true values ask for."""
        step = self._values[1] - self._values[0] + 1e-12
        blurred = torch.exp(-0.5 * ((self._values - y[:, None]) / (_BLUR * step)) ** 2)
        return blurred / blurred.sum(dim=1, keepdim=True)

    def _answer(self, x: Tensor) -> Tensor:
        chances = torch.softmax(self._network(x), dim=1)
        window = 2 * _REACH + 1
        near = nn.functional.avg_pool1d(chances[:, None], window, 1, _REACH)[:, 0]
        offsets = torch.arange(_N_VALUES) - near.argmax(dim=1, keepdim=True)
        kept = chances * (offsets.abs() <= _REACH)
        return (kept * self._values).sum(dim=1) / kept.sum(dim=1)


def _network(n_inputs: int) -> nn.Sequential:
    sizes = (n_inputs, *_HIDDEN)
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.GELU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], _N_VALUES))
