"""One batch on disk: a task that says what goes into it, and the function that makes it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from anomaly_explorer.engine.catalog.folder import BATCH_NAME
from anomaly_explorer.engine.catalog.schema import arrow_schema
from anomaly_explorer.engine.errors import InputError, StoreError

from .atomic import replace_file
from .plan import Input
from .scorer import Scorer
from .table import REPEATING
from .worker import SKIPPED_KEY, BatchScan

PLAN = "plan.json"
# Rows of a row group: what a process holds of a batch while it writes it, about 80 MB.
GROUP_ROWS = 65_536


@dataclass(frozen=True)
class BatchTask:
    """What one worker has to do.

    Parameters
    ----------
    number : int
        Of the batch.
    catalog, root : str
        Folder to write into, and folder the paths of the inputs are relative to.
    inputs : tuple of Input
    plan_digest : str
        SHA-256 of the plan the batch belongs to: see `plan_digest`.
    """

    number: int
    catalog: str
    root: str
    inputs: tuple[Input, ...]
    plan_digest: str

    @property
    def path(self) -> Path:
        """Return the file to make."""
        return batch_path(Path(self.catalog), self.number)

    @property
    def n_objects(self) -> int:
        """Return how many objects are planned for the batch."""
        return sum(spectra.n_scanned for spectra in self.inputs)


def batch_path(catalog: Path, number: int) -> Path:
    """Return the file of a batch."""
    return catalog / BATCH_NAME.format(f"{number:04d}")


def plan_digest(catalog: Path) -> str:
    """Return the SHA-256 of a catalog's plan; empty where there is none."""
    try:
        return sha256((catalog / PLAN).read_bytes()).hexdigest()
    except OSError:
        return ""


def make_batch(
    task: BatchTask,
    scorer: Scorer,
    device: torch.device,
    advance: Callable[[int], None] | None = None,
) -> None:
    """Scan the files of a task and write its batch, row group by row group.

    Parameters
    ----------
    task : BatchTask
    scorer : Scorer
    device : torch.device
        Where to run; the network is moved there.
    advance : callable, optional
        Called with the number of objects done since the last call.

    Raises
    ------
    InputError
        The root of the spectra is not there.
    StoreError
        The folder was given to another plan meanwhile, as after the client was killed.
    ExplorerError
        The disk is full.
    """
    root = Path(task.root)
    if not root.is_dir():
        raise InputError(
            f"{root} is no folder here: every worker needs the spectra under the same path"
        )
    scan = BatchScan(root, task.inputs, scorer, device)

    def write(temporary: Path) -> None:
        write_batch(temporary, scan.tables(advance), scan.skipped_json)
        if plan_digest(Path(task.catalog)) != task.plan_digest:
            raise StoreError(
                f"{task.catalog} has another plan than when this scan began: run again"
            )

    replace_file(task.path, write)


def write_batch(
    path: Path, tables: Iterable[pa.Table], skipped: Callable[[], bytes] = lambda: b"[]"
) -> None:
    """Write the tables of a batch, row group by row group.

    Parameters
    ----------
    path : Path
        File to make.
    tables : iterable of pyarrow.Table
        With `schema.arrow_schema()`, in order.
    skipped : callable
        Asked at the end for the inputs left out, as JSON.
    """
    waiting: list[pa.Table] = []
    n_waiting = 0
    # Floats hardly repeat: as dictionaries they would take half as much again.
    with pq.ParquetWriter(
        path, arrow_schema(), compression="zstd", use_dictionary=list(REPEATING)
    ) as writer:
        for table in tables:
            waiting.append(table)
            n_waiting += len(table)
            if n_waiting >= GROUP_ROWS:
                writer.write_table(pa.concat_tables(waiting))
                waiting, n_waiting = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
        writer.add_key_value_metadata({SKIPPED_KEY: skipped()})


def read_batch(path: Path, names: list[str]) -> pa.Table:
    """Read columns of a batch file under their catalog names.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    try:
        return pq.read_table(path, columns=names)
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}): delete it and scan again, the others are kept"
        ) from None
