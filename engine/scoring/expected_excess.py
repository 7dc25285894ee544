"""How much the normals of a class rise within a few Å above the continuum on both sides.

Stars have molecular bands, galaxies the edges of their absorption lines: by rest wavelength, the
mean and the scatter of the excess over the continuum, learned once from simulated spectra without
an anomaly, as tables of S sizes of boxes and P places. What a survey has besides, its calibration
takes into account. `assets/weights/narrow_lines.py` makes the shipped table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from anomaly_explorer.engine.model.card import SHIPPED_MEASURER
from anomaly_explorer.engine.model.tensorfile import read_tensors

SHIPPED_EXCESS = SHIPPED_MEASURER.with_name("narrow-lines.safetensors")
BOXES = (3, 5, 8)  # pairs of pixels: 4.8, 8 and 12.8 Å
# Rest wavelengths, in steps of 150 km/s from 700 to 10,000 Å.
FIRST_LN, STEP_LN = float(np.log(700.0)), 5e-4
N_PLACES = int((np.log(10_000.0) - FIRST_LN) / STEP_LN)
# Fewer values than this say nothing; such a place is believed to have this scatter.
_LEAST_VALUES, _UNKNOWN_SCATTER = 4, 0.05


@dataclass(frozen=True)
class ExpectedExcess:
    """Mean and variance of the excess, in units of the continuum.

    Parameters
    ----------
    by_class : mapping of str to pair of (S, P) float32
        Of each class of the pipeline.
    """

    by_class: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]

    @classmethod
    def fit(cls, moments: Mapping[str, NDArray[np.float64]]) -> "ExpectedExcess":
        """Make it of the moments of normals.

        Parameters
        ----------
        moments : mapping of str to (S, P, 3) array
            By class: number, sum, and sum of squares less noise of the excess.
        """
        made = {}
        for name, each in moments.items():
            number = np.maximum(each[..., 0], 1)
            mean = each[..., 1] / number
            scatter = np.sqrt(np.maximum(each[..., 2] / number - mean**2, 0))
            is_known = each[..., 0] >= _LEAST_VALUES
            # In the digits that the file keeps, so that what is read is what was made.
            made[name] = (
                np.where(is_known, mean, 0).astype(np.float16).astype(np.float32),
                np.where(is_known, scatter, _UNKNOWN_SCATTER).astype(np.float16).astype(np.float32)
                ** 2,
            )
        return cls(made)

    def save(self, path: Path) -> None:
        """Write it as a safetensors file of float16."""
        arrays = {}
        for name, (mean, variance) in self.by_class.items():
            arrays |= {f"{name}.mean": mean, f"{name}.scatter": np.sqrt(variance)}
        save_file({name: torch.from_numpy(values).half() for name, values in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path) -> "ExpectedExcess":
        """Read it; ModelError when the file is none of ours."""
        tensors = {name: value.float().numpy() for name, value in read_tensors(path).items()}
        names = sorted({name.rsplit(".", 1)[0] for name in tensors})
        return cls({n: (tensors[f"{n}.mean"], tensors[f"{n}.scatter"] ** 2) for n in names})


@cache
def shipped_excess() -> ExpectedExcess:
    """Return the table that comes with the package."""
    return ExpectedExcess.load(SHIPPED_EXCESS)
