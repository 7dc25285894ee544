"""vaex opens the store's columns and says what NumPy says, whoever asks and from where."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.latents import write_latents
from anomaly_explorer.engine.catalog.schema import LATENT_NAMES
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.query.query import QUANTILES, CatalogQuery
from anomaly_explorer.engine.query.syntax import write
from anomaly_explorer.engine.query.vaextable import LatentColumn, take_latent

from .expression_maker import numbers, numbers_of

# vaex 4.19 makes its executor's event loop twice and drops the first.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def query(random_store):
    query = CatalogQuery(random_store)
    query.table(["snr"])
    gc.collect()  # let the dropped loop be found here, not in somebody else's test
    return query


def test_statistics_of_all_columns_are_those_of_the_records(query, random_store):
    names = [
        name
        for name in random_store.column_names
        if random_store.describe(name).kind in ("float", "integer", "bool")
    ]
    found = query.statistics(names)
    records = random_store.records(range(random_store.n_objects), names)
    for name in names:
        values = np.array([r[name] for r in records if r[name] is not None], dtype=np.float64)
        assert found[name].count == len(values), name
        if not len(values):  # such as sigmas of a catalog that was not calibrated
            known = found[name]
            assert np.isnan([known.mean, known.minimum, known.maximum, *known.quantiles]).all()
            continue
        assert found[name].mean == pytest.approx(values.mean(), rel=1e-5, abs=1e-6), name
        assert found[name].minimum == values.min(), name
        assert found[name].maximum == values.max(), name
        quantiles = np.quantile(values, QUANTILES, method="lower")
        assert found[name].quantiles == tuple(quantiles), name


def test_statistics_of_latents_are_those_of_numpy(query, random_store):
    latents = random_store.latents(np.arange(random_store.n_objects)).astype(np.float64)
    found = query.statistics(["latent_5", "lat_127"])
    for name, number in (("latent_5", 5), ("lat_127", 127)):
        known = latents[~np.isnan(latents[:, number]), number]
        assert found[name].count == len(known)
        assert found[name].mean == pytest.approx(known.mean(), rel=1e-6)
        assert (found[name].minimum, found[name].maximum) == (known.min(), known.max())
        expected = tuple(np.quantile(known, QUANTILES, method="lower"))
        assert found[name].quantiles == expected


def test_names_are_checked_before_vaex_sees_them(query):
    with pytest.raises(InputError, match="no column"):
        query.statistics(["__import__('os').system('true')"])
    with pytest.raises(InputError, match="no column"):
        query.statistics(["snr + 1"])
    with pytest.raises(InputError, match="category"):
        query.statistics(["spectype"])


@given(numbers, st.lists(st.integers(0, 999), max_size=20))
def test_numbers_are_those_of_a_plain_evaluator(query, random_store, node, rows):
    with np.errstate(all="ignore"):
        everywhere = np.broadcast_to(numbers_of(node, random_store).floats, random_store.n_objects)
        narrow = everywhere.astype(np.float32)
    text = write(node)
    # A function of one value and of many may differ in the last place.
    np.testing.assert_allclose(query.values(text, rows), everywhere[rows], rtol=1e-12)
    found = query.column(text)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, narrow, rtol=1e-6)


def test_a_number_is_needed_and_rows_that_are_there(query):
    with pytest.raises(InputError, match="found a condition, expected a number"):
        query.values("snr > 5", [0])
    with pytest.raises(InputError, match="spectype is a category"):
        query.column("spectype")
    with pytest.raises(InputError, match="rows 0 to 999"):
        query.values("snr", [1000])
    assert query.values("snr", []).shape == (0,)


def test_a_table_shows_the_store_as_it_is(query, random_store):
    table = query.table()
    assert set(table.get_column_names()) == {*random_store.column_names, *LATENT_NAMES}
    assert len(table) == random_store.n_objects
    for name in ("snr", "spectype", "target_id"):
        np.testing.assert_array_equal(
            table.evaluate(name, parallel=False), random_store.column(name)
        )
    latents = random_store.latents(np.arange(random_store.n_objects))
    np.testing.assert_array_equal(table.evaluate("latent_007", parallel=False), latents[:, 7])


class BlockedStore:
    """Latents of 1,000 rows in blocks of 64: more blocks than a test store has."""

    path = "blocks"

    def __init__(self, latents):
        self.latent_block, self.latent_block_rows = latents.block, latents.block_rows


def test_latents_are_read_across_blocks(tmp_path, monkeypatch, rng):
    from anomaly_explorer.engine.catalog import latents as module

    monkeypatch.setattr(module, "BLOCK_ROWS", 64)
    values = rng.normal(size=(1000, 128)).astype(np.float16)
    write_latents(tmp_path / "latents.f16", 1000, lambda k: values[:, k].astype(np.float32))
    store = BlockedStore(module.Latents(tmp_path / "latents.f16", 1000, 64))
    column = LatentColumn(store, 9, 0, 1000)
    for start, stop in ((0, 1000), (63, 65), (64, 128), (5, 5), (130, 999)):
        np.testing.assert_array_equal(column[start:stop], values[start:stop, 9])
        np.testing.assert_array_equal(column.trim(start, 1000)[: stop - start], column[start:stop])
    rows = rng.integers(0, 1000, size=300)
    np.testing.assert_array_equal(take_latent(store, 9, rows), values[rows, 9])
    assert len(take_latent(store, 9, rows[:0])) == 0


def test_a_query_goes_on_with_the_store_it_was_given(write_catalog, tmp_path):
    catalog = write_catalog(tmp_path / "catalog", sizes=(60,))
    store = build_store(catalog.path, tmp_path / "one.store")
    query = CatalogQuery(store)
    expected = query.mask("snr > 1").rows().tolist()
    other = write_catalog(tmp_path / "other", sizes=(90,), seed=8)
    build_store(other.path, tmp_path / "one.store")
    assert query.mask("snr > 1").rows().tolist() == expected
    assert query.statistics(["latent_3", "row_in_file"])["row_in_file"].count <= 60


def test_it_may_be_asked_inside_an_event_loop_and_from_many_threads(query):
    names = ["snr", "target_id", "is_simulated", "latent_5"]
    expected = query.statistics(names)

    async def ask():
        return query.statistics(names), query.mask("snr > 5").count

    found, count = asyncio.run(ask())
    assert found == expected
    assert not hasattr(asyncio, "_nest_patched")  # vaex would patch the loop of a server
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(query.statistics, names) for _ in range(4)]
        asked += [threads.submit(query.mask, "snr > 5") for _ in range(20)]
        answers = [each.result() for each in asked]
    assert answers[:4] == [expected] * 4
    assert {mask.count for mask in answers[4:]} == {count}
