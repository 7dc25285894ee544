"""Weights on disk: a safetensors file and, beside it, a model card that names its hash.

The card says what the weights were trained on and how spectra must be prepared for them; a file
that does not match its card is refused. Training ids travel inside the safetensors file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ModelError

from .card import SHIPPED, ModelCard, check_card
from .card import card_path as card_path
from .network import BigAE
from .preprocess import PREPROCESSING_VERSION
from .tensorfile import TRAINING_IDS, read_tensors, write_tensors


@dataclass(frozen=True)
class TrainedModel:
    """A network in eval mode on the CPU, its card, and the ids it was trained on, (T,) int64."""

    network: BigAE
    card: ModelCard
    training_ids: NDArray[np.int64]

    def is_training_member(self, target_ids: NDArray[np.int64], survey: str) -> NDArray[np.bool_]:
        """Return which objects, (N,), of a survey the model was trained on."""
        return self.card.are_members(target_ids, survey, self.training_ids)


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
    tensors = dict(network.state_dict())
    tensors[TRAINING_IDS] = torch.from_numpy(np.asarray(training_ids, dtype=np.int64))
    return write_tensors(
        path,
        tensors,
        lambda sha256: ModelCard(
            name=path.stem,
            sha256=sha256,
            preprocessing=PREPROCESSING_VERSION,
            n_training=len(training_ids),
            **facts,
        ),
    )


def load_model(path: Path = SHIPPED) -> TrainedModel:
    """Read weights, check them against their card, and return the model in eval mode.

    Raises
    ------
    ModelError
        One sentence: no such file, no card, another hash, grid, preparation or network.
    """
    card = check_card(path)
    tensors = read_tensors(path)
    ids = tensors.pop(TRAINING_IDS, torch.empty(0, dtype=torch.int64))
    network = BigAE(card.grid.n_bins)
    try:
        network.load_state_dict(tensors)
    except RuntimeError:
        raise ModelError(
            f"{path.name} holds other layers than {card.architecture} on {card.grid.name}; "
            "its card names the wrong grid or network"
        ) from None
    return TrainedModel(network.eval(), card, ids.numpy())
