"""A trained measurer on disk: one safetensors file, and beside it the card that names its hash.

The network's weights are kept as float16 and cast once when they are read; everything else has the
digits it was fitted with.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.model.card import SHIPPED_MEASURER, ModelCard, check_card
from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.tensorfile import TRAINING_IDS, read_tensors, write_tensors
from anomaly_explorer.engine.model.weighing import WEIGHING_VERSION

from .density import LatentDensity
from .error_modes import ErrorModes
from .measurer import Measurer

ARCHITECTURE = "Denoiser 2×496-512-256-128"
_NETWORK, _DENSITY, _MODES, _SKY = "network.", "density.", "modes.", "sky"
_DENSITY_PARTS = ("mean", "axes", "log_weight", "center", "precision")
_MODE_PARTS = ("modes", "share")


@dataclass(frozen=True)
class TrainedMeasurer:
    """A measurer, its card, and the ids its network was trained on, (T,) int64."""

    measurer: Measurer
    card: ModelCard
    training_ids: NDArray[np.int64]

    def is_training_member(self, target_ids: NDArray[np.int64], survey: str) -> NDArray[np.bool_]:
        """Return which objects, (N,), of a survey the network was trained on."""
        return self.card.are_members(target_ids, survey, self.training_ids)


def save_measurer(
    path: Path, measurer: Measurer, training_ids: NDArray[np.int64], facts: Mapping[str, Any]
) -> ModelCard:
    """Write a measurer and its card, each to a temporary name first.

    Parameters
    ----------
    path : Path
        Ends in ``.safetensors``; the card stands beside it as ``.json``.
    measurer : Measurer
    training_ids : (T,) int64
        Ids that the network was trained on; may be empty.
    facts : mapping
        `training_survey`, `training` and, where they are known, `benchmark` of the card.

    Returns
    -------
    ModelCard
    """
    tensors = {_NETWORK + name: value.half() for name, value in
               measurer.network.state_dict().items()}  # fmt: skip
    arrays = {_DENSITY + name: getattr(measurer.density, name) for name in _DENSITY_PARTS}
    for class_name, modes in measurer.modes.items():
        for part in _MODE_PARTS:
            arrays[f"{_MODES}{class_name}.{part}"] = getattr(modes, part)
    arrays[_SKY] = measurer.sky
    arrays[TRAINING_IDS] = np.asarray(training_ids, np.int64)
    tensors |= {
        name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in arrays.items()
    }
    return write_tensors(
        path,
        tensors,
        lambda sha256: ModelCard(
            name=path.stem,
            sha256=sha256,
            pixels_per_bin=measurer.grid.pixels_per_bin,
            preprocessing=WEIGHING_VERSION,
            n_training=len(training_ids),
            architecture=ARCHITECTURE,
            **facts,
        ),
    )


def load_measurer(path: Path = SHIPPED_MEASURER) -> TrainedMeasurer:
    """Read a measurer and check it against its card.

    Raises
    ------
    ModelError
        One sentence: no such file, no card, another hash, grid, preparation or network.
    """
    card = check_card(path, WEIGHING_VERSION)
    tensors = read_tensors(path)
    try:
        ids = tensors.pop(TRAINING_IDS).numpy()
        network = _network(tensors, card.grid.n_bins)
        density = {name: tensors[_DENSITY + name].numpy() for name in _DENSITY_PARTS}
        sky = tensors[_SKY].numpy()
        modes = _modes(tensors)
        if sky.shape[1:] != (card.grid.n_bins,):
            raise KeyError(_SKY)
    except (KeyError, RuntimeError, IndexError):
        raise ModelError(
            f"{path.name} holds other layers than {card.architecture} on {card.grid.name}; "
            "its card names the wrong grid or network"
        ) from None
    measurer = Measurer(network, LatentDensity(**density), sky, card.grid, modes)
    return TrainedMeasurer(measurer, card, ids)


def _network(tensors: Mapping[str, torch.Tensor], n_bins: int) -> Denoiser:
    network = Denoiser(n_bins)
    network.load_state_dict(
        {name.removeprefix(_NETWORK): value.float() for name, value in tensors.items()
         if name.startswith(_NETWORK)}
    )  # fmt: skip
    return network.eval()


def _modes(tensors: Mapping[str, torch.Tensor]) -> dict[str, ErrorModes]:
    names = {name.removeprefix(_MODES).rsplit(".", 1)[0] for name in tensors
             if name.startswith(_MODES)}  # fmt: skip
    return {
        name: ErrorModes(*(tensors[f"{_MODES}{name}.{part}"].numpy() for part in _MODE_PARTS))
        for name in sorted(names)
    }
