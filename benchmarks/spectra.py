"""Steps that touch spectra: simulate, scan, read, reconstruct."""

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from astropy.io import fits

from anomaly_explorer.engine.benchmark.sample import draw_sample
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.embedding.run import embed_catalog
from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.inspection import Inspector
from anomaly_explorer.engine.model.reconstructor import Reconstructor
from anomaly_explorer.engine.model.stack import stack_rows
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.scan.plan import make_plan
from anomaly_explorer.engine.scan.run import batch_path, read_batch, run_scan
from anomaly_explorer.engine.scan.scorer import Scorer
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.simulation.write import write_survey
from anomaly_explorer.engine.spectra.archive import FileArchive
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.source import ObjectKey

from .report import Comparison, table
from .timing import Timing, measure

# 0.6 GB in 14 files: enough for a disk to show its speed.
N_OBJECTS = 6500
TURNS = 7
N_LANDMARKS, N_STACKED, N_SCORED = 300, 1000, 16_384
SEED = 11
IMAGES = tuple(f"{arm}_{what}" for arm in "BRZ" for what in ("FLUX", "IVAR", "MASK"))
CPU = torch.device("cpu")


def spectra_lines() -> list[str]:
    """Measure scan, click, reconstruction and simulation; return the lines of their table."""
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        scratch = Path(folder)
        files = write_spectra(scratch / "spectra")
        lines = [
            time_scan(files, scratch), time_click(files), time_stack(files, scratch),
            *time_reconstruction(), *time_scores(), time_simulation(),
        ]  # fmt: skip
        found = table(lines, "astropy, reading only")
        return [*found.splitlines(), "", noise_line(scratch)]


class Spectra(NamedTuple):
    """Simulated files to measure with."""

    root: Path
    files: list[Path]


def write_spectra(root: Path) -> Spectra:
    """Write simulated spectra as coadd files with their redrock files."""
    write_survey(root, N_OBJECTS, SimulatedSurvey(SEED))
    return Spectra(root, sorted(root.rglob("coadd-*.fits")))


def time_simulation() -> Comparison:
    """Time 256 spectra of the simulated survey, made without files."""
    survey = SimulatedSurvey(SEED)
    ids = survey.target_ids(256)
    timing = measure(lambda: survey.spectra(ids))
    return Comparison("simulate 256 spectra", timing, note=f"{256 / timing.median:,.0f} spectra/s")


def time_scan(spectra: Spectra, scratch: Path) -> Comparison:
    """Compare a whole scan with astropy merely reading flux, ivar and mask, from a cold disk.

    Before each run every file leaves the page cache; scan, astropy and plain reading of all bytes
    take turns, so that all three meet the same disk and the same neighbours.
    """
    scorer = Scorer.load()
    numbers = itertools.count()

    def scan() -> None:
        plan = make_plan([spectra.root])
        run_scan(plan, scratch / f"scan-{next(numbers)}", scorer, CPU)

    def read() -> None:
        for path in spectra.files:
            with fits.open(path, memmap=False) as opened:
                for name in IMAGES:
                    np.asarray(opened[name].data)

    ours, stock, disk = _take_turns([scan, read, lambda: _read_bytes(spectra)], spectra)
    n_bytes = sum(path.stat().st_size for path in spectra.files)
    note = (
        f"{N_OBJECTS / ours.median:,.0f} spectra/s from a cold disk to Parquet; "
        f"{n_bytes / ours.median / 1e6:,.0f} MB/s, {disk.median / ours.median:.0%} of the "
        f"{n_bytes / disk.median / 1e6:,.0f} MB/s of merely reading the bytes"
    )
    return Comparison(
        f"scan of {N_OBJECTS:,} spectra in {len(spectra.files)} files, cold", ours, stock, note
    )


def _take_turns(runs: Sequence[Callable[[], object]], spectra: Spectra) -> list[Timing]:
    """Time several things in turn, each with the files of the spectra on the disk only."""
    seconds: list[list[float]] = [[] for _ in runs]
    runs[0]()  # compiles
    for _ in range(TURNS):
        for run, times in zip(runs, seconds, strict=True):
            _forget(spectra)
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
    found = (np.percentile(times, [16, 50, 84]).tolist() for times in seconds)
    return [Timing(median, low, high, TURNS) for low, median, high in found]


