"""Who makes the batches of a scan: this process alone, or the workers of `cluster`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch

from anomaly_explorer.engine.model.network import best_device
from anomaly_explorer.engine.model.weights import TrainedModel

from .batch import BatchTask, make_batch

Advance = Callable[[int], None]


class Crew(Protocol):
    """Makes batches, whatever the order."""

    def make(self, tasks: Sequence[BatchTask], advance: Advance) -> None:
        """Make every batch, and call `advance` with the number of objects done since last time.

        Raises `ExplorerError` when one cannot be made; those that could are there.
        """
        ...


class Alone:
    """A crew of one: the calling process makes all batches, one after the other.

    Parameters
    ----------
    model : TrainedModel
    device : torch.device, optional
        Default: the best there is.
    """

    def __init__(self, model: TrainedModel, device: torch.device | None = None) -> None:
        self._model = model
        self._device = device or best_device()

    def make(self, tasks: Sequence[BatchTask], advance: Advance) -> None:
        """Make every batch; the first that cannot be made ends the scan."""
        with one_thread():
            for task in tasks:
                make_batch(task, self._model, self._device, advance)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let the network run on one core meanwhile.

    Its matrices are small: one core scores 39,000 spectra a second, three times what another one
    reads, while several wait for each other at every layer as soon as the machine is busy.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
