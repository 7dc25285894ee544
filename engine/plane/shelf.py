"""A shelf of computed arrays: a budget of bytes, the least used leave first, each made once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Any


class Shelf:
    """Keeps what was computed, for many threads at once.

    Parameters
    ----------
    budget : int
        Bytes kept at most; the last thing made is kept whatever its size.

    Examples
    --------
    >>> shelf = Shelf(100)
    >>> shelf.get("a", lambda: bytes(60), len) == shelf.get("a", lambda: b"other", len)
    True
    >>> len(shelf.get("b", lambda: bytes(50), len)), shelf.n_bytes
    (50, 50)
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._lock = Lock()
        self._kept: OrderedDict[Hashable, Future[Any]] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}

    @property
    def n_bytes(self) -> int:
        """Return the bytes kept."""
        with self._lock:
            return sum(self._sizes.values())

    def get(self, key: Hashable, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        """Return what is kept under a key; made when it is not there.

        Of several threads that ask at once one makes it and the others wait for it; an error of
        `make` reaches all of them, and the next who asks tries again.
        """
        with self._lock:
            kept = self._kept.get(key)
            is_mine = kept is None
            if kept is None:
                kept = self._kept[key] = Future()
            self._kept.move_to_end(key)
        if is_mine:
            self._make(key, kept, make, size)
        return kept.result()

    def peek(self, key: Hashable) -> Any:
        """Return what is kept under a key; None when it is not there, or not yet."""
        with self._lock:
            if key not in self._sizes:
                return None
            self._kept.move_to_end(key)
            kept = self._kept[key]
        return kept.result()

    def _make(
        self,
        key: Hashable,
        kept: "Future[Any]",
        make: Callable[[], Any],
        size: Callable[[Any], int],
    ) -> None:
        try:
            made = make()
            n_bytes = size(made)
        except BaseException as error:
            with self._lock:
                del self._kept[key]
            kept.set_exception(error)
            return
        with self._lock:
            self._sizes[key] = n_bytes
            self._drop(key)
        kept.set_result(made)

    def _drop(self, newest: Hashable) -> None:
        """Let go of the least used until the rest fits; what is being made stays."""
        total = sum(self._sizes.values())
        for key in [key for key in self._kept if key in self._sizes and key != newest]:
            if total <= self._budget:
                return
            total -= self._sizes.pop(key)
            del self._kept[key]
