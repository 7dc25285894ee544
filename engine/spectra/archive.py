"""The files behind a catalog, opened when a spectrum is asked for and kept open for a while."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from anomaly_explorer.engine.errors import InputError

from .open import open_source
from .source import ObjectKey, SpectrumSource
from .spectrum import SpectrumBatch, concatenate


@dataclass
class _OpenFile:
    """A source that threads share: one reads at a time, nobody closes it meanwhile."""

    stamp: tuple[int, int]  # size in bytes, modification time in ns
    lock: threading.Lock = field(default_factory=threading.Lock)
    source: SpectrumSource | None = None
    n_users: int = 0

    def close(self) -> None:
        if self.source is not None:
            self.source.close()


class FileArchive:
    """Random access to the spectra below one folder; safe to use from several threads.

    Parameters
    ----------
    root : Path
        The folder that was scanned; `ObjectKey.source_file` is relative to it.
    max_open : int
        Files kept open when nobody reads them; the least recently used is closed first.
    opener : callable
        Opens one file.

    Raises
    ------
    InputError
        When root is no folder.
    """

    def __init__(
        self,
        root: Path,
        max_open: int = 32,
        opener: Callable[[Path], SpectrumSource] = open_source,
    ) -> None:
        if not root.is_dir():
            raise InputError(f"{root} is no folder, expected the one that was scanned for spectra.")
        self.root = root
        self._max_open = max_open
        self._opener = opener
        self._lock = threading.Lock()
        self._files: OrderedDict[str, _OpenFile] = OrderedDict()

    def read(self, keys: Sequence[ObjectKey]) -> SpectrumBatch:
        """Read the spectra of the given objects, in the given order, of any mix of files.

        Raises
        ------
        InputError
            When a path is absolute or leaves the root, when a file is missing or unreadable, or
            when it holds another object at that row.
        ValueError
            When no key is given.
        """
        by_file: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            if key.source_file is None or key.row_in_file is None:
                raise InputError(
                    f"the catalog does not say where the spectrum of {key.target_id} is: it has "
                    "no source_file; scan the spectra with this version to look at them"
                )
            by_file.setdefault(key.source_file, []).append(place)
        parts = [self._read_file(name, [keys[i] for i in at]) for name, at in by_file.items()]
        order = np.argsort(np.concatenate([*by_file.values(), []]).astype(np.intp))
        return concatenate(parts).take(order)

    def close(self) -> None:
        """Close every file that nobody is reading; those being read close when they are done."""
        with self._lock:
            self._max_open = 0
            self._evict()

    def _read_file(self, name: str, keys: Sequence[ObjectKey]) -> SpectrumBatch:
        rows = [key.row_in_file for key in keys]
        with self._borrow(name) as source:
            outside = [row for row in rows if not 0 <= row < len(source)]
            if outside:
                raise InputError(
                    f"{name} has {len(source)} objects and no row {outside[0]}: the file changed "
                    "since the catalog was made; scan it again."
                )
            for key, found in zip(keys, source.target_ids[rows], strict=True):
                if key.target_id != int(found):
                    raise InputError(
                        f"{name} holds target {int(found)} at row {key.row_in_file}, the catalog "
                        f"says {key.target_id}: the file changed since the catalog was made; "
                        "scan it again."
                    )
            return source.read(rows)

    @contextmanager
    def _borrow(self, name: str) -> Iterator[SpectrumSource]:
        path = self._checked_path(name)
        entry = self._entry(name, path)
        try:
            with entry.lock:
                if entry.source is None:
                    entry.source = self._opener(path)
                yield entry.source
        finally:
            with self._lock:
                entry.n_users -= 1
                if entry.n_users == 0 and self._files.get(name) is not entry:
                    entry.close()
                elif entry.source is None:
                    self._files.pop(name, None)
                self._evict()

    def _entry(self, name: str, path: Path) -> _OpenFile:
        """Return the shared entry of a file, a new one when the file changed on disk."""
        try:
            status = path.stat()
        except OSError as error:
            raise InputError(
                f"{name} is not in {self.root} ({error.strerror}); give the folder that was "
                "scanned for the catalog."
            ) from error
        stamp = (status.st_size, status.st_mtime_ns)
        with self._lock:
            entry = self._files.pop(name, None)
            if entry is not None and entry.stamp != stamp:
                if entry.n_users == 0:
                    entry.close()
                entry = None
            entry = entry or _OpenFile(stamp)
            self._files[name] = entry
            entry.n_users += 1
            return entry

    def _evict(self) -> None:
        idle = [name for name, entry in self._files.items() if entry.n_users == 0]
        for name in idle[: max(len(self._files) - self._max_open, 0)]:
            self._files.pop(name).close()

    def _checked_path(self, name: str) -> Path:
        is_absolute = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).anchor)
        if not name or is_absolute or ".." in PurePosixPath(name.replace("\\", "/")).parts:
            raise InputError(
                f"the catalog names {name!r} as source file, expected a path below the scanned "
                "folder; this catalog cannot be trusted."
            )
        return self.root / name
