"""The columns of a store: one Arrow file, mapped, whose pages are fetched before they are touched.

A page of a table, or all that is known of one object, lies at hundreds of places of the file. Where
those are not in memory, touching one after the other waits for the disk as many times; told of all
of them first, the kernel fetches them at once.
"""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# More rows than a person looks at are read faster by going through the file.
_MOST_ROWS = 256


class Columns:
    """The K columns of N objects, mapped and read-only; may be used from many threads.

    Parameters
    ----------
    path : Path
        An Arrow file of one batch without nulls.

    Raises
    ------
    pyarrow.ArrowException, OSError, ValueError
        The file cannot be opened, or holds no such batch.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        whole = pa.py_buffer(self._map)
        batch = pa.ipc.open_file(whole).get_batch(0)
        self._values: dict[str, NDArray[Any]] = {
            name: _view(batch.column(i)) for i, name in enumerate(batch.schema.names)
        }
        self._starts = {
            name: values.__array_interface__["data"][0] - whole.address
            for name, values in self._values.items()
        }

    def __contains__(self, name: str) -> bool:
        """Return whether there is a column of that name."""
        return name in self._values

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column, (N,); KeyError for an unknown name."""
        return self._values[name]

    def fetch(self, names: Iterable[str], rows: NDArray[np.integer]) -> None:
        """Ask for what (M,) rows of some columns lie on, and do not wait for it.

        Nothing is asked for where M is large, or the system knows no such request.
        """
        if len(rows) > _MOST_ROWS or not hasattr(mmap, "MADV_WILLNEED"):
            return
        for name in names:
            places = self._starts[name] + rows * self._values[name].itemsize
            for page in np.unique(places // mmap.PAGESIZE).tolist():
                self._map.madvise(mmap.MADV_WILLNEED, page * mmap.PAGESIZE, 1)


def _view(column: pa.Array) -> NDArray[Any]:
    """Return a column as it lies in the file; `Array.to_numpy` would import pandas first."""
    if column.null_count or not pa.types.is_primitive(column.type) or column.type.bit_width < 8:
        raise ValueError(f"a column of {column.type} with {column.null_count} nulls is no column")
    values = np.frombuffer(column.buffers()[1], column.type.to_pandas_dtype())
    return values[column.offset :][: len(column)]
