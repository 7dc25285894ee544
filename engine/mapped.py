"""Arrays in files, mapped into memory."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# NumPy reads the header of a file with `ast.literal_eval`, and CPython before 3.11.8 counts the
# depth of every thread's tree in one place: two headers read at once may raise SystemError
# (CPython issue 106905).
_header = threading.Lock()


def mapped(path: Path) -> NDArray[Any]:
    """Return the array of a `.npy` file, of its own shape, mapped read-only; of any thread.

    It is a plain view of the map: compiled code knows no `np.memmap`.

    Raises
    ------
    OSError
        The file cannot be read.
    ValueError
        It holds no array, or fewer bytes than its header says.
    """
    with _header:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
