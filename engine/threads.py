"""How many threads torch takes for small products."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep torch to one thread a caller while the block runs.

    Where products are small, threads that wait for each other cost more than they save, many
    times more on a busy machine. And what is trained is the same whatever the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
