"""Weights on disk: a safetensors file and, beside it, a model card that names its hash.

The card says what the weights were trained on and how spectra must be prepared for them; a file
that does not match its card is refused. Training ids travel inside the safetensors file.
"""

import hashlib
import json
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from anomaly_explorer.engine.errors import ModelError

from .card import SHIPPED, ModelCard, card_path, check_card
from .network import BigAE
from .preprocess import PREPROCESSING_VERSION

_IDS = "training_ids"


@dataclass(frozen=True)
class TrainedModel:
    """A network in eval mode on the CPU, its card, and the ids it was trained on, (T,) int64."""

    network: BigAE
    card: ModelCard
    training_ids: NDArray[np.int64]

    def is_training_member(self, target_ids: NDArray[np.int64], survey: str) -> NDArray[np.bool_]:
        """Return which objects, (N,), of a survey the model was trained on."""
        if survey != self.card.training_survey:
            return np.zeros(len(target_ids), dtype=bool)
        return np.isin(target_ids, self.training_ids)


def save_model(
    path: Path, network: BigAE, training_ids: NDArray[np.int64], facts: dict[str, Any]
) -> ModelCard:
    """Write weights and card, each to a temporary name first.

    Parameters
    ----------
    path : Path
        Ends in ``.safetensors``; the card stands beside it as ``.json``.
    network : BigAE
        The trained network.
    training_ids : (T,) int64
        Ids trained on; may be empty.
    facts : dict
        `pixels_per_bin`, `training_survey` and `training` of the card.

    Returns
    -------
    ModelCard
    """
    tensors = {name: value.contiguous() for name, value in network.state_dict().items()}
    tensors[_IDS] = torch.from_numpy(np.asarray(training_ids, dtype=np.int64))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    save_file(tensors, temporary)
    card = ModelCard(
        name=path.stem,
        sha256=hashlib.sha256(temporary.read_bytes()).hexdigest(),
        preprocessing=PREPROCESSING_VERSION,
        n_training=len(training_ids),
        **facts,
    )
    card_temporary = card_path(path).with_name(card_path(path).name + ".tmp")
    card_temporary.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, path)
    os.replace(card_temporary, card_path(path))
    return card


def load_model(path: Path = SHIPPED) -> TrainedModel:
    """Read weights, check them against their card, and return the model in eval mode.

    Raises
    ------
    ModelError
        One sentence: no such file, no card, another hash, grid, preparation or network.
    """
    card = check_card(path)
    tensors = _read_tensors(path)
    ids = tensors.pop(_IDS, torch.empty(0, dtype=torch.int64))
    network = BigAE(card.grid.n_bins)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ModelError(
            f"{path.name} holds other layers than {card.architecture} on {card.grid.name}; "
            "its card names the wrong grid or network"
        ) from None
    return TrainedModel(network.eval(), card, ids.numpy())


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings(), safe_open(path, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path.name} is not a safetensors file ({error})") from None
