"""The schema against the published contract."""

import csv

from anomaly_explorer.engine.catalog.schema import COLUMNS, PUBLISHED, READER_COLUMNS, arrow_schema


def test_the_173_published_columns_keep_name_type_and_order(real_data):
    with open(real_data / "seed-catalogue" / "catalog_schema_173.csv", newline="") as file:
        contract = [(row["column"], row["parquet_dtype"]) for row in csv.DictReader(file)]
    assert len(contract) == 173
    assert [(c.catalog_name, c.dtype) for c in PUBLISHED] == contract


def test_names_are_unique_and_described():
    assert len({c.name for c in COLUMNS}) == len({c.catalog_name for c in COLUMNS}) == len(COLUMNS)
    assert all(c.meaning for c in COLUMNS)
    assert {c.name for c in COLUMNS} >= READER_COLUMNS


def test_the_arrow_schema_carries_units():
    schema = arrow_schema()
    assert len(schema) == len(COLUMNS)
    assert schema.field("ra_deg").metadata[b"unit"] == b"deg"
    assert schema.field("targetid").type == "int64"
