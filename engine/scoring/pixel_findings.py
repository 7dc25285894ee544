"""What only pixels can tell of a spectrum: lines too narrow for the bins of a network."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch

from .known import Known
from .line_profile import second_components
from .narrow_lines import strongest_lines
from .pixels import Pixels


@dataclass(frozen=True)
class PixelFindings:
    """What the pixels of N spectra say.

    Parameters
    ----------
    profile : (N,) float32
        Whether emission lines have two velocities: see `line_profile`.
    line : (N,) float32
        Significance of the strongest narrow line where none is known: see `narrow_lines`.
    line_wavelength : (N,) float32
        Where that line is, in Å.
    """

    profile: NDArray[np.float32]
    line: NDArray[np.float32]
    line_wavelength: NDArray[np.float32]

    @classmethod
    def of_batch(cls, batch: SpectrumBatch | StoredBatch, known: Known) -> "PixelFindings":
        """Look at the pixels of N spectra, of which the pipeline says so much."""
        pixels = Pixels.of_batch(batch)
        return cls(second_components(pixels, known), *strongest_lines(pixels, known))

    @classmethod
    def unknown(cls, n: int) -> "PixelFindings":
        """Return what is said of N spectra whose pixels nobody has looked at."""
        return cls(*np.full((3, n), np.nan, np.float32))

    def __len__(self) -> int:
        return len(self.profile)

    def take(self, rows: NDArray[np.integer] | slice) -> "PixelFindings":
        """Return what is said of some spectra, given by their (K,) places."""
        return PixelFindings(self.profile[rows], self.line[rows], self.line_wavelength[rows])

    def joined(self, *others: "PixelFindings") -> "PixelFindings":
        """Return what is said of these spectra and of others after them."""
        parts = (self, *others)
        return PixelFindings(
            np.concatenate([part.profile for part in parts]),
            np.concatenate([part.line for part in parts]),
            np.concatenate([part.line_wavelength for part in parts]),
        )
