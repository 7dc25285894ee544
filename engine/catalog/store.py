"""The store: a directory of mapped files the explorer opens in milliseconds and never writes."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.mapped import mapped
from anomaly_explorer.engine.plane.plane import Plane
from anomaly_explorer.engine.scoring.tiers import TIERS_VERSION, stated_population

from .columns import Columns
from .latents import Latents
from .manifest import Manifest, StoredColumn
from .names import unknown_name
from .schema import N_LATENTS, schema_hash

if TYPE_CHECKING:
    from anomaly_explorer.engine.contrast.totals import Totals
    from anomaly_explorer.engine.embedding.neighbors import Neighbors
    from anomaly_explorer.engine.plane.mask import Mask

PLANE_NAMES = ("umap", "score_snr")
_ARMS = ("B", "R", "Z")


class Store:
    """N objects in map order: columns, latents and planes, all mapped and read-only.

    Open one with `Store.open`. All methods may be called from many threads. Every file is opened
    at once: a store that is built again under its name goes on as the one that was opened.

    Parameters
    ----------
    path : Path
        The directory.
    manifest : Manifest
        What it says about itself.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._described = {column.name: column for column in manifest.columns}
        self._columns = Columns(path / "columns.arrow")
        self._latents = Latents(path / "latents.f16", manifest.n_objects, manifest.latent_block)
        self._legends: dict[str, tuple[str, ...]] = {
            name: tuple(json.loads((path / "legends" / f"{name}.json").read_text("utf-8")))
            for name, column in self._described.items()
            if column.kind == "category"
        }
        self._planes = {name: Plane.open(path / "planes" / name) for name in PLANE_NAMES}
        self._target_order: NDArray[np.uint32] = mapped(path / "target_order.npy")

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Map the files of a store after checking that each is there in its full size.

        Raises
        ------
        StoreError
            When the directory is no store, of another format version, schema or tier rules, or
            incomplete.
        """
        path = Path(path)
        manifest = Manifest.read(path)
        _check_rules(path, manifest)
        for name, size in manifest.files.items():
            file = path / name
            actual = file.stat().st_size if file.is_file() else None
            if actual != size:
                found = "is missing" if actual is None else f"has {actual} bytes, expected {size}"
                raise StoreError(f"{name} of the store {path} {found}; build the store again.")
        try:
            store = cls(path, manifest)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise StoreError(
                f"The files of the store {path} cannot be opened ({error}); build it again."
            ) from error
        store._check_columns()
        return store

    def _check_columns(self) -> None:
        for name, column in self._described.items():
            values = self._columns[name] if name in self._columns else np.empty(0)
            expected = (column.dtype, self.n_objects)
            if (values.dtype.name, len(values)) != expected:
                raise StoreError(
                    f"Column {name} of the store {self.path} is not the {expected[1]} values of "
                    f"{expected[0]} that its manifest states; build the store again."
                )

    @property
    def n_objects(self) -> int:
        """Return N."""
        return self.manifest.n_objects

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return our names of all columns but the latents."""
        return tuple(self._described)

    def describe(self, name: str) -> StoredColumn:
        """Return kind, unit and meaning of a column; InputError for an unknown name."""
        if name not in self._described:
            raise InputError(unknown_name("column", name, self.column_names))
        return self._described[name]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column as it is stored, (N,), mapped and read-only.

        Categories are codes into `legend`, booleans 0 and 1; null is NaN in floats and
        `describe(name).null` elsewhere.
        """
        self.describe(name)
        return self._columns[name]

    def is_category(self, name: str) -> bool:
        """Return whether a column holds codes into a legend."""
        return self.describe(name).kind == "category"

    def legend(self, name: str) -> tuple[str, ...]:
        """Return the values of a category, sorted; code i stands for the i-th."""
        if not self.is_category(name):
            raise InputError(f"Column {name} is a {self.describe(name).kind}, it has no legend.")
        return self._legends[name]

    def latents(self, rows: ArrayLike) -> NDArray[np.float32]:
        """Return the latents of M rows in the given order, (M, 128); stored as float16."""
        return self._latents.take(self.checked_rows(rows))

    @property
    def latent_block_rows(self) -> int:
        """Return how many rows the latents of a block are of; the last one may have fewer."""
        return self._latents.block_rows

    def latent_block(self, index: int) -> NDArray[np.float16]:
        """Return the latents of one block of rows, (128, rows of the block), mapped."""
        return self._latents.block(index)

    def nearest(
        self,
        query: int | ArrayLike,
        n_nearest: int = 50,
        mask: "Mask | None" = None,
        progress: Callable[[int, int], bool] | None = None,
    ) -> "Neighbors":
        """Find the objects nearest in latent space to a row or to (128,) latents.

        See `engine.embedding.neighbors.nearest_rows`, which does it and says what it raises.
        """
        from anomaly_explorer.engine.embedding.neighbors import nearest_rows  # numba comes along

        return nearest_rows(self._latents, query, n_nearest, mask, progress)

    @cached_property
    def totals(self) -> "Totals":
        """Return the counts of every column per population, read when first asked for.

        Raises
        ------
        StoreError
            When they are missing or damaged.
        """
        from anomaly_explorer.engine.contrast.totals import open_totals

        return open_totals(self.path, self._described)

    def records(self, rows: ArrayLike, names: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Return M objects in the given order, decoded to plain Python values.

        Categories are strings, integers exact, booleans True and False, null and NaN None.
        """
        index = self.checked_rows(rows)
        wanted = self.column_names if names is None else tuple(names)
        described = [self.describe(name) for name in wanted]
        self._columns.fetch(wanted, index)
        decoded = [self._decoded(column, index) for column in described]
        return [dict(zip(wanted, values, strict=True)) for values in zip(*decoded, strict=True)]

    def _decoded(self, column: StoredColumn, rows: NDArray[np.int64]) -> list[Any]:
        values = self._columns[column.name][rows].tolist()
        if column.kind == "float":
            return [None if value != value else value for value in values]
        if column.kind == "category":
            legend = self.legend(column.name)
            return [None if value == column.null else legend[value] for value in values]
        known = bool if column.kind == "bool" else int
        return [None if value == column.null else known(value) for value in values]

    def rows_of_target(self, target_id: int) -> NDArray[np.int64]:
        """Return the rows of all objects of a target, (M,) sorted; empty when there are none."""
        ids, order = self._columns["target_id"], self._target_order
        if target_id == self._described["target_id"].null:
            return np.empty(0, np.int64)

        def id_at(place: int) -> int:
            return int(ids[order[place]])

        places = range(len(order))
        first = bisect_left(places, target_id, key=id_at)
        last = bisect_right(places, target_id, lo=first, key=id_at)
        return np.sort(order[first:last]).astype(np.int64)

    def plane(self, name: str) -> Plane:
        """Return the plane ``umap`` or ``score_snr``."""
        if name not in PLANE_NAMES:
            raise InputError(unknown_name("plane", name, PLANE_NAMES))
        return self._planes[name]

    def checked_rows(self, rows: ArrayLike) -> NDArray[np.int64]:
        """Return row numbers as (M,) int64; InputError when one is not a row of the store."""
        index = np.atleast_1d(np.asarray(rows))
        if index.size == 0:
            return np.empty(0, np.int64)
        if index.dtype.kind not in "iu" or index.ndim != 1:
            raise InputError(
                f"Rows came as {index.dtype} of shape {index.shape}; give a list of row numbers."
            )
        if int(index.min()) < 0 or int(index.max()) >= self.n_objects:
            raise InputError(
                f"Rows {index.min()} to {index.max()} were asked for; the store has rows 0 to "
                f"{self.n_objects - 1}."
            )
        return index.astype(np.int64)


