"""The text formats of astronomy in chunks: ECSV and VOTable, with units and provenance.

astropy writes the head of each, from a table without rows; the rows are written by Arrow, many
times faster than astropy writes them and without a table of everything in memory.
"""

import io
import warnings
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, Table
from astropy.units import Unit, UnitsWarning

from .outlet import Outlet

# Where the standards write a unit of ours otherwise.
UNITS = {"Angstrom-1/2": "Angstrom(-1/2)"}
# Where they have no word for it. DESI's FITS files say it all the same; astropy refuses to.
UNKNOWN_UNITS = frozenset({"nanomaggy"})
_ESCAPES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
# A row is more than a kB of text, which lies in memory three times.
_VOTABLE_ROWS = 4096
_END_OF_TABLE = b"</TABLE>"


def stream_ecsv(schema: pa.Schema, tables: Iterable[pa.Table]) -> Generator[bytes]:
    """Yield an ECSV file; null and an empty text are both an empty field.

    Parameters
    ----------
    schema : pa.Schema
        Fields carry ``unit`` and ``meaning``, the schema the provenance.
    tables : iterable of pa.Table
        M objects, some at a time, decoded.
    """
    head = io.StringIO()
    empty_table(schema, said_by(schema)).write(head, format="ascii.ecsv", delimiter=",")
    yield head.getvalue().encode()
    outlet = Outlet()
    written = pa.schema([(f.name, _ecsv_type(f.type)) for f in schema])
    options = pa.csv.WriteOptions(include_header=False)
    with pa.csv.CSVWriter(outlet, written, write_options=options) as writer:
        for table in tables:
            columns = [_ecsv_values(column) for column in table.columns]
            writer.write_table(pa.Table.from_arrays(columns, schema=written))
            yield outlet.take()
    yield outlet.take()


def stream_votable(schema: pa.Schema, tables: Iterable[pa.Table]) -> Generator[bytes]:
    """Yield a VOTable 1.4 of TABLEDATA; null is an empty cell. Parameters as `stream_ecsv`."""
    head, tail = _votable_ends(schema)
    yield head + b"<DATA><TABLEDATA>\n"
    for table in tables:
        for batch in table.to_batches(max_chunksize=_VOTABLE_ROWS):
            yield _votable_rows(batch)
    yield b"</TABLEDATA></DATA>" + tail


def said_by(item: pa.Schema | pa.Field) -> dict[str, str]:
    """Return the metadata of a schema or field as text."""
    return {k.decode(): v.decode() for k, v in (item.metadata or {}).items()}


def empty_table(schema: pa.Schema, meta: dict[str, str]) -> Table:
    """Return the astropy table of no rows with names, types, units and meanings."""
    return Table([_column(field) for field in schema], meta=meta)


def _column(field: pa.Field) -> Any:
    facts = said_by(field)
    unit, meaning = facts.get("unit", ""), facts.get("meaning", "")
    if unit in UNKNOWN_UNITS:
        unit, meaning = "", f"{meaning} [{unit}]"
    is_text = pa.types.is_string(field.type)
    return MaskedColumn(
        np.empty(0, "U1" if is_text else field.type.to_pandas_dtype()),
        name=field.name,
        unit=Unit(UNITS.get(unit, unit)) if unit else None,
        description=meaning,
    )


def _ecsv_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_boolean(kind) else kind


def _ecsv_values(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as ECSV writes them: truth with a capital."""
    if not pa.types.is_boolean(values.type):
        return values
    return pc.if_else(values, "True", "False")


def _votable_ends(schema: pa.Schema) -> tuple[bytes, bytes]:
    """Return a VOTable up to its rows, and what follows them."""
    # VOTable keeps one text only.
    text = "; ".join(f"{name}: {value}" for name, value in said_by(schema).items())
    votable = from_table(empty_table(schema, {"description": text}))
    for field in votable.get_first_table().fields:
        if field.arraysize is not None:  # of one letter, like the table without rows
            field.arraysize = "*"
        if field.datatype == "bit":  # which cannot be null
            field.datatype = "boolean"
    content = io.BytesIO()
    with warnings.catch_warnings():
        # VOUnit would rather read 0.1nm than Angstrom; every reader knows Angstrom.
        warnings.filterwarnings("ignore", "The unit 'Angstrom' has been", UnitsWarning)
        votable.to_xml(content, tabledata_format="tabledata")
    head, tail = content.getvalue().rsplit(_END_OF_TABLE, 1)
    return head, _END_OF_TABLE + tail


def _votable_rows(batch: pa.RecordBatch) -> bytes:
    cells = [_votable_cells(column) for column in batch.columns]
    lines = pc.binary_join_element_wise(
        *cells, "</TD><TD>", null_handling="replace", null_replacement=""
    )
    text = "</TD></TR>\n<TR><TD>".join(lines.to_pylist())
    return f"<TR><TD>{text}</TD></TR>\n".encode()


def _votable_cells(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type):
        for raw, escaped in _ESCAPES:
            values = pc.replace_substring(values, raw, escaped)
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return values.cast(pa.string())
