"""The noise-aware network: a denoising autoencoder that says how far its own model may be off.

Input are asinh(flux × gain) and the gain itself, where gain = 1 / (1 + variance) is small where the
noise is large; output are a mean and the variance of the model for each bin. 1.35 million weights.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from anomaly_explorer.engine.catalog.schema import N_LATENTS

LOG_VARIANCE_LIMITS = (-9.0, 3.0)
_FIRST_LOG_VARIANCE = -6.0


class Denoised(NamedTuple):
    """What the network makes of N spectra.

    Parameters
    ----------
    mean : (N, B) tensor
        Flux without noise, in units of the input.
    log_variance : (N, B) tensor
        Natural logarithm of the variance of the model's error.
    latents : (N, 128) tensor
    """

    mean: Tensor
    log_variance: Tensor
    latents: Tensor


class Denoiser(nn.Module):
    """Autoencoder from B bins and their variances to 128 latents and back.

    Parameters
    ----------
    n_bins : int
        Bins B of the grid.

    Examples
    --------
    >>> sum(p.numel() for p in Denoiser(496).parameters())
    1346144
    """

    def __init__(self, n_bins: int) -> None:
        super().__init__()
        self.n_bins = n_bins
        self.enc = nn.Sequential(
            nn.Linear(2 * n_bins, 512), nn.GELU(), nn.Linear(512, 256), nn.GELU(),
            nn.Linear(256, N_LATENTS),
        )  # fmt: skip
        self.dec = nn.Sequential(
            nn.Linear(N_LATENTS, 256), nn.GELU(), nn.Linear(256, 512), nn.GELU()
        )
        self.mean = nn.Linear(512, n_bins)
        self.log_variance = nn.Linear(512, n_bins)
        nn.init.zeros_(self.log_variance.weight)
        nn.init.constant_(self.log_variance.bias, _FIRST_LOG_VARIANCE)

    def encode(self, flux: Tensor, variance: Tensor) -> Tensor:
        """Return the latents, (N, 128), of flux and its variance, each (N, B)."""
        gain = 1 / (1 + variance)
        return self.enc(torch.cat([torch.asinh(flux * gain), gain], dim=1))

    def decode(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of the model, each (N, B), of latents (N, 128)."""
        hidden = self.dec(latents)
        return self.mean(hidden), self.log_variance(hidden).clamp(*LOG_VARIANCE_LIMITS)

    def forward(self, flux: Tensor, variance: Tensor) -> Denoised:
        """Return what the network makes of flux and its variance, each (N, B)."""
        latents = self.encode(flux, variance)
        return Denoised(*self.decode(latents), latents)
