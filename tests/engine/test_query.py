"""vaex opens the store's columns and says what NumPy says."""

import gc

import numpy as np
import pytest

from anomaly_explorer.engine.catalog.query import QUANTILES, CatalogQuery
from anomaly_explorer.engine.errors import InputError

# vaex 4.19 makes its executor's event loop twice and drops the first.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


@pytest.fixture(scope="module")
def query(random_store):
    query = CatalogQuery(random_store)
    gc.collect()  # let the dropped loop be found here, not in somebody else's test
    yield query
    query.close()


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
        assert found[name].mean == pytest.approx(values.mean(), rel=1e-5, abs=1e-6), name
        assert found[name].minimum == values.min(), name
        assert found[name].maximum == values.max(), name
        quantiles = np.quantile(values, QUANTILES, method="lower")
        assert found[name].quantiles == tuple(quantiles), name


def test_names_are_checked_before_vaex_sees_them(query):
    with pytest.raises(InputError, match="no column"):
        query.statistics(["__import__('os').system('true')"])
    with pytest.raises(InputError, match="no column"):
        query.statistics(["snr + 1"])
    with pytest.raises(InputError, match="category"):
        query.statistics(["spectype"])
