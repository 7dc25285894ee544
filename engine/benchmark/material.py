"""What a trial works on: spectra to train on, to calibrate with and to judge by.

They are of three simulated surveys, or of one that somebody else has made, dealt by chance.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.weighing import WeighedInput, weigh_bins
from anomaly_explorer.engine.scan.plan import FAILURE, ScanPlan, make_plan
from anomaly_explorer.engine.scoring.figures import NORMAL
from anomaly_explorer.engine.scoring.gate import is_sky_fiber
from anomaly_explorer.engine.scoring.sampling import CLASS_SHARES
from anomaly_explorer.engine.scoring.tail import MIN_VALUES
from anomaly_explorer.engine.simulation.survey import DRIFTED_VERSION, SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .altered import Altered
from .sample import Sample, draw_sample, draw_sky, sample_of
from .truth import Truth, read_truth

Say = Callable[[str], None]
_READ = 512
# Fewer leave too few in each part, and more do not fit into the memory of a laptop.
_FEWEST, _MOST = 5_000, 250_000
# Anomalies to find: their recall is reported by fifths of S/N.
_FEWEST_ODD = 20
# Normals of a class that calibrate: so many more than must be, as they are dealt by chance.
_FEWEST_TO_CALIBRATE = round(1.2 * MIN_VALUES)
# Of the anomalies of a type, so many at most are trained on, as nobody would know them.
_UNLABELLED_SHARE = 0.1
# Objects of which the normal ones are altered.
_N_ALTERED = 600
_UNLISTED = "not in the truth"


@dataclass(frozen=True)
class TrialSize:
    """How much of everything; of a survey given as files, at most.

    Parameters
    ----------
    n_training, n_unlabelled : int
        Normal spectra to train on, and anomalies of each type that nobody told the network of.
    n_modes, n_calibration, n_test : int
        Normals the error modes are fitted to, that the score is calibrated with, and tested on.
    n_each, n_sky, epochs : int
        Anomalies of each type to find, sky fibers, rounds of training.
    n_redshift : int
        Further normals to learn redshifts from.
    """

    n_training: int = 30_000
    n_unlabelled: int = 13
    n_modes: int = 14_000
    n_calibration: int = 40_000
    n_test: int = 50_000
    n_each: int = 200
    n_sky: int = 3_000
    epochs: int = 40
    n_redshift: int = 250_000


SMALL = TrialSize(12_000, 5, 6_000, 15_000, 12_000, 100, 1_000, 24, 10_000)


@dataclass(frozen=True)
class Material:
    """Samples that share no object.

    Parameters
    ----------
    training : Sample
        Normals with a few anomalies that nobody told the network of.
    sky : WeighedInput
        Sky fibers.
    for_modes, calibrating, for_redshift : Sample
        Normals the error modes are fitted to, the calibration, and besides these two redshifts.
    test : Sample
        Normals and anomalies to judge by.
    drifted : Sample or None
        Normals of a survey that is a little different; None where there is no such survey.
    altered : Altered or None
        Normals in other units and with masks; None where they cannot be drawn.
    """

    training: Sample
    sky: WeighedInput
    for_modes: Sample
    calibrating: Sample
    for_redshift: Sample
    test: Sample
    drifted: Sample | None
    altered: Altered | None = None

    @property
    def size(self) -> dict[str, int]:
        """Return how many spectra there are of each kind."""
        n_normal = int(self.test.labels.is_normal.sum())
        return {
            "n_training": len(self.training), "n_sky": len(self.sky),
            "n_unlabelled": len(self.training) - int(self.training.labels.is_normal.sum()),
            "n_modes": len(self.for_modes), "n_calibration": len(self.calibrating),
            "n_redshift": len(self.for_redshift),
            "n_test": n_normal, "n_anomalies": len(self.test) - n_normal,
        }  # fmt: skip


def simulated_material(seed: int, size: TrialSize) -> Material:
    """Draw from the simulated surveys 3 × seed, + 1 and + 2."""
    surveys = [SimulatedSurvey(3 * seed + i) for i in range(3)]
    ends = np.cumsum([size.n_modes, size.n_calibration])
    normals = draw_sample(surveys[1], int(ends[-1]) + size.n_redshift, 0)
    drifted = SimulatedSurvey(3 * seed + 2, DRIFTED_VERSION)
    return Material(
        draw_sample(surveys[0], size.n_training, size.n_unlabelled),
        draw_sky(surveys[0], size.n_sky),
        *(normals.take(rows) for rows in np.split(np.arange(len(normals)), ends)),
        draw_sample(surveys[2], size.n_test, size.n_each),
        draw_sample(drifted, size.n_test // 5, 0),
        Altered.draw(surveys[2], _N_ALTERED, seed),
    )


@dataclass(frozen=True)
class SurveyFiles:
    """The science targets of a survey given as files, with their truth, and its sky fibers."""

    sample: Sample
    sky: WeighedInput

    @classmethod
    def read(cls, folder: Path, size: TrialSize, say: Say) -> "SurveyFiles":
        """Read files in a layout of DESI below a folder, and the truth of their objects.

        Of a target observed several times the first spectrum is taken. That, what is no science
        target, and what belongs to a class nobody trains on or with too few normals for trials of
        a size is left out, and said.

        Raises
        ------
        InputError
            There are none, or too few normals among them, or no truth: see `truth.read_truth`.
        """
        plan = make_plan([folder])
        for each in plan.skipped:
            if each.kind == FAILURE:
                say(f"skipped {each.path}: {each.reason}")
        n_objects = sum(each.n_scanned for each in plan.inputs)
        if n_objects > _MOST:
            say(f"{n_objects:,} objects: the first {_MOST:,} are taken")
        truth = read_truth(folder, [plan.root / each.path for each in plan.inputs])
        parts = [_read(batch, truth) for batch in _once(_batches(plan), say)]
        samples, skies, gated = zip(*parts, strict=True)
        if lost := sum(gated, Counter()):
            say(f"no science targets, and so not judged: {_told(lost)}")
        sample = _of_common_classes(samples[0].joined(*samples[1:]), size, say)
        made = cls(sample, skies[0].joined(*skies[1:]))
        n_normal = int(made.sample.labels.is_normal.sum())
        n_odd = len(made.sample) - n_normal
        if n_normal < _FEWEST or n_odd < _FEWEST_ODD:
            raise InputError(
                f"{folder} has {n_normal:,} normal science targets of classes with enough of them, "
                f"and {n_odd:,} anomalies of these classes, expected {_FEWEST:,} normals and "
                f"{_FEWEST_ODD} anomalies to judge a score by"
            )
        return made

    def material(self, seed: int, size: TrialSize) -> Material:
        """Deal the objects by chance: normals as `size` has their numbers, anomalies to find."""
        rng = np.random.default_rng(seed)
        labels = self.sample.labels
        normals = rng.permutation(np.flatnonzero(labels.is_normal))
        wanted = np.array(_parts(size))
        ends = np.cumsum(wanted * min(1, len(normals) / wanted.sum())).astype(int)
        training, for_modes, calibrating, test, left = np.split(normals, ends)
        told, untold = [test], [training]
        for name in labels.types:
            rows = rng.permutation(np.flatnonzero(labels.injected == name))
            n = min(size.n_unlabelled, int(_UNLABELLED_SHARE * len(rows)))
            untold.append(rows[:n])
            told.append(rows[n:])
        take = self.sample.take
        return Material(
            take(np.concatenate(untold)),
            self.sky.take(rng.permutation(len(self.sky))[: size.n_sky]),
            take(for_modes),
            take(calibrating),
            take(left[: size.n_redshift]),
            take(np.concatenate(told)),
            None,
        )


def _parts(size: TrialSize) -> tuple[int, int, int, int]:
    """Return how many normals train, show error modes, calibrate, and are judged."""
    return size.n_training, size.n_modes, size.n_calibration, size.n_test


def _of_common_classes(sample: Sample, size: TrialSize, say: Say) -> Sample:
    """Leave out what belongs to a class with too few normals, or to none, and say so."""
    n_dealt = max(sum(_parts(size)), int(sample.labels.is_normal.sum()))
    fewest = -(-_FEWEST_TO_CALIBRATE * n_dealt // size.n_calibration)
    classes = sample.known.classes
    names, where = np.unique(classes, return_inverse=True)
    counts = np.bincount(where[sample.labels.is_normal], minlength=len(names))
    is_common = (counts >= fewest) & np.isin(names, list(CLASS_SHARES))
    for place in np.flatnonzero(~is_common):
        lost = _told(Counter(sample.labels.injected[where == place].tolist()))
        say(
            f"left out: {lost} of class {names[place] or 'unknown'}; a class is judged that is one "
            f"of {', '.join(CLASS_SHARES)} and has {fewest:,} normals"
        )
    return sample.take(np.flatnonzero(is_common[where]))


def _told(types: Mapping[str, int]) -> str:
    """Return how many of each type there are, in words.

    >>> _told({"": 1200, "bal": 3})
    '1,200 normals, bal 3'
    """
    odd = (f"{name} {n:,}" for name, n in sorted(types.items()) if name != NORMAL)
    return ", ".join([f"{types.get(NORMAL, 0):,} normals", *odd])


def _once(batches: Iterable[SpectrumBatch], say: Say) -> Iterator[SpectrumBatch]:
    """Yield each target once, and say how often it was met again; sky fibers have no target."""
    seen: set[int] = set()
    n_again = 0
    for batch in batches:
        ids = batch.columns["target_id"].astype(np.int64)
        is_again = np.ones(len(ids), np.bool_)
        is_again[np.unique(ids, return_index=True)[1]] = False
        is_again |= np.isin(ids, np.fromiter(seen, np.int64, len(seen)))
        is_again &= ids > 0
        seen.update(ids[ids > 0].tolist())
        n_again += int(is_again.sum())
        yield batch.take(np.flatnonzero(~is_again))
    if n_again:
        say(f"{n_again:,} further spectra of targets that were read before are left out")


def _batches(plan: ScanPlan) -> Iterator[SpectrumBatch]:
    """Yield the spectra of a plan, file by file, as many as may be."""
    left = _MOST
    for spectra in plan.inputs:
        wanted = np.setdiff1d(np.arange(spectra.n_objects), spectra.without_rows)[:left]
        left -= len(wanted)
        source = open_source(plan.root / spectra.path)
        try:
            for start in range(0, len(wanted), _READ):
                yield source.read(wanted[start : start + _READ])
        finally:
            source.close()


def _read(batch: SpectrumBatch, truth: Truth) -> tuple[Sample, WeighedInput, Counter[str]]:
    """Return the science targets, the sky fibers, and how many of each type are neither."""
    ids = batch.columns["target_id"]
    sample = sample_of(batch, lambda rows: truth.of(ids[rows]))
    injected = truth.types(ids, _UNLISTED)
    weighed = weigh_bins(batch, COMPATIBLE_GRID)
    coverage: NDArray[np.floating] = weighed.is_known.mean(axis=1)
    is_sky = is_sky_fiber(batch.columns, coverage)
    gated = Counter(injected[~is_sky].tolist()) - Counter(sample.labels.injected.tolist())
    return sample, weighed.take(np.flatnonzero(is_sky)), gated
