"""DESI spectra files: one row per exposure, coadded while reading."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .columns import cast_column
from .desi import DesiSource
from .desi_arms import ArmImages
from .desi_columns import Columns, fibermap_column, fibermap_columns
from .exposures import coadd_exposures, coadd_fiber_status, is_good_exposure, used_exposures
from .filesource import as_rows
from .fitsfile import FitsFile
from .grid import ARMS, Arm


class DesiExposureSource(DesiSource):
    """The coadded objects of a ``spectra-*`` file, in order of their first exposure.

    Parameters
    ----------
    file : FitsFile
        An open DESI file; the source closes it.
    """

    def __init__(self, file: FitsFile) -> None:
        super().__init__(file, "desi spectra")

    def _distinct_ids(self) -> NDArray[np.int64]:
        ids, first, owner = np.unique(self._row_ids, return_index=True, return_inverse=True)
        order = np.argsort(first)
        self._first_row = first[order]
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        # Exposures of object i are _exposures[_starts[i] : _starts[i] + _n_exposures[i]].
        owner = place[owner]
        self._exposures = np.argsort(owner, kind="stable")
        self._n_exposures = np.bincount(owner, minlength=len(ids))
        self._starts = np.cumsum(self._n_exposures) - self._n_exposures
        return ids[order]

    def _read_arms(self, index: NDArray[np.intp]) -> ArmImages:
        counts = self._n_exposures[index]
        starts = np.cumsum(counts) - counts
        within = np.arange(counts.sum()) - np.repeat(starts, counts)
        rows = self._exposures[np.repeat(self._starts[index], counts) + within]
        flux, ivar, mask = self._arms.read(as_rows(rows))
        if len(index) == 0:
            return flux, ivar, mask
        for arm in ARMS:
            is_used = used_exposures(self._is_good(arm)[rows], starts)
            flux[arm], ivar[arm], mask[arm] = coadd_exposures(
                (flux[arm], ivar[arm], mask[arm]), is_used, starts
            )
        return flux, ivar, mask

    def _object_columns(self) -> Columns:
        """Return facts that all exposures share, and what is combined over them.

        SCORES of single exposures say nothing of the coadd: S/N is measured, TSNR2 is absent.
        """
        columns = {
            name: values[self._first_row] for name, values in fibermap_columns(self._file).items()
        }
        if len(self) == 0:
            return columns
        is_good = np.logical_or.reduce([self._is_good(arm) for arm in ARMS])[self._exposures]
        if self._fiber_status is not None:
            columns["fiber_status"] = coadd_fiber_status(
                self._fiber_status[self._exposures], is_good, self._starts
            )
        columns["coadd_numexp"] = self._summed("coadd_numexp", is_good)
        seconds = fibermap_column(self._file, "EXPTIME")
        if seconds is not None:
            good_seconds = np.where(is_good, seconds[self._exposures], 0)
            columns["coadd_exptime"] = self._summed("coadd_exptime", good_seconds)
        return columns

    def _summed(self, name: str, values: NDArray[Any]) -> NDArray[Any]:
        return cast_column(name, np.add.reduceat(values, self._starts, dtype=np.float64))

    def _is_good(self, arm: Arm) -> NDArray[np.bool_]:
        """Return which rows of the file are good exposures in an arm; all when unknown."""
        if self._fiber_status is None:
            return np.ones(len(self._row_ids), dtype=bool)
        return is_good_exposure(self._fiber_status, arm)

    @cached_property
    def _fiber_status(self) -> NDArray[Any] | None:
        return fibermap_column(self._file, "FIBERSTATUS")


def is_exposure_file(file: FitsFile) -> bool:
    """Return whether a DESI file holds exposures rather than coadded objects."""
    names = file.column_names("FIBERMAP")
    if "COADD_FIBERSTATUS" in names or "EXP_FIBERMAP" in file or not names:
        return False
    if file.path.name.startswith("spectra-") or "FIBERSTATUS" in names:
        return True
    target_ids = fibermap_column(file, "TARGETID")
    return target_ids is not None and len(np.unique(target_ids)) < len(target_ids)
