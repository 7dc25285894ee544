"""Value objects: one spectrum, and a batch of N of them on the DESI arms.

Legend of shapes everywhere in the engine: N objects, n pixels of an arm, B bins, L latents.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .grid import ARMS, Arm

# DESI's own mask bits end at 10 (desispec). This one is ours: the survey has no such pixel at all.
NOT_COVERED = np.uint32(1 << 31)
FLUX_UNIT = "1e-17 erg / (s cm2 Angstrom)"

ArmArrays = Mapping[Arm, NDArray[Any]]


@dataclass(frozen=True)
class SpectrumBatch:
    """N spectra on the three arms of DESI, with what the files say of each object.

    Parameters
    ----------
    flux : mapping of Arm to (N, n) float32
        Flux density in 1e-17 erg s⁻¹ cm⁻² Å⁻¹, as the file has it (NaN included).
    ivar : mapping of Arm to (N, n) float32
        Inverse variance of flux; 0 = do not use.
    mask : mapping of Arm to (N, n) uint32
        DESI mask bits, any non-zero value is bad; `NOT_COVERED` marks pixels the survey has not.
    columns : mapping of str to (N,) array
        Facts about each object under the names of `engine.catalog.schema`; a column that the
        file does not carry is absent, never filled in.
    """

    flux: ArmArrays
    ivar: ArmArrays
    mask: ArmArrays
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self)
        for name in ("flux", "ivar", "mask"):
            for arm in ARMS:
                shape = getattr(self, name)[arm].shape
                if shape != (n, arm.n_pixels):
                    raise ValueError(
                        f"{name} of arm {arm.value} is {shape}, expected {(n, arm.n_pixels)}"
                    )
        for name, values in self.columns.items():
            if np.shape(values) != (n,):
                raise ValueError(f"column {name} has {np.shape(values)} values for {n} spectra")

    def __len__(self) -> int:
        return len(self.flux[Arm.BLUE])

    @property
    def wavelength(self) -> dict[Arm, NDArray[np.float64]]:
        """Return the pixel centres per arm, each (n,), in Å (vacuum)."""
        return {arm: arm.wavelength for arm in ARMS}

    def good(self, arm: Arm) -> NDArray[np.bool_]:
        """Return which pixels of an arm carry information, (N, n)."""
        return (self.mask[arm] == 0) & (self.ivar[arm] > 0) & np.isfinite(self.flux[arm])

    def take(self, rows: Sequence[int] | NDArray[Any]) -> "SpectrumBatch":
        """Return the spectra at the given positions, in that order."""
        index = np.asarray(rows, dtype=np.intp)
        return SpectrumBatch(
            {arm: self.flux[arm][index] for arm in ARMS},
            {arm: self.ivar[arm][index] for arm in ARMS},
            {arm: self.mask[arm][index] for arm in ARMS},
            {name: values[index] for name, values in self.columns.items()},
        )

    def one(self, row: int) -> "Spectrum":
        """Return the spectrum at one position."""
        return Spectrum(
            {arm: self.flux[arm][row] for arm in ARMS},
            {arm: self.ivar[arm][row] for arm in ARMS},
            {arm: self.mask[arm][row] for arm in ARMS},
            {name: values[row] for name, values in self.columns.items()},
        )


@dataclass(frozen=True)
class Spectrum:
    """One spectrum: flux, ivar and mask per arm, each (n,); units as in `SpectrumBatch`."""

    flux: ArmArrays
    ivar: ArmArrays
    mask: ArmArrays
    facts: Mapping[str, Any] = field(default_factory=dict)

    def good(self, arm: Arm) -> NDArray[np.bool_]:
        """Return which pixels of an arm carry information, (n,)."""
        return (self.mask[arm] == 0) & (self.ivar[arm] > 0) & np.isfinite(self.flux[arm])


def concatenate(batches: Iterable[SpectrumBatch]) -> SpectrumBatch:
    """Join batches in order; only columns that every batch carries survive.

    Returns
    -------
    SpectrumBatch
        Sum of N spectra. Raises ValueError when there is no batch at all.
    """
    parts = list(batches)
    if not parts:
        raise ValueError("no batches to join")
    shared = set(parts[0].columns).intersection(*(part.columns for part in parts))
    return SpectrumBatch(
        {arm: np.concatenate([p.flux[arm] for p in parts]) for arm in ARMS},
        {arm: np.concatenate([p.ivar[arm] for p in parts]) for arm in ARMS},
        {arm: np.concatenate([p.mask[arm] for p in parts]) for arm in ARMS},
        {
            name: np.concatenate([p.columns[name] for p in parts])
            for name in parts[0].columns
            if name in shared
        },
    )
