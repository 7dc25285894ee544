"""Arms, pixels and bins of the DESI spectrographs.

DESI's three arms lie on one 0.8 Å lattice (vacuum, barycentric): B 3600-5800 Å, R 5760-7620 Å,
Z 7520-9824 Å. Source: DESI data model, confirmed on real coadds. "Pixel" in this module is a
detector-grid element of an arm; a *bin* is one element of a model's grid.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

STEP_ANGSTROM = 0.8


class Arm(Enum):
    """One of the three spectrograph channels; the value is DESI's letter in file names."""

    BLUE = "b"
    RED = "r"
    NIR = "z"

    @property
    def n_pixels(self) -> int:
        """Return the number of 0.8 Å pixels of this arm."""
        return {"b": 2751, "r": 2326, "z": 2881}[self.value]

    @property
    def first_wavelength(self) -> float:
        """Return the wavelength of the first pixel's centre, in Å (vacuum)."""
        return {"b": 3600.0, "r": 5760.0, "z": 7520.0}[self.value]

    @property
    def wavelength(self) -> NDArray[np.float64]:
        """Return the pixel centres, shape (n_pixels,), in Å (vacuum)."""
        return self.first_wavelength + STEP_ANGSTROM * np.arange(self.n_pixels)


ARMS = (Arm.BLUE, Arm.RED, Arm.NIR)


@dataclass(frozen=True)
class BinGrid:
    """Bins made of whole groups of neighbouring pixels, arm by arm, overlaps kept twice.

    The remainder of an arm that does not fill a group is dropped. With 16 pixels a bin this is the
    grid of the published catalog: 171 + 145 + 180 = 496 bins (B).

    Parameters
    ----------
    pixels_per_bin : int
        Pixels averaged into one bin.
    """

    pixels_per_bin: int = 16

    def __post_init__(self) -> None:
        if not 1 <= self.pixels_per_bin <= Arm.RED.n_pixels:
            raise ValueError(f"pixels_per_bin must be 1 to 2326, got {self.pixels_per_bin}")

    @property
    def name(self) -> str:
        """Return the name a model card carries, such as ``desi-arms/16``."""
        return f"desi-arms/{self.pixels_per_bin}"

    def n_bins_of(self, arm: Arm) -> int:
        """Return the number of bins of one arm."""
        return arm.n_pixels // self.pixels_per_bin

    @property
    def n_bins(self) -> int:
        """Return the number of bins B of the whole grid."""
        return sum(self.n_bins_of(arm) for arm in ARMS)

    def bins_of(self, arm: Arm) -> slice:
        """Return where the bins of one arm stand among all B bins."""
        start = sum(self.n_bins_of(earlier) for earlier in ARMS[: ARMS.index(arm)])
        return slice(start, start + self.n_bins_of(arm))

    @property
    def bin_width(self) -> float:
        """Return the width of a bin in Å."""
        return STEP_ANGSTROM * self.pixels_per_bin

    @cached_property
    def centers(self) -> NDArray[np.float64]:
        """Return the true bin centres, shape (B,), in Å.

        Examples
        --------
        >>> grid = BinGrid()
        >>> grid.n_bins, float(grid.centers[0]), float(grid.centers[171])
        (496, 3606.0, 5766.0)
        """
        offset = STEP_ANGSTROM * (self.pixels_per_bin - 1) / 2
        return np.concatenate(
            [
                arm.first_wavelength + offset + self.bin_width * np.arange(self.n_bins_of(arm))
                for arm in ARMS
            ]
        )

    @cached_property
    def published_wavelengths(self) -> NDArray[np.float64]:
        """Return the approximate bin wavelengths of the published catalog, shape (B,), in Å.

        The published code splits each arm's nominal range evenly and takes the middle of each
        part; the result drifts up to about 11 Å from the true centres. All 120 wavelengths of the
        published gold list fall on it to 0.0005 Å (tested).
        """
        limits = {Arm.BLUE: (3600.0, 5800.0), Arm.RED: (5760.0, 7620.0), Arm.NIR: (7520.0, 9824.0)}
        return np.concatenate([_even_split(*limits[arm], self.n_bins_of(arm)) for arm in ARMS])


def _even_split(low: float, high: float, n: int) -> NDArray[np.float64]:
    return low + (high - low) / n * (np.arange(n) + 0.5)


COMPATIBLE_GRID = BinGrid(16)
