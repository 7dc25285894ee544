"""DESI coadds: one row per object, healpix and tile layouts, with the redrock file beside it."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .cell import cells_of
from .columns import cast_column, file_target_ids
from .damage import refuse_damage
from .desi_arms import ArmImages, DesiArms
from .desi_columns import (
    Columns,
    exposure_columns,
    fibermap_column,
    fibermap_columns,
    injected_types,
    redshift_columns,
    score_columns,
)
from .desi_layout import layout_of, redrock_path
from .filesource import FileSource, as_rows
from .fitsfile import FitsFile
from .grid import ARMS
from .signal import median_snr
from .spectrum import SpectrumBatch
from .stored import StoredBatch

_SNR_NAMES = {f"snr_{arm.value}" for arm in ARMS}


class DesiSource(FileSource):
    """The spectra of a DESI file, one per object.

    Parameters
    ----------
    file : FitsFile
        An open DESI file; the source closes it.
    kind : str
        ``desi coadd`` or ``desi spectra``.

    Raises
    ------
    InputError
        When arms are missing or HDUs disagree about the number of rows.
    """

    def __init__(self, file: FitsFile, kind: str = "desi coadd") -> None:
        self._file = file
        self._arms = DesiArms(file)
        _check_table_lengths(file, self._arms.n_rows)
        row_ids = fibermap_column(file, "TARGETID")
        self._id_origin = "file" if row_ids is None else "survey"
        if row_ids is None:
            row_ids = file_target_ids(file.content_hash(), self._arms.n_rows)
        self._row_ids: NDArray[np.int64] = row_ids.astype(np.int64)
        self._target_ids = self._distinct_ids()
        super().__init__(file.path, kind, len(self._target_ids))
        header = file.header()
        self._layout = layout_of(header, file.path)
        self.group = self._layout.group or f"file/{file.content_hash().hex()[:12]}"
        self.simulation = _simulation_of(header, file.path.name)
        self._redshifts, self.notes = redshift_columns(
            redrock_path(file.path) if self._id_origin == "survey" else None, self._target_ids
        )
        if self._id_origin == "file":
            self.notes += ("no TARGETID in the file: ids are made from its content",)

    @property
    def target_ids(self) -> NDArray[np.int64]:
        """Return the ids of all objects in file order, (N,)."""
        return self._target_ids

    def batches(self, size: int = 256) -> Iterator[SpectrumBatch]:
        """Yield all objects in file order, at most `size` at a time."""
        self.announce()
        yield from super().batches(size)

    def announce(self) -> None:
        """Have the system fetch all spectra from the disk, which goes on while others are read."""
        self._arms.announce()

    def stored_batches(self, size: int = 256) -> Iterator[StoredBatch | SpectrumBatch]:
        """Yield what `batches` does, with the pixels as they lie in the file where that will do.

        Exposures, and an S/N that the file does not state, are computed from unpacked pixels.

        Raises
        ------
        ValueError
            When the source is closed.
        InputError
            When the file is damaged.
        """
        if not self._is_open:
            raise ValueError(f"{self.path.name} is closed")
        with refuse_damage(self.path):
            is_stated = self._columns.keys() >= _SNR_NAMES
        if self.kind != "desi coadd" or not is_stated:
            yield from self.batches(size)
            return
        for start in range(0, len(self), size):
            rows = slice(start, min(start + size, len(self)))
            columns = {name: values[rows] for name, values in self._columns.items()}
            with refuse_damage(self.path):
                arms = self._arms.stored(rows)
            yield StoredBatch(arms, columns)

    def _distinct_ids(self) -> NDArray[np.int64]:
        """Return the id of each object, (N,); a coadd has one row per object."""
        return self._row_ids

    def _read(self, index: NDArray[np.intp]) -> SpectrumBatch:
        flux, ivar, mask = self._read_arms(index)
        columns = {name: values[index] for name, values in self._columns.items()}
        for arm in ARMS:
            name = f"snr_{arm.value}"
            if name not in columns:
                columns[name] = median_snr(arm, flux[arm], ivar[arm], mask[arm])
        return SpectrumBatch(flux, ivar, mask, columns)

    def _read_arms(self, index: NDArray[np.intp]) -> ArmImages:
        return self._arms.read(as_rows(index))

    def _release(self) -> None:
        self._file.close()

    @cached_property
    def _columns(self) -> Columns:
        """All columns of all objects but a measured S/N, each (N,)."""
        columns = self._object_columns()
        if self._layout.tile_id is not None:
            columns["tile_id"] = self._constant("tile_id", self._layout.tile_id)
        self._add_cells(columns)
        for name in ("desi_survey", "program"):
            value = getattr(self._layout, name)
            if value:
                columns[name] = self._constant(name, value)
        is_simulated = self.simulation is not None
        if is_simulated:
            columns |= injected_types(self._file, self._target_ids)
        return columns | {
            "target_id": self._target_ids,
            "row_in_file": np.arange(len(self), dtype=np.int32),
            "survey": self._constant("survey", "simulated" if is_simulated else "DESI"),
            "is_simulated": self._constant("is_simulated", is_simulated),
            "coadd_group": self._constant("coadd_group", self.group),
            "id_origin": self._constant("id_origin", self._id_origin),
            **self._redshifts,
        }

    def _object_columns(self) -> Columns:
        """Return what both fibermaps and SCORES say of each object."""
        return {
            **exposure_columns(self._file, self._target_ids),
            **fibermap_columns(self._file),
            **score_columns(self._file, self._target_ids),
        }

    def _add_cells(self, columns: Columns) -> None:
        if self._layout.cell is not None:
            columns["healpix"] = self._constant("healpix", self._layout.cell)
        elif "healpix" not in columns and {"ra_deg", "dec_deg"} <= columns.keys():
            columns["healpix"] = cells_of(columns["ra_deg"], columns["dec_deg"])

    def _constant(self, name: str, value: Any) -> NDArray[Any]:
        return cast_column(name, np.full(len(self), value))


def _check_table_lengths(file: FitsFile, n_rows: int) -> None:
    for hdu in ("FIBERMAP", "SCORES"):
        table = file.table(hdu)
        if table is not None and table.n_rows != n_rows:
            raise InputError(
                f"{file.path.name}: {hdu} has {table.n_rows} rows and B_FLUX {n_rows}, "
                "expected the same number; fetch the original."
            )


def _simulation_of(header: Mapping[str, Any], name: str) -> tuple[int, int] | None:
    """Return (generator version, seed) of a simulated file, None of a real one."""
    if not header.get("SIMULATD", False):
        return None
    if "SIMVER" not in header or "SIMSEED" not in header:
        raise InputError(
            f"{name} says it is simulated but lacks SIMVER or SIMSEED; simulate it again."
        )
    return int(header["SIMVER"]), int(header["SIMSEED"])
