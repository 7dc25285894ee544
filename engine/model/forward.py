"""The forward pass in blocks of one fixed shape.

Matrix products may round differently for different numbers of rows. Scan and page therefore pass
every spectrum through blocks of the same padded shape, so that a score does not depend on the
company a spectrum was asked in.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.catalog.schema import N_LATENTS

from .network import BigAE

BLOCK = 256


def forward_blocks(
    network: BigAE, normalized_flux: NDArray[np.float32], device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Reconstruct N spectra in eval mode, in float32 without TF32.

    Parameters
    ----------
    network : BigAE
        In eval mode, on `device`.
    normalized_flux : (N, B) float32
        Model input.
    device : torch.device
        Where the network is.

    Returns
    -------
    reconstruction : (N, B) float32
    latents : (N, 128) float32
        Raises ValueError when the number of bins is not the network's.
    """
    n, n_bins = normalized_flux.shape
    if n_bins != network.n_bins:
        raise ValueError(f"the model has {network.n_bins} bins, the spectra have {n_bins}")
    reconstruction = np.empty((n, n_bins), dtype=np.float32)
    latents = np.empty((n, N_LATENTS), dtype=np.float32)
    block = torch.zeros((BLOCK, n_bins), dtype=torch.float32)
    with torch.inference_mode():
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            block.zero_()
            block[: stop - start] = torch.from_numpy(normalized_flux[start:stop])
            encoded = network.encode(block.to(device))
            latents[start:stop] = encoded[: stop - start].cpu().numpy()
            reconstruction[start:stop] = network.decode(encoded)[: stop - start].cpu().numpy()
    return reconstruction, latents


def decode_blocks(
    network: BigAE, latents: NDArray[np.float32], device: torch.device
) -> NDArray[np.float32]:
    """Return the reconstructions, (N, B), of latents (N, 128), by blocks of the same shape.

    The latents that `forward_blocks` found give the bits of the reconstruction it found.
    """
    n = len(latents)
    reconstruction = np.empty((n, network.n_bins), dtype=np.float32)
    block = torch.zeros((BLOCK, N_LATENTS), dtype=torch.float32)
    with torch.inference_mode():
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            block.zero_()
            block[: stop - start] = torch.from_numpy(latents[start:stop])
            decoded = network.decode(block.to(device))
            reconstruction[start:stop] = decoded[: stop - start].cpu().numpy()
    return reconstruction
