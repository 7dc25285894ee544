"""Write a simulated survey to disk in DESI's layout, file pair by file pair, resumably."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io import fits
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from . import identity
from .layout import FilePair, coadd_hdus, redrock_hdus
from .survey import SimulatedSurvey

Progress = Callable[[int, int], None]

_N_WRITERS = 2
_README = """These spectra are SIMULATED. No telescope has seen them.

Generator version {version}, seed {seed}, {n} objects.
The folders and files imitate DESI's healpix coadds (one coadd and one redrock file per cell and
program). Every coadd holds a TRUTH table; truth.parquet repeats it for the whole survey.
Written by: anomaly-explorer simulate
"""


def write_survey(
    out: Path,
    n_objects: int,
    survey: SimulatedSurvey,
    *,
    resolution: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write the first objects of a simulated survey as coadd and redrock files under `out`.

    Finished file pairs of the same version, seed and count are kept, so a killed run resumes.

    Parameters
    ----------
    out : Path
        Folder to write to; made when missing.
    n_objects : int
        Number of objects, about 500 a file.
    survey : SimulatedSurvey
    resolution : bool
        Write RESOLUTION HDUs too: 350 kB more per spectrum, as in DESI's files.
    progress : callable, optional
        Called with (objects done, objects in all) after each file.

    Raises
    ------
    InputError
        When `out` holds another survey, or is a file.
    """
    target_ids = survey.target_ids(n_objects)
    _claim(out, survey, n_objects)
    groups = list(_groups(survey, target_ids))
    done, tables = 0, []
    with ThreadPoolExecutor(_N_WRITERS) as pool:
        jobs = [pool.submit(_write_pair, out, group, resolution) for group in groups]
        for job in _until_failure(jobs):
            tables.append(job.result())
            done += len(tables[-1])
            if progress is not None:
                progress(done, n_objects)
    truth = pa.concat_tables(tables)
    _replace(out / "truth.parquet", lambda path: pq.write_table(truth, path))


def coadd_path(pair: FilePair) -> Path:
    """Return the place of a coadd file below the root, as in DESI's healpix tree."""
    folder = Path("healpix", "main", pair.program, str(pair.cell // 100), str(pair.cell))
    return folder / f"coadd-main-{pair.program}-{pair.cell}.fits"


def _until_failure(jobs: list[Future]) -> Iterator[Future]:
    try:
        yield from jobs
    finally:
        for job in jobs:
            job.cancel()  # what has not begun when one file fails, or the user interrupts


def _claim(out: Path, survey: SimulatedSurvey, n_objects: int) -> None:
    """Make the folder and its README, or refuse one that holds another survey."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, expected a folder to write the survey to.")
    text = _README.format(version=survey.version, seed=survey.seed, n=n_objects)
    readme = out / "README.txt"
    if readme.exists():
        if readme.read_text(encoding="utf-8") != text:
            raise InputError(
                f"{out} already holds another survey than version {survey.version}, seed "
                f"{survey.seed}, {n_objects} objects: see its README.txt, or choose another folder."
            )
        return
    if out.exists() and any(out.iterdir()):
        raise InputError(
            f"{out} is not empty and holds no simulated survey: choose an empty or new folder."
        )
    out.mkdir(parents=True, exist_ok=True)
    _replace(readme, lambda path: path.write_text(text, encoding="utf-8"))


def _groups(
    survey: SimulatedSurvey, target_ids: NDArray[np.int64]
) -> Iterator[tuple[FilePair, NDArray[np.int64]]]:
    for start in range(0, len(target_ids), identity.OBJECTS_PER_CELL):
        block = target_ids[start : start + identity.OBJECTS_PER_CELL]
        cell = int(identity.footprint()[start // identity.OBJECTS_PER_CELL])
        for code, program in enumerate(identity.PROGRAMS):
            if len(block[code::2]):
                yield FilePair(survey, program, cell), block[code::2]


def _write_pair(out: Path, group: tuple[FilePair, NDArray[np.int64]], resolution: bool) -> pa.Table:
    """Write one coadd and its redrock file, unless both are there; return the truth table."""
    pair, target_ids = group
    coadd = out / coadd_path(pair)
    redrock = coadd.with_name(coadd.name.replace("coadd-", "redrock-"))
    if _is_finished(coadd, group, resolution) and _is_finished(redrock, group, False):
        with fits.open(coadd) as hdus:
            return _arrow(hdus["TRUTH"].data)
    coadd.parent.mkdir(parents=True, exist_ok=True)
    batch, truth = pair.survey.spectra_with_truth(target_ids)
    hdus = coadd_hdus(pair, batch, truth, resolution=resolution)
    _replace(redrock, redrock_hdus(pair, batch).writeto)
    _replace(coadd, hdus.writeto)
    return _arrow(hdus["TRUTH"].data)


def _is_finished(path: Path, group: tuple[FilePair, NDArray[np.int64]], resolution: bool) -> bool:
    if not path.exists():
        return False
    pair, target_ids = group
    with fits.open(path) as hdus:
        header = hdus[0].header
        found = (header.get("SIMVER"), header.get("SIMSEED"), header.get("SIMCOUNT"))
        complete = not resolution or "Z_RESOLUTION" in hdus
    return complete and found == (pair.survey.version, str(pair.survey.seed), len(target_ids))


def _arrow(truth: fits.FITS_rec) -> pa.Table:
    columns = {}
    for name in truth.names:
        values = truth[name]
        is_text = values.dtype.kind in "SU"
        native = values.astype(str) if is_text else values.astype(values.dtype.newbyteorder("="))
        columns[name.lower()] = native.tolist() if is_text else np.asarray(native)
    return pa.table(columns)


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    # A file under its own name is always complete, whatever interrupts the run.
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    write(partial)
    os.replace(partial, path)
