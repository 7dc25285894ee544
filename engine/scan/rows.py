"""From spectra to the rows of a catalog: prepared, gated, reconstructed and scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.preprocess import ModelInput, prepare_input
from anomaly_explorer.engine.model.weights import TrainedModel
from anomaly_explorer.engine.scoring.gate import gate_objects
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .table import Columns, derive_columns, make_table


@dataclass(frozen=True)
class Part:
    """The model's input and the facts of a few spectra."""

    model_input: ModelInput
    facts: Columns

    def __len__(self) -> int:
        return len(self.model_input.scale)


def simulated_name(version: int, seed: int) -> str:
    """Return how a model card names a simulated survey.

    >>> simulated_name(1, 7)
    'simulated generator 1 seed 7'
    """
    return f"simulated generator {version} seed {seed}"


def prepare_part(batch: SpectrumBatch, model: TrainedModel, survey: str) -> Part:
    """Bin and gate N spectra.

    Parameters
    ----------
    batch : SpectrumBatch
        N spectra; nothing of them is kept but their columns.
    model : TrainedModel
    survey : str
        As a model card names it, for the training-member flag.
    """
    model_input = prepare_input(batch, model.card.grid)
    facts = dict(batch.columns)
    facts |= derive_columns(facts)
    facts["coverage"] = model_input.coverage
    facts["population"], facts["gate_reason"] = gate_objects(facts, model_input.coverage)
    facts["model_id"] = np.full(len(batch), model.card.model_id, dtype=object)
    facts["is_training_member"] = model.is_training_member(facts["target_id"], survey)
    return Part(model_input, facts)


def score_parts(
    parts: Sequence[Part], network: torch.nn.Module, model: TrainedModel, device: torch.device
) -> list[pa.Table]:
    """Reconstruct and score parts together; one Arrow table for each comes back."""
    flux = np.concatenate([part.model_input.normalized_flux for part in parts])
    covered = np.concatenate([part.model_input.is_covered for part in parts])
    reconstruction, latents = forward_blocks(network, flux, device)
    scores = score_residuals(flux, reconstruction, covered, model.card.grid).columns()
    tables, start = [], 0
    for part in parts:
        rows = slice(start, start + len(part))
        start = rows.stop
        facts = {**part.facts, **{name: values[rows] for name, values in scores.items()}}
        tables.append(make_table(facts, latents[rows]))
    return tables
