"""What every export says of itself: store, model, populations, tiers, time."""

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from .store import Store


def provenance_of(
    store: Store, n_objects: int, chunks: Iterable[NDArray[np.int64]]
) -> dict[str, str]:
    """Return where exported objects come from, as text by keyword.

    Parameters
    ----------
    store : Store
        Where from.
    n_objects : int
        M.
    chunks : iterable of (K,) int64
        Their rows, some at a time.
    """
    manifest = store.manifest
    said = {
        "store": store.path.name,
        "model": f"{manifest.model.get('name')} {manifest.model.get('id')}",
        "objects": f"{n_objects:,} of {store.n_objects:,} objects; population: "
        + (_populations(store, chunks) or "-"),
        "tiers": _tiers(store),
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if manifest.made:
        said["data"] = f"{manifest.made_by}: no telescope saw what is simulated"
    return said


def _populations(store: Store, chunks: Iterable[NDArray[np.int64]]) -> str:
    codes, legend = store.column("population"), store.legend("population")
    counts = np.zeros(len(legend), np.int64)
    for rows in chunks:
        found = codes[rows]
        counts += [np.count_nonzero(found == code) for code in range(len(legend))]
    return ", ".join(
        f"{count:,} {name}" for name, count in zip(legend, counts, strict=True) if count
    )


def _tiers(store: Store) -> str:
    manifest = store.manifest
    bits = ", ".join(f"{bit} {name}" for bit, name in enumerate(manifest.tiers))
    return f"tier_bits, bit by bit: {bits} (tier rules version {manifest.tiers_version})"
