"""Who makes the batches of a scan: this process alone, or the workers of `cluster`."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import torch
from threadpoolctl import threadpool_limits

from anomaly_explorer.engine.model.network import best_device
from anomaly_explorer.engine.threads import one_thread

from .batch import BatchTask, make_batch
from .scorer import Scorer

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
    scorer : Scorer
    device : torch.device, optional
        Default: the best there is.
    """

    def __init__(self, scorer: Scorer, device: torch.device | None = None) -> None:
        self._scorer = scorer
        self._device = device or best_device()

    def make(self, tasks: Sequence[BatchTask], advance: Advance) -> None:
        """Make every batch; the first that cannot be made ends the scan."""
        with small_products():
            for task in tasks:
                make_batch(task, self._scorer, self._device, advance)


@contextmanager
def small_products() -> Iterator[None]:
    """Let networks and what is measured by them run on one core a caller meanwhile.

    Their matrices are small: one core scores 39,000 spectra a second, three times what another one
    reads, while several wait for each other at every layer as soon as the machine is busy.
    """
    with one_thread(), threadpool_limits(1):
        yield
