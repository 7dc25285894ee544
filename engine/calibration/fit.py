"""A calibration of every survey and class that has normals enough."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.calibrate import Calibration, classes_of
from anomaly_explorer.engine.scoring.calibrated import ScoreCalibration
from anomaly_explorer.engine.scoring.measurer import Measured

from .normals import Census, are_drawn, are_for_fitting, are_normals
from .stream import Rows, join_measured, take_measured

Parts = Iterable[tuple[Rows, Measured, NDArray[np.float32]]]


@dataclass(frozen=True)
class Sample:
    """Normals of one survey, N of them.

    Parameters
    ----------
    measured : Measured
    peers : (N,) array of str
        See `Known.peers`.
    """

    measured: Measured
    peers: NDArray[np.str_]

    @property
    def classes(self) -> NDArray[np.str_]:
        """Return their classes, (N,)."""
        return classes_of(self.peers)

    def __len__(self) -> int:
        return len(self.peers)


@dataclass(frozen=True)
class Samples:
    """What is taken of a catalog to calibrate it, by survey.

    Parameters
    ----------
    fitting, judging : mapping of str to Sample
    noise : mapping of str to mapping of str to (M, 3) array
        Noise scales by survey, of its ``sky fibers`` and of its ``targets`` among those judged.
    """

    fitting: Mapping[str, Sample]
    judging: Mapping[str, Sample]
    noise: Mapping[str, Mapping[str, NDArray[np.float32]]]


def take_samples(parts: Parts, census: Census, most: int) -> Samples:
    """Take the normals of every survey, `most` of each half at most."""
    shares = {
        survey: min(1.0, 2 * most / max(census.n_normals(survey), 1))
        for survey in census.populations
    }
    halves: list[dict[str, list[Sample]]] = [{}, {}]
    noise: dict[str, dict[str, list[NDArray[np.float32]]]] = {
        survey: {"sky fibers": [], "targets": []} for survey in shares
    }
    for rows, measured, scales in parts:
        normal, fits = are_normals(rows, census), are_for_fitting(rows.target_ids)
        for survey, share in shares.items():
            is_here = (rows.surveys == survey) & are_drawn(rows.target_ids, share)
            for half, is_in in zip(halves, (fits, ~fits), strict=True):
                chosen = np.flatnonzero(is_here & normal & is_in)
                part = Sample(take_measured(measured, chosen), rows.peers[chosen])
                half.setdefault(survey, []).append(part)
            noise[survey]["sky fibers"].append(scales[is_here & rows.is_sky])
            noise[survey]["targets"].append(scales[is_here & normal & ~fits])
    fitting, judging = ({name: _joined(each) for name, each in half.items()} for half in halves)
    return Samples(fitting, judging, {
        survey: {name: np.concatenate(each) for name, each in kinds.items()}
        for survey, kinds in noise.items()
    })  # fmt: skip


def _joined(parts: list[Sample]) -> Sample:
    return Sample(
        join_measured([part.measured for part in parts]),
        np.concatenate([part.peers for part in parts]),
    )


def fit_survey(
    sample: Sample, progress: Callable[[str], None] | None = None
) -> tuple[ScoreCalibration, dict[str, dict[str, Any]]]:
    """Fit a calibration to the normals of one survey, class by class.

    Returns
    -------
    ScoreCalibration, dict
        By class: ``n_fitted``, ``is_calibrated``, and ``why_not`` for a class with too few.
    """
    statistics: dict[str, dict[str, Any]] = {}
    combined: dict[str, dict[str, Any]] = {}
    said: dict[str, dict[str, Any]] = {}
    classes = sample.classes
    for name in np.unique(classes):
        rows = np.flatnonzero(classes == name)
        facts: dict[str, Any] = {"n_fitted": len(rows), "is_calibrated": True}
        if progress is not None:
            progress(str(name))
        try:
            made = ScoreCalibration.fit(take_measured(sample.measured, rows), sample.peers[rows])
        except ValueError as error:
            facts |= {"is_calibrated": False, "why_not": str(error)}
        else:
            _add(statistics, made.statistics)
            _add(combined, made.combined)
        said[str(name)] = facts
    groups = ({name: Calibration(classes) for name, classes in group.items()}
              for group in (statistics, combined))  # fmt: skip
    return ScoreCalibration(*groups), said


def _add(into: dict[str, dict[str, Any]], found: Mapping[str, Calibration]) -> None:
    for name, calibration in found.items():
        into.setdefault(name, {}).update(calibration.by_peers)
