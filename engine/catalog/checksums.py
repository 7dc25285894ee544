"""SHA-256 of every file of a store: written at the build, compared on demand."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from anomaly_explorer.engine.errors import StoreError

from .manifest import Manifest, is_untouched

_CHUNK = 1 << 23
_THREADS = 2
Advance = Callable[[int, int], None]


def hash_files(root: Path, names: Iterable[str], advance: Advance | None = None) -> dict[str, str]:
    """Return the SHA-256 of files, by path inside `root`.

    Parameters
    ----------
    root : Path
    names : iterable of str
    advance : callable, optional
        Called with (MiB done, MiB); from several threads, one at a time.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    names = sorted(names, key=lambda name: -(root / name).stat().st_size)
    total = sum((root / name).stat().st_size for name in names)
    lock, done = threading.Lock(), 0

    def count(n_bytes: int) -> None:
        nonlocal done
        with lock:
            done += n_bytes
            if advance is not None:
                advance(done >> 20, total >> 20)

    # Hashing frees the interpreter, and the two large files of a store are about as large.
    with ThreadPoolExecutor(_THREADS) as threads:
        found = threads.map(lambda name: _hash(root / name, count), names)
        return dict(sorted(zip(names, found, strict=True)))


def _hash(path: Path, count: Callable[[int], None]) -> str:
    digest, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while n := file.readinto(buffer):
            digest.update(buffer[:n])
            count(n)
    return digest.hexdigest()


def sync_files(root: Path, names: Iterable[str]) -> None:
    """Wait until files are on the disk itself, not only in the memory of the machine."""
    for name in names:
        with (root / name).open("rb") as file:
            os.fsync(file.fileno())


def verify_store(path: Path, advance: Advance | None = None) -> int:
    """Compare every byte of a store with what its build wrote; return the number of files.

    Parameters
    ----------
    path : Path
        A store of this program's format version.
    advance : callable, optional
        Called with (MiB done, MiB).

    Raises
    ------
    StoreError
        It is no store, or a file is missing or differs; the sentence names every such file.
    """
    path = Path(path)
    manifest = Manifest.read(path)
    if not is_untouched(path):
        raise _damaged(path, ["manifest.json"])
    bad = [name for name in manifest.checksums if not (path / name).is_file()]
    try:
        found = hash_files(path, manifest.checksums.keys() - set(bad), advance)
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be read ({error.strerror}); build the store again."
        ) from error
    bad += [name for name, digest in found.items() if digest != manifest.checksums[name]]
    if bad:
        raise _damaged(path, bad)
    return len(found) + 1


def _damaged(path: Path, names: list[str]) -> StoreError:
    return StoreError(
        f"The store {path} is damaged: {', '.join(names)} not as the build wrote it; build the "
        "store again from its catalog."
    )
