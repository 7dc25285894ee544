"""A FITS binary table in chunks: astropy writes the headers, numpy the rows."""

from collections.abc import Generator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from numpy.typing import NDArray

from .astrotable import UNKNOWN_UNITS, empty_table, said_by
from .export import as_ascii

_BLOCK = 2880
# How wide each column of text is, and which columns of truth have a null.
Shape = tuple[Mapping[str, int], AbstractSet[str]]


def stream_fits(
    schema: pa.Schema, tables: Iterable[pa.Table], n_objects: int, shape: Shape
) -> Generator[bytes]:
    """Yield a FITS file of one binary table with units and provenance.

    Null is TNULL, the least integer of its type, for whole numbers; NaN for others; empty for text.
    A column of truth is logical, or of small integers where one is null: FITS readers take a
    logical null for false.

    Parameters
    ----------
    schema : pa.Schema
        Fields carry ``unit`` and ``meaning``, the schema the provenance.
    tables : iterable of pa.Table
        M objects, some at a time, decoded.
    n_objects : int
        M; a FITS header says it before the first row.
    shape : tuple
        Column name -> bytes of its longest text, and names of the columns of truth with a null.
    """
    hdu = fits.table_to_hdu(_empty(schema, shape))
    _describe(hdu.header, schema)
    hdu.header["NAXIS2"] = n_objects
    yield fits.PrimaryHDU().header.tostring().encode("ascii")
    yield hdu.header.tostring().encode("ascii")
    kinds = np.dtype([(field.name, _written(_kind(field, shape))) for field in schema])
    n_bytes = 0
    for table in tables:
        rows = np.empty(table.num_rows, kinds)
        for name in table.column_names:
            rows[name] = _values(table.column(name), kinds[name])
        n_bytes += rows.nbytes
        yield rows.tobytes()
    yield b"\0" * (-n_bytes % _BLOCK)


def _empty(schema: pa.Schema, shape: Shape) -> Table:
    # FITS keywords are of eight capitals.
    said = {name.upper(): as_ascii(text) for name, text in said_by(schema).items()}
    content = empty_table(schema, said)
    for field in schema:
        column = content[field.name]
        kind = _kind(field, shape).newbyteorder("=")
        if kind != column.dtype:
            content[field.name] = MaskedColumn(np.empty(0, kind), unit=column.unit)
        if kind.kind == "i":
            content[field.name].fill_value = np.iinfo(kind).min
    return content


def _describe(header: fits.Header, schema: pa.Schema) -> None:
    for number, field in enumerate(schema, start=1):
        if (unit := said_by(field).get("unit")) in UNKNOWN_UNITS:
            header[f"TUNIT{number}"] = unit


def _kind(field: pa.Field, shape: Shape) -> np.dtype[Any]:
    """Return the type of a column as it lies in the file."""
    widths, nullable = shape
    if pa.types.is_string(field.type):
        return np.dtype(f"S{widths[field.name]}")
    if pa.types.is_boolean(field.type):
        return np.dtype(">i2" if field.name in nullable else "?")
    return np.dtype(field.type.to_pandas_dtype()).newbyteorder(">")


def _written(kind: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of the bytes of a column: truth is the letter T or F."""
    return np.dtype("S1") if kind.kind == "b" else kind


def _values(values: pa.ChunkedArray, kind: np.dtype[Any]) -> NDArray[Any]:
    """Return (M,) values as they lie in the file, up to the order of bytes."""
    if pa.types.is_boolean(values.type) and kind.kind == "S":
        return np.where(values.to_numpy(), b"T", b"F")
    if kind.kind == "S":
        return _texts(values, kind)
    if kind.kind == "i":
        return values.cast(_integer(kind)).fill_null(int(np.iinfo(kind).min)).to_numpy()
    return values.to_numpy()


def _integer(kind: np.dtype[Any]) -> pa.DataType:
    return pa.from_numpy_dtype(kind.newbyteorder("="))


def _texts(values: pa.ChunkedArray, kind: np.dtype[Any]) -> NDArray[np.bytes_]:
    """Return texts as ASCII; few differ, so each is escaped once."""
    coded = values.fill_null("").combine_chunks().dictionary_encode()
    legend = np.array([as_ascii(text) for text in coded.dictionary.to_pylist()], kind)
    return legend[coded.indices.to_numpy()] if len(legend) else np.empty(0, kind)
