"""One batch of a scan: read, prepare, reconstruct, score, gate; one Arrow table comes back."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from anomaly_explorer.engine.catalog.schema import arrow_schema
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.preprocess import ModelInput, prepare_input
from anomaly_explorer.engine.model.weights import TrainedModel
from anomaly_explorer.engine.scoring.gate import gate_objects
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .plan import FAILURE, Input, Skipped
from .table import Columns, derive_columns, make_table

SKIPPED_KEY = b"anomaly_explorer.skipped"
# Spectra whose inputs are kept before a forward pass: 2,048 × 496 bins are 4 MB.
GATHER = 2048
READ = 256


@dataclass(frozen=True)
class _Part:
    """The model's input and the facts of a few spectra of one file."""

    model_input: ModelInput
    facts: Columns


def training_survey_of(spectra: Input) -> str:
    """Return how a model card names the survey of an input."""
    if spectra.simulation is not None:
        version, seed = spectra.simulation
        return f"simulated generator {version} seed {seed}"
    return spectra.kind.split()[0].upper()


def scan_batch(
    root: Path,
    inputs: tuple[Input, ...],
    model: TrainedModel,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> pa.Table:
    """Scan the files of one batch.

    A file that fails while it is read gives no rows at all and is listed in the metadata of the
    table under ``anomaly_explorer.skipped``.

    Parameters
    ----------
    root : Path
        What the paths of the inputs are relative to.
    inputs : tuple of Input
    model : TrainedModel
    device : torch.device
        Where to run; the network is moved there.
    advance : callable, optional
        Called with the number of objects done since the last call.

    Returns
    -------
    pyarrow.Table
        Rows in file order, with `schema.arrow_schema()`.
    """
    network = model.network.to(device)
    tables: list[pa.Table] = []
    skipped: list[Skipped] = []
    waiting: list[_Part] = []

    def flush() -> None:
        if waiting:
            tables.extend(_score_parts(waiting, network, model, device))
            waiting.clear()

    for spectra in inputs:
        try:
            waiting += _read_parts(root, spectra, model)
        except InputError as error:
            skipped.append(Skipped(spectra.path, FAILURE, str(error)))
        if sum(len(part.model_input.scale) for part in waiting) >= GATHER:
            flush()
        if advance is not None:
            advance(spectra.n_scanned)
    flush()
    table = pa.concat_tables(tables) if tables else arrow_schema().empty_table()
    listed = json.dumps([asdict(item) for item in skipped]).encode()
    return table.replace_schema_metadata({SKIPPED_KEY: listed})


def _read_parts(root: Path, spectra: Input, model: TrainedModel) -> list[_Part]:
    """Read one file whole, so that it enters the catalog whole or not at all."""
    source = open_source(root / spectra.path)
    without = np.asarray(spectra.without_rows, dtype=np.int64)
    parts = []
    try:
        first = 0
        for batch in source.batches(READ):
            rows = np.arange(first, first + len(batch))
            first += len(batch)
            keep = np.flatnonzero(~np.isin(rows, without))
            if len(keep):
                chosen = batch if len(keep) == len(batch) else batch.take(keep)
                parts.append(_prepare(chosen, spectra, model))
    finally:
        source.close()
    if fingerprint(root / spectra.path) != spectra.fingerprint:
        raise InputError(f"{spectra.path} changed during the scan: scan into another --out")
    return parts


def _prepare(batch: SpectrumBatch, spectra: Input, model: TrainedModel) -> _Part:
    model_input = prepare_input(batch, model.card.grid)
    facts = dict(batch.columns)
    facts |= derive_columns(facts)
    facts["coverage"] = model_input.coverage
    facts["population"], facts["gate_reason"] = gate_objects(facts, model_input.coverage)
    n = len(batch)
    facts["source_file"] = np.full(n, spectra.path, dtype=object)
    facts["model_id"] = np.full(n, model.card.model_id, dtype=object)
    survey = training_survey_of(spectra)
    facts["is_training_member"] = model.is_training_member(facts["target_id"], survey)
    return _Part(model_input, facts)


def _score_parts(
    parts: list[_Part], network: torch.nn.Module, model: TrainedModel, device: torch.device
) -> list[pa.Table]:
    flux = np.concatenate([part.model_input.normalized_flux for part in parts])
    covered = np.concatenate([part.model_input.is_covered for part in parts])
    reconstruction, latents = forward_blocks(network, flux, device)
    scores = score_residuals(flux, reconstruction, covered, model.card.grid).columns()
    tables, start = [], 0
    for part in parts:
        rows = slice(start, start + len(part.model_input.scale))
        start = rows.stop
        facts = {**part.facts, **{name: values[rows] for name, values in scores.items()}}
        tables.append(make_table(facts, latents[rows]))
    return tables
