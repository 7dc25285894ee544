"""Brings the latents of a catalog into store order, through the disk.

A batch holds rows of every part of the map. Written where they belong one by one they would dirty
every page of the file once per batch; so each batch is first sorted by store row and laid aside as
float16, and then every block of the store takes its rows from all of them in one sequential pass.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from anomaly_explorer.engine.mapped import mapped
from anomaly_explorer.engine.threads import one_thread

from .folder import CatalogFolder
from .journal import Journal
from .latents import BLOCK_ROWS, LATENT_TYPE
from .schema import BY_NAME, LATENT_NAMES, N_LATENTS

_LARGEST = float(np.finfo(LATENT_TYPE).max)
# Rows turned at a time: few enough to stay in the processor's cache.
_PIECE = 4096
_CATALOG_NAMES = tuple(BY_NAME[name].catalog_name for name in LATENT_NAMES)
Advance = Callable[[int, int], None]


class LatentScatter:
    """The latents of a catalog on their way into `latents.f16`.

    Parameters
    ----------
    folder : CatalogFolder
    journal : Journal
        Knows which batches are laid aside; they stand in its folder, N * 264 bytes in all.
    """

    def __init__(self, folder: CatalogFolder, journal: Journal) -> None:
        self._folder = folder
        self._journal = journal
        self._path = journal.folder / "latents"

    def lay_aside(self, places: NDArray[np.integer], advance: Advance) -> int:
        """Sort every batch by store row; return how many values float16 clips to its range.

        Parameters
        ----------
        places : (N,) integer
            Store row of each catalog row.
        advance : callable
            Called with (batches done, batches).
        """
        self._path.mkdir(exist_ok=True)
        names = self._names()
        for number, (name, where) in enumerate(zip(names, self._folder.slices(), strict=True)):
            if name not in self._journal:
                with one_thread():
                    n_clipped = self._lay_aside_one(number, name, places[where])
                self._journal.finish(name, {"n_clipped": n_clipped})
            advance(number + 1, len(names))
        return sum(self._journal[name]["n_clipped"] for name in names)

    def _names(self) -> list[str]:
        return [f"latents {number:04d}" for number in range(len(self._folder.batches))]

    def _lay_aside_one(self, number: int, name: str, places: NDArray[np.integer]) -> int:
        rows = np.empty((len(places), N_LATENTS), LATENT_TYPE)
        n_clipped, start = 0, 0
        for arrays in self._folder.row_groups(number, _CATALOG_NAMES):
            for block in _blocks(arrays):
                stop = start + len(block[0])
                n_clipped += _narrow(block, rows[start:stop])
                start = stop
        if start == 0 and len(places):
            rows[:] = np.nan
        order = np.argsort(places)
        np.save(self._path / f"{name}.places.npy", places[order].astype(np.uint32))
        np.save(self._path / f"{name}.npy", rows[order])
        return n_clipped

    def write(self, path: Path, n_objects: int, advance: Advance) -> None:
        """Write the blocks of `path`, (128, rows) each, from all that is laid aside."""
        places = [mapped(self._path / f"{name}.places.npy") for name in self._names()]
        parts = [mapped(self._path / f"{name}.npy") for name in self._names()]
        firsts = range(0, n_objects, BLOCK_ROWS)
        borders = [np.searchsorted(there, [*firsts, n_objects]) for there in places]
        with path.open("wb") as file:
            for index, first in enumerate(firsts):
                block = np.empty((min(BLOCK_ROWS, n_objects - first), N_LATENTS), LATENT_TYPE)
                for there, part, border in zip(places, parts, borders, strict=True):
                    mine = slice(border[index], border[index + 1])
                    block[there[mine] - first] = part[mine]
                file.write(np.ascontiguousarray(block.T).data)
                advance(index + 1, len(firsts))

    def drop(self) -> None:
        """Delete what is laid aside."""
        shutil.rmtree(self._path, ignore_errors=True)


def _blocks(arrays: list[pa.ChunkedArray | None]) -> Iterator[list[NDArray[np.float32]]]:
    """Yield a row group in small pieces; a latent that is not there is all NaN."""
    n = next((len(array) for array in arrays if array is not None), 0)
    columns = [None if array is None else array.to_numpy() for array in arrays]
    for start in range(0, n, _PIECE):
        stop = min(start + _PIECE, n)
        nothing = np.full(stop - start, np.nan, np.float32)
        yield [nothing if values is None else values[start:stop] for values in columns]


def _narrow(columns: list[NDArray[np.float32]], out: NDArray[np.float16]) -> int:
    """Write 128 columns of n values as n rows of float16; return how many were clipped."""
    block = torch.from_numpy(np.stack(columns))
    n_clipped = int(torch.count_nonzero(block.abs() > _LARGEST))
    if n_clipped:
        block.clamp_(-_LARGEST, _LARGEST)
    torch.from_numpy(out).copy_(block.half().T)
    return n_clipped
