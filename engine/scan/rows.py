"""From spectra to the rows of a catalog: prepared, gated, reconstructed and scored."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
import torch

from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.preprocess import ModelInput, prepare_input
from anomaly_explorer.engine.model.weighing import WeighedInput, weigh_bins
from anomaly_explorer.engine.scoring.gate import gate_objects
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch

from .measure import measured_columns
from .scorer import Scorer
from .table import Columns, derive_columns, make_table


@dataclass(frozen=True)
class Part:
    """What both networks see of a few spectra, what their pixels say, and the facts of them."""

    model_input: ModelInput
    weighed: WeighedInput
    pixels: PixelFindings
    facts: Columns

    def __len__(self) -> int:
        return len(self.model_input.scale)


def prepare_part(
    batch: SpectrumBatch | StoredBatch,
    scorer: Scorer,
    survey: str,
    source_file: str | None = None,
) -> Part:
    """Bin and gate N spectra.

    Parameters
    ----------
    batch : SpectrumBatch or StoredBatch
        N spectra; nothing of them is kept but their columns.
    scorer : Scorer
    survey : str
        As a model card names it, for the flags of training members.
    source_file : str, optional
        File of the spectra, relative to the root of the scan; none of simulated ones.
    """
    model, measurer = scorer.model, scorer.measurer
    model_input = prepare_input(batch, model.card.grid)
    weighed = weigh_bins(batch, measurer.card.grid)
    facts = dict(batch.columns)
    facts |= derive_columns(facts)
    facts["coverage"] = model_input.coverage
    facts["population"], facts["gate_reason"] = gate_objects(facts, model_input.coverage)
    facts["model_id"] = np.full(len(batch), model.card.model_id, dtype=object)
    facts["measurer_id"] = np.full(len(batch), measurer.card.model_id, dtype=object)
    ids = np.asarray(facts["target_id"], np.int64)
    facts["is_training_member"] = model.is_training_member(ids, survey)
    facts["is_measurer_member"] = measurer.is_training_member(ids, survey)
    if source_file is not None:
        facts["source_file"] = np.full(len(batch), source_file, dtype=object)
    pixels = PixelFindings.of_batch(batch, Known.of_columns(facts))
    return Part(model_input, weighed, pixels, facts)


def score_parts(
    parts: Sequence[Part], network: torch.nn.Module, scorer: Scorer, device: torch.device
) -> list[pa.Table]:
    """Score and measure parts together; Arrow tables of all their rows in order come back."""
    flux = np.concatenate([part.model_input.normalized_flux for part in parts])
    covered = np.concatenate([part.model_input.is_covered for part in parts])
    reconstruction, latents = forward_blocks(network, flux, device)
    scores = score_residuals(flux, reconstruction, covered, scorer.model.card.grid).columns()
    weighed = parts[0].weighed.joined(*(part.weighed for part in parts[1:]))
    pixels = parts[0].pixels.joined(*(part.pixels for part in parts[1:]))
    tables, start = [], 0
    for facts in _joined_facts(parts):
        rows = slice(start, start + len(facts["target_id"]))
        start = rows.stop
        computed = {name: values[rows] for name, values in scores.items()}
        measurer, known = scorer.measurer.measurer, Known.of_columns(facts)
        measured = measurer.measure(weighed.take(rows), known, pixels.take(rows))
        computed |= measured_columns(measured, weighed.take(rows), measurer.grid)
        computed["line_wavelength"] = pixels.line_wavelength[rows]
        tables.append(make_table({**facts, **computed}, latents[rows]))
    return tables


def _joined_facts(parts: Sequence[Part]) -> Iterator[Columns]:
    """Yield the facts of neighbouring parts that say the same things, joined.

    A table has some 200 columns, each with a cost of its own, and files may be small.
    """
    for names, alike in groupby(parts, lambda part: part.facts.keys()):
        several = [part.facts for part in alike]
        yield {name: np.concatenate([facts[name] for facts in several]) for name in names}
