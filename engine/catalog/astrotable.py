"""The formats of astronomy, through astropy: ECSV, FITS and VOTable with units and provenance."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from astropy.units import Unit, UnitsWarning

# Where the standards write a unit of ours otherwise.
_UNITS = {"Angstrom-1/2": "Angstrom(-1/2)"}
# Where they have no word for it. DESI's FITS files say it all the same; astropy refuses to.
_UNKNOWN_UNITS = frozenset({"nanomaggy"})


def write_astropy(table: pa.Table, path: Path, fmt: str) -> None:
    """Write a decoded Arrow table with units, meanings and provenance.

    Parameters
    ----------
    table : pa.Table
        M objects; fields carry ``unit`` and ``meaning``, the schema the provenance.
    path : Path
        File to write.
    fmt : str
        ``ecsv``, ``fits`` or ``votable``.
    """
    columns = [
        _column(table.column(i), table.schema.field(i), fmt) for i in range(table.num_columns)
    ]
    said = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
    # VOTable keeps one text only, FITS keywords are of eight capitals.
    meta = {"fits": {k.upper(): _ascii(v) for k, v in said.items()}, "ecsv": said}.get(
        fmt, {"description": "; ".join(f"{k}: {v}" for k, v in said.items())}
    )
    content = Table(columns, meta=meta)
    if fmt == "fits":
        hdu = fits.table_to_hdu(content)
        for number, field in enumerate(table.schema, start=1):
            if (unit := _facts(field).get("unit")) in _UNKNOWN_UNITS:
                hdu.header[f"TUNIT{number}"] = unit
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
        return
    with warnings.catch_warnings():
        # VOUnit would rather read 0.1nm than Angstrom; every reader knows Angstrom.
        warnings.filterwarnings("ignore", "The unit 'Angstrom' has been", UnitsWarning)
        content.write(path, format={"ecsv": "ascii.ecsv", "votable": "votable"}[fmt])


def _facts(field: pa.Field) -> dict[str, str]:
    return {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}


def _column(values: pa.ChunkedArray, field: pa.Field, fmt: str) -> Any:
    facts = _facts(field)
    unit, meaning = facts.get("unit", ""), facts.get("meaning", "")
    if unit in _UNKNOWN_UNITS:
        unit, meaning = "", f"{meaning} [{unit}]"
    data, mask = _data(values, field.type, fmt)
    column = MaskedColumn(
        data,
        name=field.name,
        mask=mask,
        unit=Unit(_UNITS.get(unit, unit)) if unit else None,
        description=meaning,
    )
    if column.dtype.kind == "i":
        # FITS and VOTable mark null by a number: one that no value is.
        column.fill_value = np.iinfo(column.dtype).min
    return column


def _data(values: pa.ChunkedArray, kind: pa.DataType, fmt: str) -> tuple[Any, Any]:
    """Return values with a stand-in where null, and where that is; no mask where nothing is."""
    mask = values.is_null().to_numpy() if values.null_count else False
    if pa.types.is_floating(kind):
        return values.to_numpy(), False
    if pa.types.is_string(kind):
        texts = values.fill_null("").to_pylist()
        if fmt == "fits":
            texts = [_ascii(text) for text in texts]
        return np.array(texts, dtype=str), mask
    if pa.types.is_boolean(kind):
        truths = values.fill_null(False).to_numpy()
        # FITS has no null for a logical column of one byte: small integers have.
        return (truths.astype(np.int16) if fmt == "fits" and values.null_count else truths), mask
    return values.fill_null(0).to_numpy(), mask


def _ascii(text: str) -> str:
    """Escape what FITS cannot hold, such as a letter with an accent in a file name."""
    return text.encode("ascii", "backslashreplace").decode("ascii")
