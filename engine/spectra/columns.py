"""Columns of a batch in the types of the catalog schema."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.catalog.schema import BY_NAME

_FILE_ID_FIRST = 1 << 61  # DESI uses bits 0-61 for real targets only with SKY (59) or GAIADR (60)


def cast_column(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return values in the type of the catalog column `name`, text stripped of blanks.

    Parameters
    ----------
    name : str
        A name of `engine.catalog.schema`.
    values : (N,) array
        Values as the file has them.
    """
    dtype = BY_NAME[name].dtype
    if dtype == "string":
        return np.char.strip(np.asarray(values).astype(str))
    return np.asarray(values).astype(dtype)


def file_target_ids(content_hash: bytes, n: int) -> NDArray[np.int64]:
    """Return ids for objects of a file that names none: a function of (content, row) only.

    Returns
    -------
    (n,) int64
        In [2**61, 2**62), where no survey read here has ids.
    """
    digests = b"".join(
        hashlib.blake2b(content_hash + row.to_bytes(8, "little"), digest_size=8).digest()
        for row in range(n)
    )
    low = np.frombuffer(digests, dtype="<u8") & np.uint64(_FILE_ID_FIRST - 1)
    return (low | np.uint64(_FILE_ID_FIRST)).astype(np.int64)


def match_rows(wanted: NDArray[np.int64], have: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where each wanted id stands among `have`, -1 where it does not.

    Parameters
    ----------
    wanted : (N,) int64
        Ids to look for.
    have : (M,) int64
        Ids in any order; of several equal ones the first counts.

    Returns
    -------
    (N,) intp
    """
    if len(have) == 0:
        return np.full(len(wanted), -1, dtype=np.intp)
    order = np.argsort(have, kind="stable")
    place = np.minimum(np.searchsorted(have[order], wanted), len(have) - 1)
    found = order[place]
    return np.where(have[found] == wanted, found, -1)


def take_matched(values: NDArray[Any], match: NDArray[np.intp]) -> NDArray[Any]:
    """Return values at matched rows, (N,); NaN, -1 or empty text where there is no match."""
    if len(values) == 0:
        missing: Any = {"f": np.nan, "U": ""}.get(values.dtype.kind, -1)
        return np.full(len(match), missing, dtype=values.dtype)
    taken = values[match]
    if taken.dtype.kind == "f":
        taken[match < 0] = np.nan
    else:
        taken[match < 0] = "" if taken.dtype.kind == "U" else -1
    return taken
