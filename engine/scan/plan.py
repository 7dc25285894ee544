"""What to scan: every input file looked at once, sorted into batches worth about N rows each.

The plan is a pure function of the files found; it is kept beside the catalog as ``plan.json``, so
that a second run knows what is done and refuses a folder whose spectra have changed meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anomaly_explorer.engine.errors import InputError, NoSpectraError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.spectra.open import open_source

DEFAULT_BATCH_ROWS = 500_000
FITS_ENDINGS = (".fits", ".fits.gz", ".fits.fz", ".fit", ".fit.gz")
WITHOUT_SPECTRA, FAILURE, SUPERSEDED = "without spectra", "failure", "superseded"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Skipped:
    """An input that gives no objects, or fewer than it has, and why.

    `kind` is ``without spectra`` (recognised, nothing to score), ``failure`` (cannot be read) or
    ``superseded`` (the same objects come from a better file).
    """

    path: str
    kind: str
    reason: str


@dataclass(frozen=True)
class Input:
    """One readable file of spectra.

    Parameters
    ----------
    path : str
        Relative to the root of the scan.
    kind, group : str
        As the reader says.
    n_objects : int
    fingerprint : str
        Of the file's content: see `fingerprint`.
    simulation : tuple of int, optional
        (generator version, seed) of simulated spectra.
    notes : tuple of str
        What the reader found missing.
    without_rows : tuple of int
        Rows left out, because a better file has the same objects.
    """

    path: str
    kind: str
    group: str
    n_objects: int
    fingerprint: str
    simulation: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    without_rows: tuple[int, ...] = ()

    @property
    def n_scanned(self) -> int:
        """Return how many objects of this file enter the catalog."""
        return self.n_objects - len(self.without_rows)


@dataclass(frozen=True)
class ScanPlan:
    """The batches of a scan and the inputs that give none."""

    root: Path
    batches: tuple[tuple[Input, ...], ...]
    skipped: tuple[Skipped, ...]

    @property
    def inputs(self) -> Iterator[Input]:
        """Yield every input in scan order."""
        for batch in self.batches:
            yield from batch

    @property
    def simulation(self) -> tuple[int, int] | None:
        """Return (generator version, seed) when all spectra are of one simulated survey."""
        kinds = {spectra.simulation for spectra in self.inputs}
        return kinds.pop() if len(kinds) == 1 else None


@dataclass
class _Found:
    """Inputs and their ids while the plan is made."""

    inputs: list[Input] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    ids: dict[str, np.ndarray] = field(default_factory=dict)


def make_plan(
    paths: Sequence[Path], batch_rows: int = DEFAULT_BATCH_ROWS, progress: Progress | None = None
) -> ScanPlan:
    """Look at every file below the given paths and plan the batches.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders of spectra.
    batch_rows : int
        Rows a batch is filled to; a file is never split.
    progress : callable, optional
        Called with (files looked at, files).

    Raises
    ------
    InputError
        A path does not exist, or nothing below the paths holds spectra.
    """
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist: name a file or folder of spectra")
    root = _common_root([path.resolve() for path in paths])
    files = _find_files(paths)
    found = _Found()
    for i, path in enumerate(files):
        _look_at(path, root, found)
        if progress is not None:
            progress(i + 1, len(files))
    inputs = _drop_superseded(found)
    if not inputs:
        raise InputError(_nothing_sentence(paths, found.skipped))
    return ScanPlan(root, tuple(_fill(inputs, batch_rows)), tuple(found.skipped))


def _common_root(paths: Sequence[Path]) -> Path:
    """Return the folder every path is in: the folder itself when one folder is named."""
    folders = [path if path.is_dir() else path.parent for path in paths]
    root = folders[0]
    while not all(folder.is_relative_to(root) for folder in folders):
        root = root.parent
    return root


def _find_files(paths: Iterable[Path]) -> list[Path]:
    found: set[Path] = set()
    for path in paths:
        below = path.resolve().rglob("*") if path.is_dir() else [path.resolve()]
        found.update(p for p in below if p.is_file() or p.is_symlink())
    return sorted(found)


def _why_ignored(path: Path) -> tuple[str, str] | None:
    """Return kind and reason when a file need not be opened to say that it gives nothing."""
    if path.is_dir():
        return FAILURE, "a link to a folder is not followed: name that folder itself"
    if path.name.startswith("."):
        return WITHOUT_SPECTRA, "hidden file"
    if not path.name.lower().endswith(FITS_ENDINGS):
        return WITHOUT_SPECTRA, "no FITS file by its name"
    return None


def _look_at(path: Path, root: Path, found: _Found) -> None:
    name = path.relative_to(root).as_posix()
    ignored = _why_ignored(path)
    if ignored is not None:
        found.skipped.append(Skipped(name, *ignored))
        return
    try:
        source = open_source(path)
    except NoSpectraError as error:
        found.skipped.append(Skipped(name, WITHOUT_SPECTRA, str(error)))
        return
    except InputError as error:
        found.skipped.append(Skipped(name, FAILURE, str(error)))
        return
    try:
        found.ids[name] = np.asarray(source.target_ids, dtype=np.int64)
        found.inputs.append(
            Input(
                path=name,
                kind=source.kind,
                group=source.group,
                n_objects=len(source),
                fingerprint=fingerprint(path),
                simulation=source.simulation,
                notes=tuple(source.notes),
            )
        )
    finally:
        source.close()


def _drop_superseded(found: _Found) -> list[Input]:
    """Let a coadd win over uncoadded spectra of the same key, and the first of two copies."""
    groups: dict[str, list[Input]] = defaultdict(list)
    for spectra in found.inputs:
        groups[spectra.group].append(spectra)
    kept: list[Input] = []
    for members in groups.values():
        taken: set[int] = set()
        for spectra in sorted(members, key=lambda m: (m.kind == "desi spectra", m.path)):
            ids = found.ids[spectra.path].tolist()
            without = tuple(row for row, target in enumerate(ids) if target in taken)
            taken.update(ids)
            if without:
                reason = f"{len(without)} of {len(ids)} objects come from another file of the group"
                found.skipped.append(Skipped(spectra.path, SUPERSEDED, reason))
            if len(without) < len(ids):
                kept.append(Input(**{**vars(spectra), "without_rows": without}))
    return sorted(kept, key=lambda spectra: spectra.path)


def _fill(inputs: Sequence[Input], batch_rows: int) -> Iterator[tuple[Input, ...]]:
    batch: list[Input] = []
    rows = 0
    for spectra in inputs:
        if batch and rows + spectra.n_scanned > batch_rows:
            yield tuple(batch)
            batch, rows = [], 0
        batch.append(spectra)
        rows += spectra.n_scanned
    if batch:
        yield tuple(batch)


def _nothing_sentence(paths: Sequence[Path], skipped: Sequence[Skipped]) -> str:
    where = ", ".join(str(path) for path in paths)
    failures = [item for item in skipped if item.kind == FAILURE]
    if failures:
        more = f" ({len(failures) - 1} more files failed)" if len(failures) > 1 else ""
        return f"no readable spectra in {where}: {failures[0].reason}{more}"
    return f"no spectra in {where}: {len(skipped)} files, none of them FITS spectra we know"
