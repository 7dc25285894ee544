"""A file that is only written to, and whose content is taken away as it comes."""

import io
from typing import Any


class Outlet(io.RawIOBase):
    """Lets writers that want a file feed a stream.

    Examples
    --------
    >>> outlet = Outlet()
    >>> outlet.write(b"ab"), outlet.take(), outlet.write(b"c"), outlet.tell(), outlet.take()
    (2, b'ab', 1, 3, b'c')
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._n_bytes = 0

    def writable(self) -> bool:
        """Return that this can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Take some bytes, and return how many."""
        piece = bytes(data)
        self._waiting.append(piece)
        self._n_bytes += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how many bytes were written in all."""
        return self._n_bytes

    def take(self) -> bytes:
        """Return what was written since the last time, and forget it."""
        waiting, self._waiting = self._waiting, []
        return b"".join(waiting)