def _forget(spectra: Spectra) -> None:
    """Drop the files from the page cache: no right to drop everything is needed for that."""
    for path in spectra.root.rglob("*.fits"):
        with path.open("rb") as file:
            os.fsync(file.fileno())  # what is not written yet cannot be dropped
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _read_bytes(spectra: Spectra) -> None:
    """Read every byte of the coadd files in order, 8 MiB at a time."""
    buffer = bytearray(8 << 20)
    for path in spectra.files:
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def noise_line(scratch: Path) -> str:
    """Return how much the score of the scanned science targets is a matter of noise."""
    names = ["anomaly_score", "snr", "population"]
    table = read_batch(batch_path(scratch / "scan-0", 0), names).to_pandas()
    chosen = table[table["population"] == "science"]
    correlation = chosen["anomaly_score"].corr(chosen["snr"], method="spearman")
    return (
        f"Spearman correlation of score with S/N over the {len(chosen):,} science targets scanned: "
        f"{correlation:.2f}. A score that allowed for noise would be near 0."
    )


def time_click(spectra: Spectra) -> Comparison:
    """Compare click to reconstruction with astropy merely reading the same row of the file."""
    path = spectra.files[0]
    source = open_source(path)
    ids = source.target_ids
    source.close()
    rows = itertools.cycle(np.random.default_rng(3).permutation(len(ids)).tolist())
    archive, reconstructor = FileArchive(spectra.root), Reconstructor(load_model(), CPU)
    name = path.relative_to(spectra.root).as_posix()

    def click() -> None:
        row = next(rows)
        reconstructor.reconstruct(archive.read([ObjectKey(int(ids[row]), name, row)]))

    def read() -> None:
        row = next(rows)
        with fits.open(path, memmap=False) as opened:
            for image in IMAGES:
                np.array(opened[image].section[row])

    line = Comparison(
        "click: read one spectrum, reconstruct, score", measure(click), measure(read),
        "stock only reads",
    )  # fmt: skip
    archive.close()
    reconstructor.close()
    return line


def time_stack(spectra: Spectra, scratch: Path) -> Comparison:
    """Time the stack of 1,000 objects whose spectra are read from coadd files."""
    catalog, built = scratch / "scan-0", scratch / "store"
    embed_catalog(catalog, N_LANDMARKS)
    build_store(catalog, built)
    archive, reconstructor = FileArchive(spectra.root), Reconstructor(load_model(), CPU)
    inspector = Inspector(Store.open(built), archive, reconstructor)
    rows = np.random.default_rng(4).permutation(N_OBJECTS)[:N_STACKED]
    timing = measure(lambda: stack_rows(inspector, rows))
    archive.close()
    reconstructor.close()
    note = f"target: 10 s; {N_STACKED / timing.median:,.0f} spectra/s"
    return Comparison(f"stack of {N_STACKED:,} objects of coadd files", timing, note=note)


def time_scores() -> list[Comparison]:
    """Time both scores of spectra that are in bins already."""
    sample = draw_sample(SimulatedSurvey(SEED), N_SCORED, 0)
    scorer = Scorer.load()
    network, measurer = scorer.model.network, scorer.measurer.measurer

    def compatible() -> None:
        made, _ = forward_blocks(network, sample.compatible, CPU)
        score_residuals(sample.compatible, made, sample.is_covered, COMPATIBLE_GRID)

    def statistics() -> None:
        measurer.measure(sample.weighed, sample.known, sample.pixels)

    lines = []
    wanted = (
        ("the compatible score alone", compatible, 20_000),
        ("all statistics of the calibrated score", statistics, 8_000),
    )
    for what, run, least in wanted:
        timing = measure(run)
        note = f"target: {least:,} spectra/s; {len(sample) / timing.median:,.0f} spectra/s"
        lines.append(Comparison(f"{what} of {len(sample):,} spectra in bins", timing, note=note))
    return lines


def time_reconstruction() -> list[Comparison]:
    """Time the preparation, reconstruction and scores of 1 and of 1,000 spectra in memory."""
    survey = SimulatedSurvey(SEED)
    reconstructor = Reconstructor(load_model(), CPU)
    lines = []
    for n in (1, 1000):
        batch = survey.spectra(survey.target_ids(n))
        timing = measure(lambda batch=batch: reconstructor.reconstruct(batch))
        note = f"{n / timing.median:,.0f} spectra/s"
        noun = "spectrum" if n == 1 else "spectra"
        lines.append(Comparison(f"reconstruct and score {n:,} {noun}", timing, note=note))
    reconstructor.close()
    return lines
