"""A quick checksum of a file, to notice that it changed."""

import hashlib
from pathlib import Path

END_BYTES = 1 << 20


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file's size and of its first and last MiB.

    The last MiB of a Parquet file holds its footer, with place and statistics of every column.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(END_BYTES))
        file.seek(max(0, size - END_BYTES))
        digest.update(file.read(END_BYTES))
    return digest.hexdigest()
