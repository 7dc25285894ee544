"""BigAE, the fully connected autoencoder of the published catalog.

496-512-256-128-128 and back, batch norm, ReLU, dropout 0.15 / 0.10: 873,840 trainable parameters.
Layer order and the `enc.` / `dec.` names follow the published code (section 1.1 there), so that
published weights load as they are once converted to safetensors.
"""

import torch
from torch import Tensor, nn

from anomaly_explorer.engine.catalog.schema import N_LATENTS


class BigAE(nn.Module):
    """Autoencoder from B bins to 128 latents and back.

    Parameters
    ----------
    n_bins : int
        Bins B of the grid the model was trained on.

    Examples
    --------
    >>> sum(p.numel() for p in BigAE(496).parameters())
    873840
    """

    def __init__(self, n_bins: int) -> None:
        super().__init__()
        self.n_bins = n_bins
        self.enc = nn.Sequential(
            *_block(n_bins, 512, 0.15),
            *_block(512, 256, 0.10),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, N_LATENTS),
        )
        self.dec = nn.Sequential(
            nn.Linear(N_LATENTS, 128),
            nn.ReLU(),
            *_block(128, 256, 0.10),
            *_block(256, 512, 0.15),
            nn.Linear(512, n_bins),
        )

    def encode(self, normalized_flux: Tensor) -> Tensor:
        """Return the latents, (N, 128), of normalized flux, (N, B)."""
        return self.enc(normalized_flux)

    def decode(self, latents: Tensor) -> Tensor:
        """Return the reconstruction, (N, B), of latents, (N, 128)."""
        return self.dec(latents)

    def forward(self, normalized_flux: Tensor) -> Tensor:
        """Return the reconstruction, (N, B), of normalized flux, (N, B)."""
        return self.decode(self.encode(normalized_flux))


def _block(n_in: int, n_out: int, dropout: float) -> tuple[nn.Module, ...]:
    return nn.Linear(n_in, n_out), nn.BatchNorm1d(n_out), nn.ReLU(), nn.Dropout(dropout)


def best_device() -> torch.device:
    """Return cuda, mps or cpu, the first that is there."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_label(device: torch.device) -> str:
    """Return the text of the device badge, such as ``cuda: NVIDIA H100``."""
    if device.type == "cuda":
        return f"cuda: {torch.cuda.get_device_name(device)}"
    return device.type
