"""A safetensors file and the card that names its hash: written together, read and checked."""

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from anomaly_explorer.engine.errors import ModelError

from .card import ModelCard, card_path

# Ids that a network was trained on travel with its weights, under this name.
TRAINING_IDS = "training_ids"


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], make_card: Callable[[str], ModelCard]
) -> ModelCard:
    """Write tensors and their card, each to a temporary name first.

    Parameters
    ----------
    path : Path
        Ends in ``.safetensors``; the card stands beside it as ``.json``.
    tensors : mapping of str to tensor
        Of any shape.
    make_card : callable
        Called with the SHA-256 of the file.

    Returns
    -------
    ModelCard
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    save_file({name: value.contiguous() for name, value in tensors.items()}, temporary)
    card = make_card(hashlib.sha256(temporary.read_bytes()).hexdigest())
    card_temporary = card_path(path).with_name(card_path(path).name + ".tmp")
    card_temporary.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    os.replace(card_temporary, card_path(path))
    return card


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read every tensor of a file by name; ModelError when it is no safetensors file."""
    try:
        with warnings.catch_warnings(), safe_open(path, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path.name} is not a safetensors file ({error})") from None
