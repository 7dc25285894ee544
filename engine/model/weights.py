"""Weights on disk: a safetensors file and, beside it, a model card that names its hash.

The card says what the weights were trained on and how spectra must be prepared for them; a file
that does not match its card is refused. Training ids travel inside the safetensors file.
"""

import hashlib
import json
import os
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.spectra.grid import BinGrid

from .network import BigAE
from .preprocess import PREPROCESSING_VERSION

CARD_FORMAT = 1
SHIPPED = Path(__file__).resolve().parents[2] / "assets" / "weights" / "bigae-simulated.safetensors"
_IDS = "training_ids"


@dataclass(frozen=True)
class ModelCard:
    """What a person and a program must know of trained weights.

    Parameters
    ----------
    name : str
        Short name, such as ``bigae-simulated``.
    sha256 : str
        Hash of the weights file.
    pixels_per_bin : int
        The grid: pixels averaged into one bin of the DESI arms.
    preprocessing : str
        Version of the preparation the model was trained with.
    training_survey : str
        Whose spectra: ``simulated generator 1 seed 7``, ``DESI``, or ``unknown``.
    n_training : int
        Spectra trained on, 0 when nobody knows.
    training : dict
        Seed, epochs, batch size, losses and the like.
    architecture : str
        Name of the network.
    format : int
        Version of this card's layout.
    """

    name: str
    sha256: str
    pixels_per_bin: int
    preprocessing: str
    training_survey: str
    n_training: int
    training: dict[str, Any] = field(default_factory=dict)
    architecture: str = "BigAE 496-512-256-128-128"
    format: int = CARD_FORMAT

    @property
    def grid(self) -> BinGrid:
        """Return the grid of the model's bins."""
        return BinGrid(self.pixels_per_bin)

    @property
    def model_id(self) -> str:
        """Return the first 12 digits of the hash, which catalogs carry."""
        return self.sha256[:12]


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


def card_path(weights: Path) -> Path:
    """Return where the card of a weights file stands."""
    return weights.with_suffix(".json")


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
    card = _read_card(path)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): name a weights file") from None
    if digest != card.sha256:
        raise ModelError(
            f"{path.name} does not match its card: its SHA-256 is {digest[:12]}…, the card says "
            f"{card.sha256[:12]}…; take weights and card from the same place"
        )
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


def _read_card(path: Path) -> ModelCard:
    source = card_path(path)
    try:
        facts = json.loads(source.read_text(encoding="utf-8"))
        card = ModelCard(**facts)
        has_grid = card.grid.n_bins > 0
    except OSError:
        raise ModelError(
            f"{source} is missing: weights need their model card beside them"
        ) from None
    except (ValueError, TypeError):
        raise ModelError(
            f"{source} is not a model card of ours: JSON of ModelCard expected"
        ) from None
    if card.format != CARD_FORMAT or card.preprocessing != PREPROCESSING_VERSION or not has_grid:
        raise ModelError(
            f"{source.name} is for card format {card.format} and preparation {card.preprocessing}, "
            f"this version reads {CARD_FORMAT} and {PREPROCESSING_VERSION}"
        )
    return card


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings(), safe_open(path, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ModelError(f"{path.name} is not a safetensors file ({error})") from None