def _check_rules(path: Path, manifest: Manifest) -> None:
    if manifest.tiers_version != TIERS_VERSION:
        raise StoreError(
            f"The store {path} was built with tier rules version {manifest.tiers_version}, this "
            f"program has version {TIERS_VERSION}: run build again from its catalog."
        )
    if manifest.schema_hash != schema_hash():
        raise StoreError(
            f"The store {path} was built with other columns than this program's schema has: run "
            "build again from its catalog."
        )


def info(store: Store) -> dict[str, Any]:
    """Return what a store holds, in numbers fit for JSON.

    Returns
    -------
    dict
        ``objects``, ``science_targets``, ``gated``, ``unknown``, ``columns`` (latents included),
        ``population`` (the stated one: science, or unknown where there is none of science),
        ``tiers`` and ``arms`` (name -> objects of that population), ``tiers_all`` and ``arms_all``
        (the same of all populations), ``surveys`` (name -> objects), ``model``, ``measurer``,
        ``calibrated`` (of `Manifest.calibrated`), ``simulated`` (generator
        and seed, or in words how much; None for observations),
        ``skipped`` (kind -> files).
    """
    manifest = store.manifest
    counts = manifest.counts
    populations = counts["populations"]
    return {
        "objects": store.n_objects,
        "science_targets": populations.get("science", 0),
        "gated": populations.get("gated", 0),
        "unknown": populations.get("unknown", 0),
        "columns": len(store.column_names) + N_LATENTS,
        "population": stated_population([name for name, n in populations.items() if n]),
        "tiers": dict(counts["tiers_stated"]),
        "arms": {arm: counts["arms_stated"].get(arm, 0) for arm in _ARMS},
        "tiers_all": dict(counts["tiers"]),
        "arms_all": {arm: counts["arms"].get(arm, 0) for arm in _ARMS},
        "model": dict(manifest.model),
        "measurer": dict(manifest.measurer),
        "calibrated": manifest.calibrated,
        "simulated": dict(manifest.simulated) if manifest.simulated else manifest.made_by or None,
        "surveys": dict(counts["surveys"]),
        "skipped": dict(manifest.skipped),
    }
