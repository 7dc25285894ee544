"""The real spectra by survey: what is read, what the files say of it, and what is known besides."""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError, NoSpectraError
from anomaly_explorer.engine.model.preprocess import ModelInput, prepare_input
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput, weigh_bins
from anomaly_explorer.engine.scoring.gate import gate_objects
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.spectra.fitsfile import FitsFile
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch, concatenate

_ENDINGS = (".fits", ".fits.gz", ".fit.gz")
# Files of the DESI folder that repeat others, exposure by exposure.
_REPEATS = ("spectra-5-169",)
CHECKOUT = Path(__file__).resolve().parents[2]


def real_folder() -> Path:
    """Return the folder of real spectra: ANOMALY_REAL_DATA, or `shared` beside the checkout.

    Raises
    ------
    InputError
        There is none.
    """
    named = os.environ.get("ANOMALY_REAL_DATA")
    folder = Path(named) if named else CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        raise InputError(
            f"no real spectra: {folder} does not exist; name their folder in ANOMALY_REAL_DATA"
        )
    return folder


@dataclass(frozen=True)
class Collection:
    """N spectra of one survey.

    Parameters
    ----------
    name : str
        As a page prints it.
    batch : SpectrumBatch
        On DESI's arms.
    files : (N,) array of str
        With the row in the file where there are several.
    known : Known
        Class and redshift; empty and NaN where nobody says.
    notes : (N,) array of str
        What is known to be odd; empty for the others.
    kinds : (N,) array of str
        Subclass or type, as the files or the index have it.
    failures : tuple of str
        What could not be read, one sentence each.
    floor : float
        Relative error that no bin is believed to be better than.
    gates : (N,) array of str
        Population and reason by the product's gate, with a colon between; empty for spectra that no
        reader of the product knows.
    """

    name: str
    batch: SpectrumBatch
    files: NDArray[np.str_]
    known: Known
    notes: NDArray[np.str_]
    kinds: NDArray[np.str_]
    failures: tuple[str, ...] = ()
    floor: float = 0.0
    gates: NDArray[np.str_] = field(default_factory=lambda: np.zeros(0, str))

    def __len__(self) -> int:
        return len(self.files)

    @cached_property
    def weighed(self) -> WeighedInput:
        """Return what the noise-aware network sees."""
        found = weigh_bins(self.batch, COMPATIBLE_GRID)
        worse = np.where(found.is_known, found.variance + (self.floor * found.flux) ** 2, UNKNOWN)
        return WeighedInput(found.flux, worse.astype(np.float32), found.amplitude)

    @cached_property
    def pixels(self) -> PixelFindings:
        """Return what only pixels can tell, with the noise as stated."""
        return PixelFindings.of_batch(self.batch, self.known)

    @cached_property
    def compatible(self) -> ModelInput:
        """Return what the compatible network sees."""
        return prepare_input(self.batch, COMPATIBLE_GRID)

    def take(self, rows: NDArray[np.integer]) -> "Collection":
        """Return some of the spectra, given by their (K,) places."""
        gates = self.gates[rows] if len(self.gates) else self.gates
        return Collection(
            self.name, self.batch.take(rows), self.files[rows], self.known.take(rows),
            self.notes[rows], self.kinds[rows], self.failures, self.floor, gates,
        )  # fmt: skip


def read_index(folder: Path) -> dict[str, dict[str, str]]:
    """Return the rows of a folder's index by file name."""
    with (folder / "index.csv").open(newline="", encoding="utf-8") as lines:
        return {row["file"]: row for row in csv.DictReader(lines)}


def read_folder(name: str, folder: Path, notes: Mapping[str, str]) -> Collection:
    """Read every spectrum of a folder with the product's readers.

    Parameters
    ----------
    name : str
    folder : Path
    notes : mapping of str to str
        By file name, what is known to be odd.
    """
    batches, files, failures = [], [], []
    for path in sorted(folder.iterdir()):
        if not path.name.endswith(_ENDINGS) or path.name.startswith(_REPEATS):
            continue
        try:
            source = open_source(path)
        except NoSpectraError:
            continue
        except InputError as error:
            failures.append(str(error))
            continue
        batches.append(source.read(range(len(source))))
        files += [path.name + (f"[{i}]" if len(source) > 1 else "") for i in range(len(source))]
        source.close()
    return _collect(name, batches, (files, notes), tuple(failures))


