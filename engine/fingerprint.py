"""A quick checksum of a file, to notice that it changed."""

import hashlib
from pathlib import Path

MIB = 1 << 20


def fingerprint(path: Path, n_bytes: int = MIB) -> str:
    """Return the SHA-256 of a file's size and of its first and last bytes.

    The last MiB of a Parquet file holds its footer, with place and statistics of every column.

    Parameters
    ----------
    path : Path
    n_bytes : int
        Bytes read at each end.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(n_bytes))
        file.seek(max(0, size - n_bytes))
        digest.update(file.read(n_bytes))
    return digest.hexdigest()
