"""The rows of one batch: read, prepare, reconstruct, score, gate; Arrow tables come back."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

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
# Files read while earlier ones are scored.
AHEAD = 6


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


class BatchScan:
    """The scan of the files of one batch.

    A file that fails while it is read gives no rows at all and is listed.

    Parameters
    ----------
    root : Path
        What the paths of the inputs are relative to.
    inputs : tuple of Input
    model : TrainedModel
    device : torch.device
        Where to run; the network is moved there.
    """

    def __init__(
        self, root: Path, inputs: tuple[Input, ...], model: TrainedModel, device: torch.device
    ) -> None:
        self._root = root
        self._inputs = inputs
        self._model = model
        self._device = device
        self._network = model.network.to(device)
        self._skipped: list[Skipped] = []

    def tables(self, advance: Callable[[int], None] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in file order, a few thousand at a time, with `schema.arrow_schema()`.

        Parameters
        ----------
        advance : callable, optional
            Called with the number of objects done since the last call.
        """
        waiting: list[_Part] = []
        n_waiting = 0
        for spectra, parts in zip(self._inputs, self._read_ahead(), strict=True):
            waiting += parts
            n_waiting += sum(len(part.model_input.scale) for part in parts)
            if n_waiting >= GATHER:
                yield from self._score(waiting)
                waiting, n_waiting = [], 0
            if advance is not None:
                advance(spectra.n_scanned)
        if waiting:
            yield from self._score(waiting)

    def skipped_json(self) -> str:
        """Return the files that failed, as the metadata of a batch lists them."""
        return json.dumps([asdict(item) for item in self._skipped])

    def _read_ahead(self) -> Iterator[list[_Part]]:
        """Yield what each file gives; while some are scored, the next are read from the disk."""
        coming: deque[Future[list[_Part]]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="scan-reader") as reader:
            for spectra in self._inputs:
                if len(coming) == AHEAD:
                    yield coming.popleft().result()
                coming.append(reader.submit(self._read_or_skip, spectra))
            while coming:
                yield coming.popleft().result()

    def _read_or_skip(self, spectra: Input) -> list[_Part]:
        try:
            return _read_parts(self._root, spectra, self._model)
        except InputError as error:
            self._skipped.append(Skipped(spectra.path, FAILURE, str(error)))
            return []

    def _score(self, parts: list[_Part]) -> list[pa.Table]:
        return _score_parts(parts, self._network, self._model, self._device)


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
