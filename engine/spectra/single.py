"""Sources of one object per file, on another survey's pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .cell import cells_of
from .columns import cast_column, file_target_ids
from .filesource import FileSource
from .fitsfile import FitsFile
from .grid import ARMS
from .resample import Samples, resample_to_arms
from .signal import median_snr
from .spectrum import SpectrumBatch

# Mask bits of pixels that were not measured: LOWFLAT, FULLREJECT, NOSKY, NODATA, COMBINEREJ,
# BADFLUXFACTOR, BADSKYCHI. The rest (BRIGHTSKY, NEARBADPIXEL, whole-fiber bits below 16) describes
# pixels whose ivar already says how good they are. Source: SDSS bitmask SPPIXMASK, which LAMOST
# uses too.
_NOT_MEASURED = sum(1 << bit for bit in (17, 18, 22, 24, 25, 26, 27))


class SingleSource(FileSource):
    """One object, read and resampled when the file is opened.

    Parameters
    ----------
    file : FitsFile
        The file; closed before this returns.
    kind : str
        ``sdss spec`` or ``lamost``.
    group : str
        Group of the object, empty for one made of the content of the file.
    samples : Samples
        The spectrum on its survey's pixels.
    facts : mapping
        Column name to value; None = the file does not say.
    """

    def __init__(
        self, file: FitsFile, kind: str, group: str, samples: Samples, facts: Mapping[str, Any]
    ) -> None:
        super().__init__(file.path, kind, 1)
        content_hash = file.content_hash()
        self.group = group or f"file/{content_hash.hex()[:12]}"
        known = {name: value for name, value in facts.items() if value is not None}
        known["id_origin"] = "survey" if "target_id" in known else "file"
        known.setdefault("target_id", file_target_ids(content_hash, 1)[0])
        known |= {"coadd_group": self.group, "is_simulated": False, "row_in_file": 0}
        columns = {name: cast_column(name, [value]) for name, value in known.items()}
        if {"ra_deg", "dec_deg"} <= columns.keys():
            columns["target_ra"] = cast_column("target_ra", columns["ra_deg"])
            columns["target_dec"] = cast_column("target_dec", columns["dec_deg"])
            columns["healpix"] = cells_of(columns["ra_deg"], columns["dec_deg"])
        self._target_ids = columns["target_id"]
        arms = resample_to_arms(samples)
        for arm in ARMS:
            columns[f"snr_{arm.value}"] = median_snr(
                arm, arms.flux[arm], arms.ivar[arm], arms.mask[arm]
            )
        self._batch: SpectrumBatch | None = SpectrumBatch(arms.flux, arms.ivar, arms.mask, columns)

    @property
    def target_ids(self) -> NDArray[np.int64]:
        """Return the id of the one object, (1,)."""
        return self._target_ids

    def _read(self, index: NDArray[np.intp]) -> SpectrumBatch:
        if self._batch is None:
            raise ValueError(f"{self.path.name} is closed")
        return self._batch.take(index)

    def _release(self) -> None:
        self._batch = None


def make_samples(
    file: FitsFile,
    wavelength: NDArray[np.floating],
    values: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
) -> Samples:
    """Return the spectrum of a file from wavelength (Å, vacuum), (flux, ivar, mask), each (n,).

    Raises
    ------
    InputError
        When the wavelengths are not those of a spectrum.
    """
    flux, ivar, mask = values
    is_bad = (mask.astype(np.int64) & _NOT_MEASURED) != 0
    try:
        return Samples(wavelength.astype(np.float64), flux, ivar, is_bad)
    except ValueError as error:
        raise InputError(
            f"{file.path.name} cannot be resampled: {error}; fetch the original."
        ) from error
