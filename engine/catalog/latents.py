"""The latents of a store: float16 in blocks of rows, column by column within a block.

So both what a person asks for (the latents of a few rows) and what a search asks for (one latent
of all rows) are contiguous reads, and a file can be written one latent at a time.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .schema import N_LATENTS

BLOCK_ROWS = 65_536
LATENT_TYPE = np.float16
_LARGEST = float(np.finfo(LATENT_TYPE).max)


class Latents:
    """N x 128 latents on disk, mapped.

    Parameters
    ----------
    path : Path
        The file.
    n_objects : int
        N.
    block_rows : int
        Rows per block; the last block may hold fewer.
    """

    def __init__(self, path: Path, n_objects: int, block_rows: int = BLOCK_ROWS) -> None:
        self.n_objects = n_objects
        self.block_rows = block_rows
        self._values = np.asarray(
            np.memmap(path, LATENT_TYPE, mode="r", shape=(n_objects * N_LATENTS,))
        )

    @property
    def n_blocks(self) -> int:
        """Return how many blocks there are."""
        return -(-self.n_objects // self.block_rows)

    def limits(self, index: int) -> tuple[int, int]:
        """Return the first row of a block, and the first that is behind it."""
        start = index * self.block_rows
        return start, min(start + self.block_rows, self.n_objects)

    def block(self, index: int) -> NDArray[np.float16]:
        """Return the latents of one block of rows, (128, rows of the block), without a copy."""
        start, stop = self.limits(index)
        return self._values[start * N_LATENTS : stop * N_LATENTS].reshape(N_LATENTS, stop - start)

    def take(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return the latents of M rows in the given order, (M, 128)."""
        taken = np.empty((len(rows), N_LATENTS), np.float32)
        blocks = rows // self.block_rows
        for index in np.unique(blocks):
            here = np.flatnonzero(blocks == index)
            taken[here] = self.block(int(index))[:, rows[here] - index * self.block_rows].T
        return taken


def write_latents(path: Path, n_objects: int, column: Callable[[int], NDArray[np.float32]]) -> int:
    """Write the file, one latent at a time.

    Parameters
    ----------
    path : Path
        File to make, N * 128 * 2 bytes.
    n_objects : int
        N.
    column : callable
        Latent number -> its (N,) values in store order.

    Returns
    -------
    int
        How many values were beyond the range of float16 (about 65,504) and were clipped to it.
    """
    n_clipped = 0
    file = np.memmap(path, LATENT_TYPE, mode="w+", shape=(n_objects * N_LATENTS,))
    for latent in range(N_LATENTS):
        values = column(latent)
        n_clipped += int(np.count_nonzero(np.abs(values) > _LARGEST))
        narrow = np.clip(values, -_LARGEST, _LARGEST).astype(LATENT_TYPE)
        for start in range(0, n_objects, BLOCK_ROWS):
            n_rows = min(BLOCK_ROWS, n_objects - start)
            first = start * N_LATENTS + latent * n_rows
            file[first : first + n_rows] = narrow[start : start + n_rows]
    file.flush()
    return n_clipped
