"""Filters are algebra: they combine as sets do and survive a trip through JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Range, Tier, from_dict
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.scoring.tiers import TIER_NAMES

limits = st.none() | st.floats(-5, 5) | st.integers(-5, 5)
ranges = st.builds(
    Range, st.sampled_from(["score_mse", "snr", "redshift_warning", "ra_deg"]), limits, limits
)
one_ofs = st.one_of(
    st.builds(
        OneOf,
        st.just("spectype"),
        st.lists(st.sampled_from(["GALAXY", "QSO", "STAR", ""])).map(tuple),
    ),
    st.builds(OneOf, st.just("is_point_source"), st.lists(st.booleans()).map(tuple)),
    st.builds(OneOf, st.just("cluster"), st.lists(st.integers(-(2**40), 9)).map(tuple)),
)
simple = st.one_of(ranges, one_ofs, st.builds(Tier, st.sampled_from(TIER_NAMES)))
filters = st.recursive(simple, lambda f: st.builds(AllOf, st.lists(f, max_size=3).map(tuple)))


@given(filters)
def test_a_filter_survives_json(condition):
    assert from_dict(json.loads(json.dumps(condition.to_dict()))) == condition


@given(st.lists(simple, max_size=4))
def test_all_of_is_the_intersection(random_store, conditions):
    expected = np.ones(random_store.n_objects, bool)
    for condition in conditions:
        expected &= condition.mask(random_store)
    np.testing.assert_array_equal(AllOf(tuple(conditions)).mask(random_store), expected)


@given(ranges)
def test_a_range_matches_the_records_between_its_limits(random_store, condition):
    is_float32 = random_store.column(condition.column).dtype == np.float32
    rounded = (lambda v: v if v is None else float(np.float32(v))) if is_float32 else (lambda v: v)
    low, high = rounded(condition.low), rounded(condition.high)
    rows = range(random_store.n_objects)
    values = [r[condition.column] for r in random_store.records(rows, (condition.column,))]
    expected = [
        v is not None and (low is None or v >= low) and (high is None or v <= high) for v in values
    ]
    assert condition.mask(random_store).tolist() == expected


@given(one_ofs)
def test_one_of_matches_the_records_with_a_value(random_store, condition):
    rows = range(random_store.n_objects)
    values = [r[condition.column] for r in random_store.records(rows, (condition.column,))]
    assert condition.mask(random_store).tolist() == [v in condition.values for v in values]


def test_an_open_range_matches_what_has_a_value(random_store):
    mask = Range("snr").mask(random_store)
    np.testing.assert_array_equal(mask, ~np.isnan(random_store.column("snr")))
    assert 0 < mask.sum() < len(mask)


def test_integers_near_2_to_62_are_compared_exactly(random_store):
    ids = random_store.column("target_id")
    one = int(ids.max())
    np.testing.assert_array_equal(Range("target_id", one, one).mask(random_store), ids == one)
    assert not Range("target_id", one + 1).mask(random_store).any()
    assert not Range("target_id", 10**300).mask(random_store).any()


def test_tiers_are_those_of_the_rules(random_store):
    records = random_store.records(range(random_store.n_objects))
    extreme = [
        r["score_mse"] is not None and r["score_mse"] >= 15 and r["coverage"] >= 0.9
        for r in records
    ]
    assert Tier("extreme").mask(random_store).tolist() == extreme
    assert any(extreme)
    for name, count in random_store.manifest.counts["tiers"].items():
        assert Tier(name).mask(random_store).sum() == count


@pytest.mark.parametrize("limit", [math.nan, "5", True, 10**400, [1]])
def test_limits_that_are_no_numbers_are_refused(limit):
    with pytest.raises(InputError, match="expected a number"):
        Range("snr", limit)


def test_infinite_limits_are_open_ones():
    assert Range("snr", -math.inf, math.inf) == Range("snr")
    with pytest.raises(InputError, match="expected a number"):
        Range("snr", math.inf)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        (Range("redshfit", 1), "redshift"),
        (Range("spectype", 1), "use OneOf"),
        (OneOf("spectype", ("GALAXI",)), "GALAXY"),
        (OneOf("survey", ("nothing alike",)), "DESI, SDSS"),
        (OneOf("snr", (1,)), "Range"),
        (OneOf("is_simulated", ("yes",)), "true or false"),
        (OneOf("cluster", ("1",)), "integers"),
        (Tier("platinum"), "extreme"),
    ],
)
def test_what_a_store_does_not_know_is_explained(random_store, condition, sentence):
    with pytest.raises(InputError, match=sentence):
        condition.mask(random_store)


@pytest.mark.parametrize("values", ["GALAXY", 5, (1.5,), ([],)])
def test_values_must_be_a_list_of_values(values):
    with pytest.raises(InputError, match="values of spectype"):
        OneOf("spectype", values)


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"filter": "sql", "text": "1"},
        {"filter": ["range"]},
        {"filter": "range"},
        {"filter": "range", "column": 5},
        {"filter": "one_of", "column": "spectype"},
        {"filter": "one_of", "column": "spectype", "values": None},
        {"filter": "all_of", "filters": 3},
        {"filter": "all_of", "filters": [{"filter": "tier"}]},
    ],
)
def test_content_that_is_no_filter_is_refused(content):
    with pytest.raises(InputError):
        from_dict(content)
