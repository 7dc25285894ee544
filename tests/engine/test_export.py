"""What is exported is what the store holds, in every format, to the last bit of an id."""

import csv
import re
import warnings

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import validate
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog import export
from anomaly_explorer.engine.catalog.export import Selected, export_rows, stream_rows
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

ROWS = np.random.default_rng(4).permutation(1000)[:150]
FORMATS = ("csv", "parquet", "ecsv", "fits", "votable")


@pytest.fixture(scope="module")
def exported(random_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports")
    for fmt in FORMATS:
        export_rows(random_store, ROWS, folder / f"objects.{fmt}", fmt)
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"objects.{f}" for f in FORMATS)
    return folder


@pytest.fixture(scope="module")
def expected(random_store):
    """Records under catalog names."""
    names = {name: random_store.describe(name).catalog_name for name in random_store.column_names}
    return [
        {names[name]: value for name, value in record.items()}
        for record in random_store.records(ROWS)
    ]


def test_parquet_holds_the_records_and_their_types(exported, expected):
    table = pq.read_table(exported / "objects.parquet")
    found = [
        {name: None if value != value else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    assert found == expected
    assert table.schema.field("targetid").type == "int64"
    assert table.schema.field("anomaly_score").type == "float"
    assert table.schema.field("target_ra").metadata[b"unit"] == b"deg"


def test_csv_holds_the_records(exported, expected):
    with (exported / "objects.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert len(found) == len(expected)
    for row, record in zip(found, expected, strict=True):
        assert list(row) == list(record)
        for name, value in record.items():
            assert same_text(row[name], value), (name, row[name], value)


def same_text(text, value):
    if value is None:
        return text in ("", "nan")
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, float):
        return np.float32(text) == np.float32(value) if value != float(text) else True
    return text == str(value)


@pytest.mark.parametrize("fmt", ["ecsv", "fits", "votable"])
def test_astronomers_formats_hold_the_records(exported, expected, fmt):
    table = read(exported, fmt)
    assert table.colnames == list(expected[0])
    for name in table.colnames:
        for found, record in zip(table[name], expected, strict=True):
            value = record[name]
            if value is None:
                is_nan = isinstance(found, np.floating) and np.isnan(found)
                # An empty text and none are one in these formats.
                assert found is np.ma.masked or is_nan or str(found) == "", name
            elif value == "":
                assert found is np.ma.masked or str(found) == "", name
            else:
                if isinstance(value, str) and fmt == "fits":
                    value = value.replace("ü", r"\xfc").replace("ï", r"\xef")
                assert str(found) == value if isinstance(value, str) else found == value, name


def read(exported, fmt):
    formats = {"ecsv": "ascii.ecsv", "fits": "fits", "votable": "votable"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what astropy says of its own files is not ours
        return Table.read(exported / f"objects.{fmt}", format=formats[fmt])


@pytest.mark.parametrize("fmt", ["ecsv", "fits", "votable"])
def test_units_and_provenance_travel(exported, fmt):
    table = read(exported, fmt)
    assert str(table["target_ra"].unit) == "deg"
    assert table["coadd_exptime"].unit == "s"
    said = " ".join(" ".join(map(str, table.meta.values())).split())  # VOTable wraps lines
    assert "simulated (generator 2, seed 42): no telescope saw" in said
    assert "0123456789ab" in said
    assert "150 of 1,000 objects" in said
    assert "0 top_10, 1 top_1, 2 top_01, 3 mild" in said
    assert "tier rules version 2" in said
    assert "science" in said


def test_parquet_says_where_it_comes_from(exported):
    metadata = pq.read_schema(exported / "objects.parquet").metadata
    assert b"simulated" in metadata[b"data"]
    assert b"0123456789ab" in metadata[b"model"]


@pytest.mark.parametrize("fmt", FORMATS)
def test_chunks_do_not_show(random_store, exported, tmp_path, monkeypatch, fmt):
    monkeypatch.setattr(export, "CHUNK_ROWS", 7)
    export_rows(random_store, ROWS, tmp_path / "o", fmt)
    if fmt != "parquet":
        chunked, whole = (p.read_bytes() for p in (tmp_path / "o", exported / f"objects.{fmt}"))
        assert without_time(chunked) == without_time(whole)
    else:
        chunked, whole = (pq.read_table(p) for p in (tmp_path / "o", exported / "objects.parquet"))
        assert chunked.schema.equals(whole.schema)
        pd.testing.assert_frame_equal(chunked.to_pandas(), whole.to_pandas())


def without_time(content):
    return re.sub(rb"\d{4}-\d\d-\d\dT[\d:]{8}", b"", content)


@given(st.lists(st.integers(0, 999)), st.sampled_from([1, 64, 200]))
def test_a_mask_stands_for_its_rows_in_any_chunks(random_store, rows, size):
    mask = Mask.of_rows(np.array(rows, np.int64), 1000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "CHUNK_ROWS", size)
        chunks = list(Selected(random_store, mask).chunks())
        assert all(len(chunk) <= max(2 * size, 64) for chunk in chunks)
    np.testing.assert_array_equal(np.concatenate([mask.rows()[:0], *chunks]), sorted(set(rows)))


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_stream_comes_in_pieces_and_may_be_left(random_store, monkeypatch, fmt):
    monkeypatch.setattr(export, "CHUNK_ROWS", 64)
    pieces = stream_rows(random_store, Mask.all(1000), fmt)
    first, second = next(pieces), next(pieces)
    pieces.close()
    assert len(first) > 0
    assert 0 < len(second) < len(b"".join(stream_rows(random_store, Mask.all(1000), fmt))) / 3


def test_fits_readers_find_nothing_to_complain_of(exported):
    with warnings.catch_warnings(), fits.open(exported / "objects.fits") as file:
        warnings.simplefilter("error")
        file.verify("exception")
        assert file[1].header["NAXIS2"] == len(ROWS)
    assert (exported / "objects.fits").stat().st_size % 2880 == 0


def test_a_votable_is_what_the_standard_says(exported):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert validate(exported / "objects.votable", output=None, xmllint=False)


@pytest.mark.parametrize("fmt", FORMATS)
def test_no_objects_make_a_file_with_columns(random_store, tmp_path, fmt):
    export_rows(random_store, [], tmp_path / f"objects.{fmt}", fmt)
    assert b"targetid" in (tmp_path / f"objects.{fmt}").read_bytes().lower()


def test_latents_come_on_request(random_store, tmp_path):
    export_rows(random_store, ROWS, tmp_path / "o", "parquet", has_latents=True)
    table = pq.read_table(tmp_path / "o")
    found = np.column_stack([table.column(f"lat_{i:03d}") for i in range(128)])
    np.testing.assert_array_equal(found, random_store.latents(ROWS))


def test_a_failed_export_leaves_the_old_file(random_store, tmp_path, monkeypatch):
    path = tmp_path / "objects.csv"
    path.write_text("mine")

    def fail(selected):
        yield b"half"
        raise OSError("disk full")

    monkeypatch.setitem(export.FORMATS, "csv", fail)
    with pytest.raises(OSError, match="disk full"):
        export_rows(random_store, ROWS, path, "csv")
    assert path.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["objects.csv"]


def test_what_cannot_be_exported_is_explained(random_store, tmp_path):
    with pytest.raises(InputError, match="parquet"):
        export_rows(random_store, ROWS, tmp_path / "o", "xlsx")
    with pytest.raises(InputError, match="does not exist"):
        export_rows(random_store, ROWS, tmp_path / "no" / "o", "csv")
    with pytest.raises(InputError, match="rows 0 to 999"):
        export_rows(random_store, [1000], tmp_path / "o", "csv")
    with pytest.raises(InputError, match=r"mask of 9 rows came for a store of 1,000"):
        stream_rows(random_store, Mask.all(9), "csv")
