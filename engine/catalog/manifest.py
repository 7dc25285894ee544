"""What a store says about itself: `manifest.json`, as frozen value objects."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from anomaly_explorer.engine.errors import StoreError

FORMAT = "anomaly-explorer store"
FORMAT_VERSION = 3
_VERDICTS = {None: "not judged: too few normals", True: "healthy", False: "NOT healthy"}


@dataclass(frozen=True)
class StoredColumn:
    """One column of a store.

    Parameters
    ----------
    name, catalog_name : str
        Our name, and the name in Parquet batches and exports.
    kind : str
        ``float``, ``integer``, ``bool``, ``category`` (codes into a legend) or ``bits``.
    dtype : str
        NumPy type on disk.
    unit, meaning : str
        As in `schema.Column`.
    null : int or None
        The stored value that stands for null; None for floats, where it is NaN, and for bits.
    n_null : int
        How many objects have none.
    n_legend : int
        Entries of the legend of a category.
    """

    name: str
    catalog_name: str
    kind: str
    dtype: str
    unit: str = ""
    meaning: str = ""
    null: int | None = None
    n_null: int = 0
    n_legend: int = 0


@dataclass(frozen=True)
class Batch:
    """One Parquet batch a store was built from; `fingerprint` is that of `engine.fingerprint`."""

    name: str
    n_rows: int
    size: int
    fingerprint: str


@dataclass(frozen=True)
class Manifest:
    """Everything a store says of itself but the legends.

    Parameters
    ----------
    n_objects : int
        N.
    columns : tuple of StoredColumn
        In the order of `columns.arrow`.
    files : mapping of str to int
        Size in bytes of every other file of the store, by path inside it.
    checksums : mapping of str to str
        SHA-256 of the same files, in hexadecimal digits.
    batches : tuple of Batch
        What it was built from, in order.
    schema_hash : str
        Hash of the names and types of the schema that built it.
    tiers : tuple of str
        Tier of each bit of `tier_bits`, from bit 0.
    tiers_version : int
        Version of the tier rules.
    counts : mapping of str to mapping of str to int
        Objects per ``populations``, ``tiers``, ``arms`` and ``surveys``; ``tiers_stated`` and
        ``arms_stated`` are those of the stated population alone.
    ranked : mapping of str to int
        Objects that have a rank, per population.
    model : mapping
        ``id``, ``name`` and ``sha256`` of the model that scored; None where not known.
    measurer : mapping
        The same of the measurer of the calibrated score.
    calibration : mapping
        What `calibration.json` of the catalog says: its normals and its health, by survey; empty
        where the catalog was not calibrated.
    simulated : mapping or None
        Generator version and seed where all is of one simulated survey, which can be made again.
    embedding : mapping
        How the map was made.
    skipped : mapping of str to int
        Files the scan left out, per kind.
    derived : tuple of str
        Columns that the catalog lacks in part and the build worked out.
    ignored_columns : tuple of str
        Columns of the batches that the schema does not know.
    n_latents_clipped : int
        Latent values beyond the range of float16.
    latent_block : int
        Rows per block of the latents.
    notes : tuple of str
        Sentences of the scan about what is missing or degraded.
    """

    n_objects: int
    columns: tuple[StoredColumn, ...]
    files: Mapping[str, int]
    checksums: Mapping[str, str]
    batches: tuple[Batch, ...]
    schema_hash: str
    tiers: tuple[str, ...]
    tiers_version: int
    counts: Mapping[str, Mapping[str, int]]
    ranked: Mapping[str, int]
    model: Mapping[str, Any]
    measurer: Mapping[str, Any]
    calibration: Mapping[str, Any]
    simulated: Mapping[str, Any] | None
    embedding: Mapping[str, Any]
    skipped: Mapping[str, int]
    derived: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    n_latents_clipped: int
    latent_block: int
    notes: tuple[str, ...] = field(default=())

    @property
    def calibrated(self) -> dict[str, Any] | None:
        """Return how many ``objects`` have a sigma, how many normals were ``fitted``, and health.

        Health is one phrase under the name of each survey. None without a calibration.
        """
        said = self.calibration
        if not said:
            return None
        surveys = {
            name: _VERDICTS[(survey["health"] or {}).get("is_healthy")]
            for name, survey in said["surveys"].items()
        }
        return {"objects": said["n_scored"], "fitted": said["n_fitted"], **surveys}

    @property
    def has_sigma(self) -> bool:
        """Return whether any object has a calibrated score: of few normals nobody has."""
        return bool(self.calibration.get("n_scored"))

    @property
    def leading_score(self) -> str:
        """Return the score people are led by: the calibrated one where any object has it."""
        return "sigma_astro" if self.has_sigma else "score_mse"

    @property
    def made(self) -> str:
        """Return ``simulated``, ``partly simulated``, or nothing where a telescope saw it all."""
        n = self.counts["surveys"].get("simulated", 0)
        if self.simulated or 0 < n == self.n_objects:
            return "simulated"
        return "partly simulated" if n else ""

    @property
    def made_by(self) -> str:
        """Return what `made` is, with the generator or how many objects; empty where nothing is."""
        if self.simulated:
            facts = self.simulated
            return f"simulated (generator {facts['generator_version']}, seed {facts['seed']})"
        if not self.made:
            return ""
        n = self.counts["surveys"]["simulated"]
        return f"{self.made} ({n:,} of {self.n_objects:,} objects)"

    def write(self, store: Path) -> None:
        """Write `manifest.json` into a store directory."""
        content = {"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}
        (store / "manifest.json").write_text(_signed(content), encoding="utf-8")

    @classmethod
    def read(cls, store: Path) -> "Manifest":
        """Read the manifest of a store directory.

        Raises
        ------
        StoreError
            When the directory is no store, or one of another format version.
        """
        content = _content(store)
        try:
            known = {f.name: content[f.name] for f in fields(cls)}
            known["columns"] = tuple(StoredColumn(**c) for c in known["columns"])
            known["batches"] = tuple(Batch(**b) for b in known["batches"])
            for name in ("n_objects", "latent_block"):
                if not isinstance(known[name], int) or known[name] < 1:
                    raise TypeError(f"{name} {known[name]!r}")
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"The manifest of {store} lacks or garbles {error}; build the store again."
            ) from error
        for name in ("tiers", "derived", "ignored_columns", "notes"):
            known[name] = tuple(known[name])
        return cls(**known)


def is_untouched(store: Path) -> bool:
    """Return whether `manifest.json` is, byte by byte, what `Manifest.write` wrote."""
    try:
        text = (store / "manifest.json").read_text(encoding="utf-8")
        content = json.loads(text)
        del content["digest"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return text == _signed(content)


def _signed(content: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return json.dumps({**content, "digest": digest}, indent=1) + "\n"


def is_store(path: Path) -> bool:
    """Return whether a directory holds a store of ours, of any format version."""
    try:
        content = json.loads((path / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT


def _content(store: Path) -> dict[str, Any]:
    try:
        content = json.loads((store / "manifest.json").read_text())
    except OSError as error:
        raise StoreError(
            f"{store} is not a store, it has no readable manifest.json; "
            f"build one with `anomaly-explorer build CATALOG {store}`."
        ) from error
    except ValueError as error:
        raise StoreError(
            f"The manifest of {store} is not JSON ({error}); build the store again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise StoreError(f"{store} has a manifest.json that is not one of a store of ours.")
    if content.get("format_version") != FORMAT_VERSION:
        raise StoreError(
            f"The store {store} has format version {content.get('format_version')}, this program "
            f"reads version {FORMAT_VERSION}; build the store again from its catalog."
        )
    return content
