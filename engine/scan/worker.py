"""The scan of one batch: files are read ahead, their spectra scored; Arrow tables come back."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.model.card import simulated_name
from anomaly_explorer.engine.spectra.desi import DesiSource
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.source import SpectrumSource

from .plan import FAILURE, Input, Skipped
from .rows import Part, prepare_part, score_parts
from .scorer import Scorer

SKIPPED_KEY = b"anomaly_explorer.skipped"
# Spectra whose inputs are kept before a forward pass: 2,048 × 496 bins are 4 MB.
GATHER = 2048
READ = 256
# Files opened, and asked of the disk, while earlier ones are read and scored.
AHEAD = 6


def training_survey_of(spectra: Input) -> str:
    """Return how a model card names the survey of an input."""
    if spectra.simulation is not None:
        return simulated_name(*spectra.simulation)
    return spectra.kind.split()[0].upper()


class BatchScan:
    """The scan of the files of one batch.

    A file that fails while it is read gives no rows at all and is listed.

    Parameters
    ----------
    root : Path
        What the paths of the inputs are relative to.
    inputs : tuple of Input
    scorer : Scorer
    device : torch.device
        Where to run; the network is moved there.
    """

    def __init__(
        self, root: Path, inputs: tuple[Input, ...], scorer: Scorer, device: torch.device
    ) -> None:
        self._root = root
        self._inputs = inputs
        self._scorer = scorer
        self._device = device
        self._network = scorer.model.network.to(device)
        self._skipped: list[Skipped] = []

    def tables(self, advance: Callable[[int], None] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in file order, a few thousand at a time, with `schema.arrow_schema()`.

        Parameters
        ----------
        advance : callable, optional
            Called with the number of objects done since the last call.
        """
        waiting: list[Part] = []
        n_waiting = 0
        for spectra, found in zip(self._inputs, self._read_ahead(), strict=True):
            if isinstance(found, Skipped):
                self._skipped.append(found)
            else:
                waiting += found
                n_waiting += sum(len(part) for part in found)
            if n_waiting >= GATHER:
                yield from self._score(waiting)
                waiting, n_waiting = [], 0
            if advance is not None:
                advance(spectra.n_scanned)
        if waiting:
            yield from self._score(waiting)

    def skipped_json(self) -> bytes:
        """Return the files that failed, as the metadata of a batch lists them."""
        return json.dumps([asdict(item) for item in self._skipped]).encode()

    def _read_ahead(self) -> Iterator[list[Part] | Skipped]:
        """Yield what each file gives; some are scored, some binned, some fetched from the disk.

        A thread of its own opens files, so that the disk need not wait for the spectra of one
        before it is asked for the next.
        """
        coming: deque[Future[list[Part] | Skipped]] = deque()
        with (
            ThreadPoolExecutor(1, thread_name_prefix="scan-opener") as opener,
            ThreadPoolExecutor(1, thread_name_prefix="scan-reader") as reader,
        ):
            for spectra in self._inputs:
                if len(coming) == AHEAD:
                    yield coming.popleft().result()
                opened = opener.submit(_open_announced, self._root / spectra.path)
                coming.append(reader.submit(self._read_or_skip, spectra, opened))
            while coming:
                yield coming.popleft().result()

    def _read_or_skip(self, spectra: Input, opened: Future[SpectrumSource]) -> list[Part] | Skipped:
        try:
            with closing(opened.result()) as source:
                parts = list(_read_parts(source, spectra, self._scorer))
            if fingerprint(self._root / spectra.path) != spectra.fingerprint:
                raise InputError(f"{spectra.path} changed during the scan: scan into another --out")
            return parts
        except InputError as error:
            return Skipped(spectra.path, FAILURE, str(error))

    def _score(self, parts: list[Part]) -> list[pa.Table]:
        return score_parts(parts, self._network, self._scorer, self._device)


def _open_announced(path: Path) -> SpectrumSource:
    """Open a file and have the disk fetch its spectra."""
    source = open_source(path)
    if isinstance(source, DesiSource):
        source.announce()
    return source


def _read_parts(source: SpectrumSource, spectra: Input, scorer: Scorer) -> Iterator[Part]:
    """Yield the spectra of one file that are to be scanned, prepared."""
    survey = training_survey_of(spectra)
    without = np.asarray(spectra.without_rows, dtype=np.int64)
    is_desi = isinstance(source, DesiSource)
    first = 0
    for batch in source.stored_batches(READ) if is_desi else source.batches(READ):
        rows = np.arange(first, first + len(batch))
        first += len(batch)
        keep = np.flatnonzero(~np.isin(rows, without))
        if len(keep):
            chosen = batch if len(keep) == len(batch) else batch.take(keep)
            yield prepare_part(chosen, scorer, survey, spectra.path)
