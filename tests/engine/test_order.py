"""Any page of a table is the one a full sort shows."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog import order
from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Range, Tier
from anomaly_explorer.engine.catalog.masks import MaskCache
from anomaly_explorer.engine.catalog.order import Sort, ordered_rows, sort_order
from anomaly_explorer.engine.plane.mask import Mask

COLUMNS = ["score_mse", "snr", "target_id", "spectype", "redshift_warning", "is_point_source"]
sorts = st.builds(Sort, st.sampled_from(COLUMNS), st.booleans())


@pytest.fixture(params=["small", "as if large"])
def way(request, monkeypatch):
    if request.param == "as if large":
        monkeypatch.setattr(order, "_FEW", 10)
        monkeypatch.setattr(order, "_SAMPLE_WORDS", 4)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("is_descending", [True, False])
def test_pages_equal_a_full_sort(random_store, column, is_descending):
    rng = np.random.default_rng(3)
    for share in (0, 0.02, 0.5, 1):
        mask = Mask.of_bools(rng.random(random_store.n_objects) < share)
        rows = mask.rows()
        expected = rows[sort_order(random_store, column, rows, is_descending)]
        for first in (0, 25, 100, 480, 975, 2000):
            found = ordered_rows(random_store, mask, Sort(column, is_descending), first, first + 25)
            np.testing.assert_array_equal(found, expected[first : first + 25])


@given(sorts, st.integers(0, 2**32))
def test_the_order_of_all_holds_each_row_once(random_store, sort, seed):
    mask = Mask.of_bools(np.random.default_rng(seed).random(random_store.n_objects) < 0.3)
    found = ordered_rows(random_store, mask, sort, 0, random_store.n_objects)
    assert sorted(found.tolist()) == mask.rows().tolist()


class TwoColumns:
    """What an order asks of a store, for rows whose scores a test chooses."""

    def __init__(self, scores):
        known = {"score_mse": SimpleNamespace(n_null=np.zeros(1))}
        self.totals, self.n_objects = SimpleNamespace(tallies=known), len(scores)
        self.column = {"score_mse": scores, "target_id": np.arange(len(scores))}.get

    def is_category(self, name):
        return False


@pytest.mark.parametrize("is_descending", [True, False])
@pytest.mark.parametrize("first", [0, 800, 3000])
def test_only_the_rows_near_a_page_are_sorted(monkeypatch, first, is_descending):
    """Also where like rows lie together, of which a sample of words has all or none."""
    monkeypatch.setattr(order, "_FEW", 600)
    monkeypatch.setattr(order, "_SAMPLE_WORDS", 8)
    scores = np.random.default_rng(4).normal(size=6_000).astype(np.float32)
    scores[704:744] += 50  # of a word in the sample
    scores[1_408:1_448] -= 50
    store, sorted_rows = TwoColumns(scores), []
    own = order.sort_order
    monkeypatch.setattr(
        order, "sort_order", lambda *given: sorted_rows.append(len(given[2])) or own(*given)
    )
    found = ordered_rows(
        store, Mask.all(6_000), Sort("score_mse", is_descending), first, first + 25
    )
    np.testing.assert_array_equal(
        store.column("score_mse")[found],
        np.sort(scores)[:: -1 if is_descending else 1][first:][:25],
    )
    assert sum(sorted_rows) < 3_000


def test_clauses_are_worked_out_once(random_store, monkeypatch):
    made = []
    for kind in (Range, OneOf, Tier):
        own = kind.mask
        monkeypatch.setattr(
            kind, "mask", lambda self, store, own=own: made.append(self) or own(self, store)
        )
    masks = MaskCache(random_store)
    snr, arm, tier = Range("snr", 1), OneOf("worst_arm", ("B",)), Tier("top_10")
    first = masks.mask(AllOf((snr, arm)))
    assert masks.mask(AllOf((Range("snr", 1), arm))) is first
    second = masks.mask(AllOf((snr, tier)))
    assert made == [snr, arm, tier]
    monkeypatch.undo()
    assert second.equals(AllOf((snr, tier)).mask(random_store))
