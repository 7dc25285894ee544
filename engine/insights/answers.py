"""The findings of a store as they are kept beside it: `STORE.insights.json`.

The store itself is read-only. The file says of which store its findings are: those of one that was
built again since are stale, and said to be.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from anomaly_explorer.engine.catalog.manifest import Manifest
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.scan.atomic import replace_file

FORMAT, FORMAT_VERSION = "anomaly-explorer insights", 1
_MOST_BYTES = 50 * 2**20


@dataclass(frozen=True)
class Answers:
    """What is kept of a store's findings.

    Parameters
    ----------
    insights : mapping of str to dict
        By name, as `run.find_insights` returns them.
    identity : str
        Of the store they are of.
    """

    insights: Mapping[str, Mapping[str, Any]]
    identity: str

    def is_of(self, manifest: Manifest) -> bool:
        """Return whether they are of the store with this manifest; else they are stale."""
        return self.identity == identify(manifest)


def identify(manifest: Manifest) -> str:
    """Return what tells a store from every other: a hash of all it says of itself.

    The checksums of its files are part of that.
    """
    return hashlib.sha256(json.dumps(asdict(manifest), sort_keys=True).encode()).hexdigest()


def path_beside(store: Path) -> Path:
    """Return the file beside a store.

    >>> path_beside(Path("data/store")).as_posix()
    'data/store.insights.json'
    """
    store = store.absolute() if not store.name else store
    return store.with_name(store.name + ".insights.json")


def write_answers(path: Path, answers: Answers) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    ExplorerError
        The disk is full, or the folder is gone.
    """
    content = {
        "format": FORMAT, "format_version": FORMAT_VERSION, "store": answers.identity,
        "insights": dict(answers.insights),
    }  # fmt: skip
    text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is no number")
    return value


def read_answers(path: Path) -> Answers | None:
    """Read a file; None where there is none.

    Raises
    ------
    InputError
        When it is no file of ours, or of another format version.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES:,} bytes")
        text = path.read_text(encoding="utf-8")
        content = json.loads(text, parse_float=_finite, parse_constant=_finite)
        if (content["format"], content["format_version"]) != (FORMAT, FORMAT_VERSION):
            raise ValueError("another format")
        insights = {str(k): dict(v) for k, v in content["insights"].items()}
        return Answers(insights, str(content["store"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path.name} does not hold findings this program can read ({error}): run "
            "`anomaly-explorer insights` again."
        ) from None
