"""Calibrates a catalog: reads its statistics, writes sigmas of every object beside the batches.

Memory holds the normals that are fitted and judged, and one row group. What is worked out is kept
in `calibration/unfinished` until all of it is, so a calibration that was killed goes on.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anomaly_explorer.engine.catalog.lock import exclusive
from anomaly_explorer.engine.catalog.schema import CALIBRATED
from anomaly_explorer.engine.embedding.unfinished import Arrays, Unfinished
from anomaly_explorer.engine.errors import ExplorerError, InputError, StoreError
from anomaly_explorer.engine.fingerprint import fingerprint

from .apply import NOBODY, WINNERS, score_parts
from .fit import Samples, fit_survey, take_samples
from .health import judge
from .normals import Census, take_census
from .stored import FILE, FOLDER, StoredCalibration, calibration_file, calibration_id
from .stream import count_rows, read_facts, read_measured

RUN_FORMAT = 3
# Normals of a survey that are fitted, and as many that judge: more change the second digit.
DEFAULT_NORMALS = 1_000_000
Progress = Callable[[str, int, int], None]
_SCORES, _SAID = "scores.parquet", "calibration.json"


def calibrate_catalog(
    catalog: Path,
    other: Path | None = None,
    n_normals: int = DEFAULT_NORMALS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write ``scores.parquet``, ``calibration.npz`` and ``calibration.json`` of a catalog.

    Does nothing when a calibration of these very batches is there.

    Parameters
    ----------
    catalog : Path
        Folder of Parquet batches with statistics.
    other : Path, optional
        A calibrated catalog, or a calibration file, whose calibration is applied as it is; default:
        one is fitted to half of the catalog's own normals. Either way the other half judges.
    n_normals : int
        Normals of a survey to fit to, and to judge by, at most.
    progress : callable, optional
        Called with (step, parts done, parts in all).

    Returns
    -------
    dict
        What ``calibration.json`` says: by survey the classes with their counts, and the health.

    Raises
    ------
    StoreError
        No batches, a batch without statistics, or another process calibrates this catalog.
    InputError
        The other calibration is none, or is of another measurer.
    ExplorerError
        When it cannot be written, as on a full disk; a second call goes on.
    """
    wanted = _wanted(catalog, other, n_normals)
    folder = catalog / FOLDER
    lock, left = folder / ".lock", folder / "unfinished"
    ready = _read_ready(folder, wanted)
    if ready is not None and not (left.exists() or lock.exists()):
        return ready
    held = f"{catalog} is being calibrated by another process; wait for it, or stop it first."
    try:
        folder.mkdir(exist_ok=True)
        with exclusive(lock, held):
            said = _read_ready(folder, wanted)  # killed at its very end, or made by another process
            if said is None:
                tell = progress or (lambda step, done, total: None)
                unfinished = Unfinished(left, wanted)
                said = _Work(catalog, other, wanted, unfinished, tell).run()
            shutil.rmtree(left, ignore_errors=True)
            return said
    except OSError as error:
        raise ExplorerError(
            f"the calibration of {catalog} cannot be written ({error}): make room and run again, "
            "what is finished is kept"
        ) from error


def _wanted(catalog: Path, other: Path | None, n_normals: int) -> dict[str, Any]:
    """Return everything a calibration depends on, as `calibration.json` says it."""
    batches, measurer = count_rows(catalog), _measurer_of(catalog)
    source = None
    if other is not None:
        path = calibration_file(other)
        stored = StoredCalibration.read(path)
        if measurer and stored.measurer_id != measurer:
            raise InputError(
                f"the calibration of {other} is for measurer {stored.measurer_id}, {catalog} was "
                f"measured by {measurer}: scan these spectra with that one, or calibrate without "
                "--from"
            )
        source = calibration_id(path)
    return {
        "format": RUN_FORMAT,
        "measurer_id": measurer,
        "from": source,
        "most_normals": n_normals,
        "catalog": batches,
        "fingerprints": {name: fingerprint(catalog / name) for name in batches},
    }


def _measurer_of(catalog: Path) -> str:
    """Return the id of the measurer of a catalog, as its scan says it; empty where it does not."""
    try:
        said = json.loads((catalog / "scan.json").read_text(encoding="utf-8"))
        return str(said["measurer"]["id"])
    except OSError:
        return ""
    except (ValueError, KeyError, TypeError):
        raise StoreError(
            f"{catalog / 'scan.json'} does not name the measurer: scan these spectra again"
        ) from None


