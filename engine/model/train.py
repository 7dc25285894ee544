"""Training of the compatible autoencoder: mean squared error, Adam, best validation epoch kept."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .network import BigAE
from .patience import is_over
from .precision import mixed


@dataclass(frozen=True)
class TrainingPlan:
    """How to train.

    Parameters
    ----------
    epochs, batch_size, seed : int
        As the words say.
    learning_rate : float
        Peak of a one-cycle schedule.
    validation_share : float
        Share of the spectra held out to choose the best epoch.
    patience : int
        Epochs without a better validation loss that end the training: see `patience.is_over`.
        0 = all epochs are run.
    """

    epochs: int = 60
    batch_size: int = 512
    learning_rate: float = 2e-3
    validation_share: float = 0.1
    seed: int = 0
    patience: int = 0


@dataclass(frozen=True)
class TrainingResult:
    """What training gave.

    Parameters
    ----------
    network : BigAE
        In eval mode, with the weights of the best epoch.
    training_rows : (T,) int64
        Sorted rows of the spectra that were trained on; the others were held out for validation.
    training_losses, validation_losses : tuple of float
        Per epoch.
    best_epoch : int
        The epoch with the smallest validation loss, from 0.
    """

    network: BigAE
    training_rows: NDArray[np.int64]
    training_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int

    @property
    def best_losses(self) -> tuple[float, float]:
        """Return training and validation loss of the best epoch."""
        return self.training_losses[self.best_epoch], self.validation_losses[self.best_epoch]


def train_autoencoder(
    normalized_flux: NDArray[np.float32],
    plan: TrainingPlan,
    progress: Callable[[int, float], None] | None = None,
    device: torch.device | None = None,
) -> TrainingResult:
    """Train BigAE on N spectra; on a CPU the same seed gives the same weights.

    Parameters
    ----------
    normalized_flux : (N, B) float32
        Model input of science targets only.
    plan : TrainingPlan
        How to train.
    progress : callable, optional
        Called with (epoch, validation loss) after each epoch.
    device : torch.device, optional
        Where to train (default: the CPU); products are rounded to bfloat16 on CUDA.

    Returns
    -------
    TrainingResult
        Its network is on the CPU. Raises ValueError when there are fewer than ten spectra.
    """
    if len(normalized_flux) < 10:
        raise ValueError(f"training needs at least 10 spectra, got {len(normalized_flux)}")
    torch.manual_seed(plan.seed)
    order = torch.randperm(len(normalized_flux))
    n_validation = max(1, int(plan.validation_share * len(order)))
    device = device or torch.device("cpu")
    shuffled = torch.from_numpy(normalized_flux)[order].to(device)
    validation, training = shuffled[:n_validation], shuffled[n_validation:]
    network = BigAE(normalized_flux.shape[1]).to(device)
    epochs = _Epochs(network, plan, n_steps=-(-len(training) // plan.batch_size))
    best, best_epoch, best_state = np.inf, 0, network.state_dict()
    history: list[tuple[float, float]] = []
    for epoch in range(plan.epochs):
        loss = epochs.run(training)
        check = _validate(network, validation)
        history.append((loss, check))
        if check < best:
            best, best_epoch = check, epoch
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
        if progress is not None:
            progress(epoch, check)
        if is_over(history, plan.patience):
            break
    network.load_state_dict(best_state)
    rows = np.sort(order[n_validation:].numpy())
    return TrainingResult(network.cpu().eval(), rows, *zip(*history, strict=True), best_epoch)


class _Epochs:
    """One epoch after another with one optimizer and schedule."""

    def __init__(self, network: BigAE, plan: TrainingPlan, n_steps: int) -> None:
        self.network, self.plan = network, plan
        self.optimizer = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, plan.learning_rate, total_steps=plan.epochs * n_steps
        )

    def run(self, training: torch.Tensor) -> float:
        """Run one epoch and return its mean loss."""
        self.network.train()
        total = 0.0
        for rows in torch.randperm(len(training)).split(self.plan.batch_size):
            if len(rows) < 2:  # batch norm needs two
                continue
            batch = training[rows]
            loss = _loss(self.network, batch)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach()) * len(rows)
        return total / len(training)


def _validate(network: BigAE, validation: torch.Tensor) -> float:
    network.eval()
    with torch.inference_mode():
        return float(_loss(network, validation))


def _loss(network: BigAE, batch: torch.Tensor) -> torch.Tensor:
    with mixed(batch.device):
        made = network(batch)
    return nn.functional.mse_loss(made.float(), batch)
