"""What is true of the objects of a survey that somebody has simulated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.scoring.figures import NORMAL
from anomaly_explorer.engine.spectra.columns import match_rows

_FORMATS = {".parquet": "parquet", ".fits": "fits", ".ecsv": "ascii.ecsv", ".csv": "ascii.csv"}
_ID, _TYPE, _STRENGTH, _REDSHIFT = "TARGETID", "INJECTED_TYPE", "STRENGTH", "TRUEZ"
_COLUMNS = (_ID, _TYPE, _STRENGTH, _REDSHIFT)
_HDU = "TRUTH"
# What others may call a spectrum without an anomaly.
_NORMALS = ("", "normal", "none")


class Told(NamedTuple):
    """What is true of N spectra, (N,) each: see `Truth`."""

    injected: NDArray[np.str_]
    strength: NDArray[np.float64]
    redshift: NDArray[np.float64]

    def take(self, rows: NDArray[np.integer]) -> "Told":
        """Return what is true of some of them, given by their (K,) places."""
        return Told(*(values[rows] for values in self))


@dataclass(frozen=True)
class Truth:
    """What was put into T spectra.

    Parameters
    ----------
    target_ids : (T,) int64
    injected : (T,) array of str
        Type of the anomaly; empty for a normal spectrum.
    strength : (T,) float64
        Ideal S/N of what was put in, √Σ ivar δ²; NaN where nobody says.
    redshift : (T,) float64
        NaN where nobody says.
    source : str
        Where it was read, in words.
    """

    target_ids: NDArray[np.int64]
    injected: NDArray[np.str_]
    strength: NDArray[np.float64]
    redshift: NDArray[np.float64]
    source: str

    def of(self, target_ids: NDArray[np.integer]) -> Told:
        """Return what is true of N objects.

        Raises
        ------
        InputError
            The table lacks one of them.
        """
        rows = match_rows(np.asarray(target_ids, np.int64), self.target_ids)
        if (rows < 0).any():
            lacking = int(target_ids[rows < 0][0])
            raise InputError(
                f"{self.source} lists {len(self.target_ids):,} objects and not TARGETID {lacking}, "
                "whose spectrum is there: the truth of every science target is needed"
            )
        return Told(self.injected, self.strength, self.redshift).take(rows)

    def types(self, target_ids: NDArray[np.integer], otherwise: str) -> NDArray[np.str_]:
        """Return the types of N objects, (N,), and another word for those it does not list."""
        rows = match_rows(np.asarray(target_ids, np.int64), self.target_ids)
        return np.where(rows < 0, otherwise, self.injected[rows])


def read_truth(folder: Path, files: Sequence[Path]) -> Truth:
    """Read `truth.parquet`, `.fits`, `.ecsv` or `.csv` of a folder, or the TRUTH HDUs of files.

    Columns are TARGETID, INJECTED_TYPE (empty, ``normal`` or ``none`` where there is none) and, if
    they are known, STRENGTH and TRUEZ, the redshift.

    Raises
    ------
    InputError
        There is neither, or a table without these columns.
    """
    tables = [path for ending in _FORMATS for path in folder.glob(f"truth{ending}")]
    if tables:
        return _truth_of([_read(tables[0], _FORMATS[tables[0].suffix])], str(tables[0]))
    return _truth_of([_read(path, "fits", _HDU) for path in files], f"the {_HDU} HDUs of {folder}")


def _read(path: Path, kind: str, hdu: str | None = None) -> dict[str, NDArray[Any]]:
    try:
        table = _columns(path, kind, hdu)
        columns = {name.upper(): name for name in table}
        wanted = [name for name in _COLUMNS if name in columns]
        found = {name: _filled(table[columns[name]], name) for name in wanted}
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise InputError(
            f"{path} has no truth that can be read ({error}): give a truth.parquet, .fits, .ecsv "
            f"or .csv in the folder, or a {_HDU} HDU in each file, with {_ID}, a whole number, "
            f"{_TYPE}, and numbers or nothing as {_STRENGTH} and {_REDSHIFT}"
        ) from None
    if not {_ID, _TYPE} <= found.keys():
        raise InputError(
            f"the truth in {path} has columns {', '.join(table)}, expected {_ID} and "
            f"{_TYPE} (and {_STRENGTH} and {_REDSHIFT}, if they are known)"
        )
    return found


def _columns(path: Path, kind: str, hdu: str | None) -> dict[str, Any]:
    """Return the columns of a table by name, (T,) each, masked where they are empty."""
    from astropy.table import Table

    if kind == "parquet":
        return {name: _masked(column) for name, column in _items(pq.read_table(path))}
    table = Table.read(path, format=kind, **({"hdu": hdu} if hdu else {}))
    return {name: table[name] for name in table.colnames}


def _items(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def _masked(column: pa.ChunkedArray) -> np.ma.MaskedArray:
    is_empty = column.is_null().to_numpy()
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    filler = "" if is_text else 0
    values = column.fill_null(filler).to_numpy() if column.null_count else column.to_numpy()
    return np.ma.masked_array(values, is_empty)


def _filled(column: Any, name: str) -> NDArray[Any]:
    """Return a column without masks: what an empty field means depends on the column."""
    if name == _ID:
        return np.asarray(column, np.int64)
    if name in (_STRENGTH, _REDSHIFT):
        return np.ma.filled(np.ma.asarray(column, np.float64), np.nan)
    values = np.ma.asarray(column)
    texts = np.where(np.ma.getmaskarray(values), NORMAL, np.ma.getdata(values))
    return np.char.strip(texts.astype(str))


def _truth_of(parts: Sequence[dict[str, NDArray[Any]]], source: str) -> Truth:
    ids = np.concatenate([part[_ID] for part in parts])
    types = np.concatenate([part[_TYPE] for part in parts])
    types[np.isin(np.char.lower(types), _NORMALS)] = NORMAL
    _check_once(ids, types, source)
    numbers = (
        np.concatenate([part.get(name, np.full(len(part[_ID]), np.nan)) for part in parts])
        for name in (_STRENGTH, _REDSHIFT)
    )
    return Truth(ids, types, *numbers, source)


def _check_once(ids: NDArray[np.int64], types: NDArray[np.str_], source: str) -> None:
    """Refuse a truth that calls an object two things."""
    order = np.lexsort((types, ids))
    is_again = (ids[order][1:] == ids[order][:-1]) & (types[order][1:] != types[order][:-1])
    if is_again.any():
        place = int(np.flatnonzero(is_again)[0])
        one, other = (types[order][place + i] or "normal" for i in (0, 1))
        raise InputError(
            f"{source} calls TARGETID {ids[order][place]} both {one} and {other}: an object has "
            "one truth, and one id in all files"
        )