def _collect(
    name: str,
    batches: list[SpectrumBatch],
    said: tuple[list[str], Mapping[str, str]],
    failures: tuple[str, ...],
) -> Collection:
    files, notes = said
    known = [Known.of_columns(batch.columns) for batch in batches]
    kinds = [np.asarray(b.columns.get("subtype", np.full(len(b), "")), str) for b in batches]
    return Collection(
        name, concatenate(batches), np.array(files),
        known[0].joined(*known[1:]),
        np.array([notes.get(file, "") for file in files]), _joined(kinds), failures, 0.0,
        _joined(map(_gates, batches)),
    )  # fmt: skip


def _gates(batch: SpectrumBatch) -> NDArray[np.str_]:
    """Return population and reason of the spectra of one file, which has columns of its own."""
    coverage = prepare_input(batch, COMPATIBLE_GRID).coverage
    pairs = zip(*gate_objects(batch.columns, coverage), strict=True)
    return np.array([f"{population}:{reason}" for population, reason in pairs])


def _joined(parts: Iterable[NDArray]) -> NDArray:
    return np.concatenate(list(parts))


def read_sdss(root: Path) -> Collection:
    """Read SDSS, BOSS and eBOSS; notes of the index, and the cataclysmic variables by subclass."""
    index = read_index(root / "sdss-boss")
    notes = {name: _short(row["note"]) for name, row in index.items()}
    notes |= {n: "cataclysmic variable" for n, row in index.items() if row["subclass"] == "CV"}
    return read_folder("SDSS/BOSS", root / "sdss-boss", notes)


_NOT_ODD = ("Firefly", "white dwarf", "layout")
_SHORT = (
    ("coronal", "coronal lines, TDE candidate"), ("LoBAL", "BAL quasar"), ("BAL (", "BAL quasar"),
    ("absorption", "BAL quasar"), ("odd continuum", "odd continuum"), ("carbon", "carbon bands?"),
    ("Seyfert", "named AGN"), ("ULIRG", "named AGN"), ("Mrk 955", "named AGN"),
    ("J165712", "named starburst"),
)  # fmt: skip


def _short(note: str) -> str:
    if not note.strip() or any(word in note for word in _NOT_ODD):
        return ""
    return next((short for word, short in _SHORT if word in note), note.strip())


def read_desi(root: Path) -> Collection:
    """Read the coadds and the two spectra of the Early Data Release that have their ivar."""
    from .libraries import read_edr

    found = read_folder("DESI", root / "desi-coadds", {})
    has_data = found.compatible.coverage > 0.5
    found = found.take(np.flatnonzero(has_data))
    edr = read_edr(root / "desi-edr-spectra")
    redshift, classes = found.known.redshift.copy(), found.known.classes.astype("U8")
    quasars = _quasars(root / "desi-coadds")
    for row, target in enumerate(found.batch.columns["target_id"]):
        if int(target) in quasars:
            redshift[row], classes[row] = quasars[int(target)], "QSO"
    both = Known.of_classes(
        _joined([classes, edr.known.classes]), _joined([redshift, edr.known.redshift])
    )
    return Collection(
        "DESI", concatenate([found.batch, edr.batch]), _joined([found.files, edr.files]), both,
        _joined([found.notes, edr.notes]), _joined([found.kinds, edr.kinds]), found.failures,
        0.0, _joined([found.gates, np.full(len(edr), "unknown:no reader of the product")]),
    )  # fmt: skip


def _quasars(folder: Path) -> dict[int, float]:
    """Return the redshifts of the quasar catalogs of a folder by TARGETID."""
    found: dict[int, float] = {}
    for path in sorted(folder.glob("QSO_cat*.fits.gz")):
        file = FitsFile(path)
        ids, redshifts = file.column(1, "TARGETID"), file.column(1, "Z")
        found |= {int(i): float(z) for i, z in zip(ids, redshifts, strict=True)}
        file.close()
    return found
