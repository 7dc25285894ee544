"""Converts published PyTorch weights (`enc.` / `dec.` keys) to safetensors with a card.

The only place that opens a `.pt` file, and it does so with ``weights_only=True``, which refuses
everything but tensors and plain containers: no code in the file is run.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID

from .card import ModelCard
from .network import BigAE
from .weights import save_model


def convert_published(source: Path, target: Path) -> ModelCard:
    """Convert weights of the published layout (`best_model_47k.pt`) and write their card.

    The list of training spectra was never published, so the card says unknown.

    Parameters
    ----------
    source : Path
        A state dict saved by PyTorch, or a checkpoint that holds one under ``model_state_dict``
        or ``state_dict``.
    target : Path
        The safetensors file to write.

    Raises
    ------
    ModelError
        One sentence when the file is no state dict, or one of another network.
    """
    state = _find_state(_load(source), source)
    network = BigAE(COMPATIBLE_GRID.n_bins)
    expected = network.state_dict()
    wrong = sorted(
        name
        for name in expected.keys() | state.keys()
        if name not in state or name not in expected or state[name].shape != expected[name].shape
    )
    if wrong:
        raise ModelError(
            f"{source.name} is not the published BigAE: {len(wrong)} layers differ, "
            f"first {wrong[0]}"
        )
    network.load_state_dict(state)
    facts = {
        "pixels_per_bin": COMPATIBLE_GRID.pixels_per_bin,
        "training_survey": "unknown",
        "training": {"converted_from": source.name},
    }
    return save_model(target, network.eval(), np.empty(0, dtype=np.int64), facts)


def _load(source: Path) -> Any:
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{source} cannot be read: {error.strerror}") from None
    except Exception:
        # torch raises half a dozen types here; each means the same to the user.
        raise ModelError(
            f"{source.name} is not a plain PyTorch state dict: expected tensors only"
        ) from None


def _find_state(loaded: Any, source: Path) -> dict[str, torch.Tensor]:
    for key in ("model_state_dict", "state_dict"):
        if isinstance(loaded, dict) and isinstance(loaded.get(key), dict):
            loaded = loaded[key]
    if not isinstance(loaded, dict) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise ModelError(f"{source.name} holds no state dict: expected tensors under enc. and dec.")
    return loaded
