"""Training of the noise-aware network: spectra made worse at the input, judged by their noise.

The loss of a bin is pseudo-Huber in the residual over its deviation, so that one unlabelled anomaly
in a hundred does no harm, plus the logarithm of the variance; noise and model error both count to
it. While the network is raw its model error is held at a constant.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .denoiser import Denoised, Denoiser
from .patience import is_over
from .precision import mixed
from .weighing import UNKNOWN, WeighedInput

_HUBER = 4.0
_FIRST_ERROR = 0.03
_LATENT_PENALTY = 1e-4
_N_HIDDEN = 3
# A hidden stretch has 2 bins at least and a twelfth of all at most.
_HIDDEN_PART = 12


@dataclass(frozen=True)
class DenoiserPlan:
    """How to train.

    Parameters
    ----------
    epochs, batch_size, seed : int
        As the words say.
    learning_rate, weight_decay : float
        Of AdamW; the rate is the peak of a one-cycle schedule.
    validation_share : float
        Share of the spectra held out to choose the best epoch.
    warm_up : float
        Share of the epochs with a constant model error.
    noisy_share, hidden_share : float
        Share of the spectra that get more noise, and of those that have stretches hidden.
    patience : int
        Epochs after the warm-up without a better validation loss that end the training: see
        `patience.is_over`. 0 = all epochs are run.
    """

    epochs: int = 40
    batch_size: int = 256
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-4
    validation_share: float = 0.05
    warm_up: float = 0.35
    noisy_share: float = 0.5
    hidden_share: float = 0.7
    seed: int = 0
    patience: int = 0

    @property
    def n_warm(self) -> int:
        """Return how many epochs are warm-up."""
        return min(int(self.warm_up * self.epochs), self.epochs - 1)


@dataclass(frozen=True)
class DenoiserResult:
    """What training gave.

    Parameters
    ----------
    network : Denoiser
        In eval mode, with the weights of the best epoch after the warm-up.
    training_rows : (T,) int64
        Sorted rows that were trained on; the others were held out.
    training_losses, validation_losses : tuple of float
        Mean loss a bin, per epoch; that of training with the penalty on the latents.
    best_epoch : int
        From 0.
    """

    network: Denoiser
    training_rows: NDArray[np.int64]
    training_losses: tuple[float, ...]
    validation_losses: tuple[float, ...]
    best_epoch: int


def train_denoiser(
    spectra: WeighedInput,
    sampling: NDArray[np.floating],
    plan: DenoiserPlan,
    progress: Callable[[int, float], None] | None = None,
    device: torch.device | None = None,
) -> DenoiserResult:
    """Train on N spectra; on a CPU the same seed gives the same weights.

    Parameters
    ----------
    spectra : WeighedInput
        Of N spectra.
    sampling : (N,) array
        How often each is drawn, relative to the others.
    plan : DenoiserPlan
        How to train.
    progress : callable, optional
        Called with (epoch, validation loss) after each epoch.
    device : torch.device, optional
        Where to train (default: the CPU); products are rounded to bfloat16 on CUDA.

    Returns
    -------
    DenoiserResult
        On the CPU. Raises ValueError when there are fewer than ten spectra with data, and when the
        loss was never a number.
    """
    with_data = np.flatnonzero(spectra.is_known.any(axis=1))
    if len(with_data) < 10:
        raise ValueError(f"training needs at least 10 spectra with data, got {len(with_data)}")
    torch.manual_seed(plan.seed)
    order = with_data[torch.randperm(len(with_data)).numpy()]
    n_held = max(1, int(plan.validation_share * len(order)))
    rows = np.sort(order[n_held:])
    device = device or torch.device("cpu")
    held = _tensors(spectra.take(np.sort(order[:n_held])), device)
    run = _Run(_tensors(spectra.take(rows), device), np.asarray(sampling)[rows], plan)
    best, best_epoch, best_state = math.inf, -1, {}
    history: list[tuple[float, float]] = []
    for epoch in range(plan.epochs):
        history.append((run.epoch(epoch), run.validate(held)))
        check = history[-1][1]
        if check < best and not run.is_warming(epoch):
            best, best_epoch = check, epoch
            best_state = {name: value.clone() for name, value in run.network.state_dict().items()}
        if progress is not None:
            progress(epoch, check)
        if is_over(history, plan.patience, plan.n_warm):
            break
    if best_epoch < 0:
        raise ValueError("training failed: the loss is not a number; lower the learning rate")
    run.network.load_state_dict(best_state)
    network = run.network.cpu().eval()
    return DenoiserResult(network, rows, *zip(*history, strict=True), best_epoch)


def bin_losses(denoised: Denoised, flux: Tensor, variance: Tensor) -> Tensor:
    """Return the loss of each bin, (N, B), of flux with its variance, each (N, B)."""
    total = variance + denoised.log_variance.exp()
    return _huber((flux - denoised.mean) ** 2 / total) + total.log()


def _huber(squares: Tensor) -> Tensor:
    return 2 * _HUBER**2 * ((1 + squares / _HUBER**2).sqrt() - 1)


def _tensors(spectra: WeighedInput, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(spectra.flux).to(device), torch.from_numpy(spectra.variance).to(device)


class _Run:
    """One epoch after another with one optimizer and schedule."""

    def __init__(
        self, spectra: tuple[Tensor, Tensor], sampling: NDArray[np.floating], plan: DenoiserPlan
    ) -> None:
        self.plan = plan
        self._flux, self._variance = spectra
        self._sampling = torch.from_numpy(np.asarray(sampling, np.float64))
        n_steps = -(-len(self._flux) // plan.batch_size)
        self.network = Denoiser(self._flux.shape[1]).to(self._flux.device)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), plan.learning_rate, weight_decay=plan.weight_decay
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, plan.learning_rate, total_steps=plan.epochs * n_steps
        )

    def is_warming(self, epoch: int) -> bool:
        """Return whether the model error is still held at a constant."""
        return epoch < self.plan.n_warm

    def epoch(self, number: int) -> float:
        """Run one epoch and return its mean loss a bin."""
        self.network.train()
        n, total = len(self._flux), 0.0
        drawn = torch.multinomial(self._sampling, n, replacement=True)
        for rows in drawn.split(self.plan.batch_size):
            loss = self._loss(rows, self.is_warming(number))
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self._optimizer.step()
            self._schedule.step()
            total += float(loss.detach()) * len(rows)
        return total / n

    def validate(self, held: tuple[Tensor, Tensor]) -> float:
        """Return the mean loss a known bin of spectra that were held out, as they are."""
        self.network.eval()
        with torch.inference_mode():
            losses = bin_losses(_denoise(self.network, *held), *held)
            known = held[1] < UNKNOWN
            return float(losses[known].mean())

    def _loss(self, rows: Tensor, is_warming: bool) -> Tensor:
        flux, variance = self._flux[rows], self._variance[rows]
        known = variance < UNKNOWN
        denoised = _denoise(self.network, *_worsen(flux, variance, self.plan))
        if is_warming:
            squares = (flux - denoised.mean) ** 2 / (variance + _FIRST_ERROR**2)
            losses = _huber(squares)
        else:
            losses = bin_losses(denoised, flux, variance)
        penalty = _LATENT_PENALTY * (denoised.latents**2).mean()
        return losses[known].mean() + penalty


def _denoise(network: Denoiser, flux: Tensor, variance: Tensor) -> Denoised:
    """Return what the network makes of spectra, in float32 whatever its products are in."""
    with mixed(flux.device):
        made = network(flux, variance)
    return Denoised(*(each.float() for each in made))


def _worsen(flux: Tensor, variance: Tensor, plan: DenoiserPlan) -> tuple[Tensor, Tensor]:
    """Return flux and variance with more noise in some spectra and stretches hidden in some."""
    (n, n_bins), at = flux.shape, flux.device
    more = (3 * torch.rand(n, 1, device=at)) ** 2
    more *= torch.rand(n, 1, device=at) < plan.noisy_share
    known = variance < UNKNOWN
    noise = torch.randn(n, n_bins, device=at) * (more * variance).sqrt() * known
    start = torch.randint(0, n_bins, (n, _N_HIDDEN, 1), device=at)
    length = torch.randint(2, max(3, n_bins // _HIDDEN_PART), (n, _N_HIDDEN, 1), device=at)
    places = torch.arange(n_bins, device=at)
    hidden = ((places >= start) & (places < start + length)).any(dim=1)
    hidden &= torch.rand(n, 1, device=at) < plan.hidden_share
    worse = (variance * (1 + more)).clamp(max=float(UNKNOWN))
    return (flux + noise).masked_fill(hidden, 0.0), worse.masked_fill(hidden, float(UNKNOWN))
