"""Reconstructs spectra on demand: one device, one queue, requests of many people in one batch."""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.scoring.residual import Scores, score_residuals
from anomaly_explorer.engine.spectra.grid import BinGrid
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .card import ModelCard
from .forward import BLOCK, decode_blocks, forward_blocks
from .network import best_device, device_label
from .preprocess import ModelInput, prepare_input
from .weights import TrainedModel

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Reconstruction:
    """What the model makes of N spectra.

    Parameters
    ----------
    model_input : ModelInput
        Normalized flux (N, B), scale (N,), coverage.
    reconstruction : (N, B) float32
        Model output in units of normalized flux; times scale it is 1e-17 erg s⁻¹ cm⁻² Å⁻¹.
    latents : (N, 128) float32
    scores : Scores
    """

    model_input: ModelInput
    reconstruction: NDArray[np.float32]
    latents: NDArray[np.float32]
    scores: Scores

    @property
    def residual(self) -> NDArray[np.float32]:
        """Return normalized flux − reconstruction, (N, B); NaN where not covered."""
        covered = self.model_input.is_covered
        difference = self.model_input.normalized_flux - self.reconstruction
        return np.where(covered, difference, np.float32(np.nan))


@dataclass(frozen=True)
class _Request:
    """Normalized flux (N, B) to reconstruct, or latents (N, 128) to decode."""

    rows: NDArray[np.float32]
    is_latents: bool
    answer: Future[tuple[NDArray[np.float32], NDArray[np.float32]]]


class Reconstructor:
    """The model on one device, serving any number of threads.

    Small requests that come while a forward pass runs share the next one. When the device runs
    out of memory the model moves to the CPU, says so in `device`, and the request is answered all
    the same.

    Parameters
    ----------
    model : TrainedModel
        Weights and card.
    device : torch.device, optional
        Default: cuda, mps or cpu, the first that is there.
    """

    def __init__(self, model: TrainedModel, device: torch.device | None = None) -> None:
        self.model = model
        self._device = best_device() if device is None else device
        # TF32 would move scores by 1e-3; the catalog was made in full float32.
        torch.backends.cuda.matmul.allow_tf32 = False
        self._network = model.network.to(self._device)
        self._note = ""
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._asking, self._is_closed = threading.Lock(), False
        self._worker = threading.Thread(target=self._serve, name="reconstructor", daemon=True)
        self._worker.start()

    @property
    def card(self) -> ModelCard:
        """Return the card of the model."""
        return self.model.card

    @property
    def grid(self) -> BinGrid:
        """Return the grid of the model's bins."""
        return self.model.card.grid

    @property
    def device(self) -> str:
        """Return the device label, such as ``cpu`` or ``cuda: NVIDIA H100``."""
        return device_label(self._device) + self._note

    @property
    def tolerance(self) -> float:
        """Return the relative difference of scores that still counts as agreement."""
        return 1e-5 if self._device.type == "cpu" else 1e-4

    def reconstruct(self, batch: SpectrumBatch) -> Reconstruction:
        """Prepare, reconstruct and score N spectra; blocks until the answer is there.

        Raises
        ------
        ExplorerError
            The reconstructor is closed.
        """
        model_input = prepare_input(batch, self.grid)
        reconstruction, latents = self._ask(model_input.normalized_flux, is_latents=False)
        scores = score_residuals(
            model_input.normalized_flux, reconstruction, model_input.is_covered, self.grid
        )
        return Reconstruction(model_input, reconstruction, latents, scores)

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the reconstructions, (N, B) in normalized flux, of latents (N, 128); blocks.

        The latents of an object give the bits of its reconstruction. Raises ExplorerError when the
        reconstructor is closed.
        """
        return self._ask(np.asarray(latents, np.float32), is_latents=True)[0]

    def close(self) -> None:
        """Let the worker finish what was asked and stop; who asks later is told so."""
        with self._asking:
            self._is_closed = True
            self._requests.put(None)
        self._worker.join()

    def _ask(
        self, rows: NDArray[np.float32], *, is_latents: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        request = _Request(rows, is_latents, Future())
        with self._asking:  # what comes after the end would never be answered
            if self._is_closed:
                raise ExplorerError("The model is no longer at hand: the server is stopping.")
            self._requests.put(request)
        return request.answer.result()

    def _serve(self) -> None:
        while True:
            requests, goes_on = self._gather()
            for is_latents in (False, True):
                alike = [request for request in requests if request.is_latents is is_latents]
                if alike:
                    self._answer(alike)
            if not goes_on:
                return

    def _gather(self) -> tuple[list[_Request], bool]:
        """Wait for a request, then take what else came meanwhile, until a block is full."""
        requests: list[_Request] = []
        n_rows = 0
        while n_rows < BLOCK:
            try:
                request = self._requests.get(block=not requests)
            except queue.Empty:
                break
            if request is None:
                return requests, False
            requests.append(request)
            n_rows += len(request.rows)
        return requests, True

    def _answer(self, requests: Sequence[_Request]) -> None:
        try:
            stacked = np.concatenate([request.rows for request in requests])
            reconstruction, latents = self._run(stacked, is_latents=requests[0].is_latents)
        except BaseException as error:  # the asking threads must hear of it, whatever it is
            for request in requests:
                request.answer.set_exception(error)
            return
        start = 0
        for request in requests:
            stop = start + len(request.rows)
            request.answer.set_result((reconstruction[start:stop], latents[start:stop]))
            start = stop

    def _run(
        self, rows: NDArray[np.float32], *, is_latents: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        try:
            return self._pass(rows, is_latents=is_latents)
        except torch.OutOfMemoryError:
            self._note = f" ({self._device.type} ran out of memory)"
            self._device = CPU
            self._network = self._network.to(CPU)
            return self._pass(rows, is_latents=is_latents)

    def _pass(
        self, rows: NDArray[np.float32], *, is_latents: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if is_latents:
            return decode_blocks(self._network, rows, self._device), rows
        return forward_blocks(self._network, rows, self._device)
