"""The model card: what weights were trained on, how to prepare spectra for them, their hash.

It is read without torch, so that a server can refuse wrong weights before it opens its port.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.spectra.grid import BinGrid

from .preprocess import PREPROCESSING_VERSION

CARD_FORMAT = 1
_WEIGHTS = Path(__file__).resolve().parents[2] / "assets" / "weights"
SHIPPED = _WEIGHTS / "bigae-simulated.safetensors"
SHIPPED_MEASURER = _WEIGHTS / "denoiser-simulated.safetensors"


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
    benchmark : dict
        What `benchmark` found of weights made this way; empty where nobody looked.
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
    benchmark: dict[str, Any] = field(default_factory=dict)

    @property
    def grid(self) -> BinGrid:
        """Return the grid of the model's bins."""
        return BinGrid(self.pixels_per_bin)

    @property
    def model_id(self) -> str:
        """Return the first 12 digits of the hash, which catalogs carry."""
        return self.sha256[:12]

    def are_members(
        self, target_ids: NDArray[np.int64], survey: str, training_ids: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Return which objects, (N,), of a survey are among the (T,) trained on."""
        if survey != self.training_survey:
            return np.zeros(len(target_ids), dtype=bool)
        return np.isin(target_ids, training_ids)


def simulated_name(version: int, seed: int) -> str:
    """Return how a model card names a simulated survey.

    >>> simulated_name(1, 7)
    'simulated generator 1 seed 7'
    """
    return f"simulated generator {version} seed {seed}"


def card_path(weights: Path) -> Path:
    """Return where the card of a weights file stands."""
    return weights.with_suffix(".json")


def check_card(path: Path, preprocessing: str = PREPROCESSING_VERSION) -> ModelCard:
    """Read the card of a weights file and check the file against it.

    Parameters
    ----------
    path : Path
    preprocessing : str
        The preparation that the weights must have been trained with: what tells a network of one
        kind from another.

    Raises
    ------
    ModelError
        One sentence: no such file, no card, another hash, card format or preparation.
    """
    card = _read_card(path, preprocessing)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): name a weights file") from None
    if digest != card.sha256:
        raise ModelError(
            f"{path.name} does not match its card: its SHA-256 is {digest[:12]}…, the card says "
            f"{card.sha256[:12]}…; take weights and card from the same place"
        )
    return card


def write_card(path: Path, card: ModelCard) -> None:
    """Write the card of a weights file, whole or not at all."""
    source = card_path(path)
    temporary = source.with_name(source.name + ".tmp")
    temporary.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, source)


def check_made_by(card: ModelCard, model_id: str | None, option: str = "--weights") -> None:
    """Check that a catalog was scored by this model; a catalog that does not say so passes.

    Parameters
    ----------
    card : ModelCard
        Of the model at hand.
    model_id : str or None
        What the catalog says: its `model_id`, or its `measurer_id`.
    option : str
        How the command line names such a file.

    Raises
    ------
    ModelError
        Another model scored it.
    """
    if model_id and model_id != card.model_id:
        raise ModelError(
            f"the catalog was scored by model {model_id}, these weights are {card.model_id}: "
            f"name the right ones with {option}, or score the spectra again with these (scan)"
        )


def _read_card(path: Path, preprocessing: str) -> ModelCard:
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
    if card.format != CARD_FORMAT or card.preprocessing != preprocessing or not has_grid:
        raise ModelError(
            f"{source.name} is for card format {card.format} and preparation {card.preprocessing}, "
            f"expected here are {CARD_FORMAT} and {preprocessing}"
        )
    return card