@dataclass
class _Work:
    catalog: Path
    other: Path | None
    wanted: dict[str, Any]
    unfinished: Unfinished
    tell: Progress

    def run(self) -> dict[str, Any]:
        path = self.catalog / FOLDER / FILE
        (self.catalog / FOLDER / _SAID).unlink(missing_ok=True)
        stored, fitted = self._take_or_fit()
        _replace(path, stored)
        surveys = {
            survey: self._describe(survey, stored, fitted.get(survey, {}))
            for survey in self._census.populations
        }
        n_scored = self._score(stored)
        said = {**self.wanted, "calibration_id": calibration_id(path),
                "n_fitted": sum(said["n_fitted"] for said in surveys.values()),
                "n_scored": n_scored, "surveys": surveys}  # fmt: skip
        self._write(said)
        return said

    def _take_or_fit(self) -> tuple[StoredCalibration, dict[str, dict[str, Any]]]:
        """Return the calibration, and what fitting said of the classes of each survey."""
        if self.other is not None:
            return StoredCalibration.read(calibration_file(self.other)), {}
        samples = self._samples.fitting
        made = {survey: fit_survey(each, self._tell_class(survey))
                for survey, each in samples.items()}  # fmt: skip
        stored = StoredCalibration(
            {survey: calibration for survey, (calibration, _) in made.items()},
            self.wanted["measurer_id"],
        )
        return stored, {survey: said for survey, (_, said) in made.items()}

    @cached_property
    def _census(self) -> Census:
        self.tell("counting normals", 0, 1)
        batches = self.wanted["catalog"]
        parts = (rows for name in batches for rows in read_facts(self.catalog / name))
        return take_census(parts)

    @cached_property
    def _samples(self) -> Samples:
        batches = self.wanted["catalog"]
        census = self._census

        def parts() -> Iterator[Any]:
            for done, name in enumerate(batches):
                self.tell("reading normals", done, len(batches))
                yield from read_measured(self.catalog / name)

        return take_samples(parts(), census, self.wanted["most_normals"])

    def _tell_class(self, survey: str) -> Callable[[str], None]:
        return lambda name: self.tell(f"calibrating {survey} {name}", 0, 1)

    def _describe(
        self, survey: str, stored: StoredCalibration, fitted: dict[str, Any]
    ) -> dict[str, Any]:
        """Return what is said of a survey: its classes, and how the calibration holds for it."""
        sample, census = self._samples.judging[survey], self._census
        calibration = stored.surveys.get(survey)
        classes = {name: {"n_normals": n} for (of, name), n in census.normals.items()
                   if of == survey}  # fmt: skip
        known = set() if calibration is None else {
            name for each in calibration.combined.values() for name in each.by_peers
        }  # fmt: skip
        for name, facts in classes.items():
            facts |= fitted.get(name, {"is_calibrated": name in known})
            if not facts["is_calibrated"]:
                facts.setdefault("why_not", "the calibration does not know this class")
        said = {
            "population": census.populations[survey],
            "n_normals": census.n_normals(survey),
            "n_fitted": 0 if calibration is None else calibration.n_fitted,
            "least_fitted": 0 if calibration is None else calibration.least_fitted,
            "classes": classes,
        }
        if not known:
            return {**said, "health": None}
        scores = calibration.score(sample.measured, sample.peers)
        health = judge(
            scores.sigma["astro"], scores.p_value["astro"], sample.classes, sample.measured.snr,
            self._samples.noise[survey],
        )  # fmt: skip
        return {**said, "health": health}

    def _score(self, stored: StoredCalibration) -> int:
        """Score every object, batch by batch; return how many have a sigma."""
        batches, n_scored = self.wanted["catalog"], 0
        step = f"scoring {sum(batches.values()):,} objects"
        for done, name in enumerate(batches):
            self.tell(step, done, len(batches))

            def score(name: str = name) -> Arrays:
                return score_parts(read_measured(self.catalog / name), stored.surveys)

            sigma = self.unfinished.keep(name, score)["sigma_astro"]
            n_scored += int(np.isfinite(sigma).sum())
        self.tell(step, len(batches), len(batches))
        return n_scored

    def _write(self, facts: dict[str, Any]) -> None:
        """Write scores first and the facts last: only the facts say that all is whole."""
        folder = self.catalog / FOLDER
        temporary = folder / f".{_SCORES}.tmp"
        schema = pa.schema([pa.field(c.name, c.arrow_type) for c in CALIBRATED])
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            for batch in self.wanted["catalog"]:
                part = self.unfinished.get(batch)
                assert part is not None, batch
                writer.write_table(_table(part, schema))
        os.replace(temporary, folder / _SCORES)
        temporary = folder / f".{_SAID}.tmp"
        temporary.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        os.replace(temporary, folder / _SAID)


def _table(part: Arrays, schema: pa.Schema) -> pa.Table:
    """Return the scores of a batch as Arrow has them, what is not known as null."""
    columns = {
        name: pa.array(part[name], from_pandas=True)
        for name in ("sigma_astro", "sigma_instrument", "sigma_all", "p_astro")
    }
    for name, words in WINNERS.items():
        winners = pa.array(part[name], mask=part[name] == NOBODY)
        columns[name] = pa.DictionaryArray.from_arrays(winners, list(words)).cast(pa.string())
    unknown = part["is_extrapolated"] == NOBODY
    columns["is_extrapolated"] = pa.array(part["is_extrapolated"] == 1, mask=unknown)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _replace(path: Path, stored: StoredCalibration) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        stored.write(file)
    os.replace(temporary, path)


def _read_ready(folder: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a finished calibration of the wanted kind says; None where there is none."""
    try:
        facts = json.loads((folder / _SAID).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    is_whole = (folder / _SCORES).exists() and (folder / FILE).exists()
    return facts if is_whole and wanted.items() <= facts.items() else None
