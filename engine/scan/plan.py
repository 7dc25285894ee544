"""What to scan: every input file looked at once, sorted into batches worth about N rows each.

The plan is a pure function of the files found; it is kept beside the catalog as ``plan.json``, so
that a second run knows what is done and refuses a folder whose spectra have changed meanwhile.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError, NoSpectraError
from anomaly_explorer.engine.fingerprint import fingerprint
from anomaly_explorer.engine.spectra.open import open_source

DEFAULT_BATCH_ROWS = 500_000
# Files looked at together: a disk or a network answers several questions as fast as one.
LOOKERS = 8
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


@dataclass(frozen=True)
class _Look:
    """What a look at one file found: an input with the ids of its objects, or why there is none."""

    skipped: Skipped | None = None
    found: Input | None = None
    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))


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
    looks = []
    with ThreadPoolExecutor(LOOKERS, thread_name_prefix="scan-look") as lookers:
        for look in lookers.map(lambda path: _look_at(path, root), files):
            looks.append(look)
            if progress is not None:
                progress(len(looks), len(files))
    skipped = [look.skipped for look in looks if look.skipped is not None]
    inputs, superseded = _drop_superseded([look for look in looks if look.found is not None])
    skipped += superseded
    if not inputs:
        raise InputError(_nothing_sentence(paths, skipped))
    return ScanPlan(root, tuple(_fill(inputs, batch_rows)), tuple(skipped))


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


def _look_at(path: Path, root: Path) -> _Look:
    name = path.relative_to(root).as_posix()
    ignored = _why_ignored(path)
    if ignored is not None:
        return _Look(Skipped(name, *ignored))
    try:
        source = open_source(path)
    except NoSpectraError as error:
        return _Look(Skipped(name, WITHOUT_SPECTRA, str(error)))
    except InputError as error:
        return _Look(Skipped(name, FAILURE, str(error)))
    try:
        found = Input(
            path=name,
            kind=source.kind,
            group=source.group,
            n_objects=len(source),
            fingerprint=fingerprint(path),
            simulation=source.simulation,
            notes=tuple(source.notes),
        )
        return _Look(found=found, ids=np.array(source.target_ids, dtype=np.int64))
    finally:
        source.close()


def _drop_superseded(looks: Sequence[_Look]) -> tuple[list[Input], list[Skipped]]:
    """Let a coadd win over uncoadded spectra of the same key, and the first of two copies."""
    groups: dict[str, list[_Look]] = defaultdict(list)
    for look in looks:
        groups[look.found.group].append(look)
    kept: list[Input] = []
    skipped: list[Skipped] = []
    for members in groups.values():
        taken: set[int] = set()
        for look in sorted(members, key=lambda m: (m.found.kind == "desi spectra", m.found.path)):
            ids = look.ids.tolist()
            without = tuple(row for row, target in enumerate(ids) if target in taken)
            taken.update(ids)
            if without:
                reason = f"{len(without)} of {len(ids)} objects come from another file of the group"
                skipped.append(Skipped(look.found.path, SUPERSEDED, reason))
            if len(without) < len(ids):
                kept.append(replace(look.found, without_rows=without))
    return sorted(kept, key=lambda spectra: spectra.path), skipped


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
