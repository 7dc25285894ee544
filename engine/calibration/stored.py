"""A calibration on disk: arrays in one npz file, which holds no code and runs none."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.card import SHIPPED_MEASURER
from anomaly_explorer.engine.scoring.calibrate import Calibration, ClassCalibration
from anomaly_explorer.engine.scoring.calibrated import ScoreCalibration
from anomaly_explorer.engine.scoring.statistics import NAMES
from anomaly_explorer.engine.scoring.tail import Tail

# Of simulated spectra that the shipped measurer measured: for surveys too small for their own.
SHIPPED_CALIBRATION = SHIPPED_MEASURER.with_name("denoiser-simulated.calibration.npz")
FOLDER, FILE = "calibration", "calibration.npz"
CALIBRATION_FORMAT = 2
_GROUPS = ("statistics", "combined")
_FACTS = "facts"


@dataclass(frozen=True)
class StoredCalibration:
    """A calibration for each survey, and what it was fitted to.

    Parameters
    ----------
    surveys : mapping of str to ScoreCalibration
        Surveys are never mixed: their noise is not the same.
    measurer_id : str
        Measurer of the statistics; those of another mean something else.
    """

    surveys: Mapping[str, ScoreCalibration]
    measurer_id: str

    def write(self, file: BinaryIO) -> None:
        """Write it into an open file."""
        arrays: dict[str, NDArray[Any]] = {}
        index: list[list[str]] = []
        for survey, calibration in self.surveys.items():
            for group in _GROUPS:
                for name, each in getattr(calibration, group).items():
                    for class_name, values in each.by_peers.items():
                        arrays |= _arrays(str(len(index)), values)
                        index.append([survey, group, name, class_name])
        facts = {
            "format": CALIBRATION_FORMAT,
            "measurer_id": self.measurer_id,
            "index": index,
        }
        np.savez(file, **arrays, **{_FACTS: np.array(json.dumps(facts))})

    @classmethod
    def read(cls, path: Path) -> "StoredCalibration":
        """Read a calibration file.

        Raises
        ------
        InputError
            It is none, or one of another format.
        """
        try:
            with np.load(path, allow_pickle=False) as opened:
                arrays = dict(opened)
            facts = json.loads(str(arrays[_FACTS]))
            if facts["format"] != CALIBRATION_FORMAT:
                raise InputError(
                    f"{path} is a calibration of format {facts['format']}, this version reads "
                    f"{CALIBRATION_FORMAT}: run calibrate on its catalog again"
                )
            return cls(_calibrations(facts["index"], arrays), facts["measurer_id"])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
            raise InputError(
                f"{path} is no calibration: name a catalog that `anomaly-explorer calibrate` has "
                "calibrated"
            ) from None


def calibration_file(path: Path) -> Path:
    """Return the calibration file of a catalog folder, of its calibration folder, or itself."""
    for candidate in (path / FOLDER / FILE, path / FILE):
        if candidate.is_file():
            return candidate
    return path


def calibration_id(path: Path) -> str:
    """Return the first 12 digits of the SHA-256 of a calibration file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _arrays(prefix: str, value: Any) -> dict[str, NDArray[Any]]:
    """Return every number of a frozen value as an array under a dotted name."""
    found: dict[str, NDArray[Any]] = {}
    for each in fields(value):
        part, name = getattr(value, each.name), f"{prefix}.{each.name}"
        found |= _arrays(name, part) if isinstance(part, Tail) else {name: np.asarray(part)}
    return found


def _value(kind: type, prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Any:
    made: dict[str, Any] = {}
    for each in fields(kind):
        name = f"{prefix}.{each.name}"
        if each.name == "tail":
            made[each.name] = _value(Tail, name, arrays)
        else:
            made[each.name] = arrays[name] if arrays[name].ndim else arrays[name].item()
    return kind(**made)


def _calibrations(
    index: list[list[str]], arrays: Mapping[str, NDArray[Any]]
) -> dict[str, ScoreCalibration]:
    found: dict[str, dict[str, dict[str, dict[str, ClassCalibration]]]] = {}
    for number, (survey, group, name, class_name) in enumerate(index):
        # A statistic that no class could be calibrated in is one all the same.
        groups = found.setdefault(
            survey, {"statistics": {each: {} for each in NAMES}, "combined": {}}
        )
        value = _value(ClassCalibration, str(number), arrays)
        groups[group].setdefault(name, {})[class_name] = value
    return {
        survey: ScoreCalibration(
            *({name: Calibration(classes) for name, classes in groups[group].items()}
              for group in _GROUPS)
        )
        for survey, groups in found.items()
    }  # fmt: skip
