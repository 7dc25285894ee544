"""Filters are algebra: they combine as sets do and survive a trip through JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.catalog.filters import (
    AllOf,
    AnyOf,
    Missing,
    Not,
    OneOf,
    Range,
    Rows,
    Tier,
    from_dict,
)
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane import packing
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.packing import mask_between, mask_codes
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
missing = st.builds(Missing, st.sampled_from(["score_mse", "spectype", "cluster", "tier_bits"]))
simple = st.one_of(ranges, one_ofs, missing, st.builds(Tier, st.sampled_from(TIER_NAMES)))
filters = st.recursive(
    simple | st.builds(Rows, st.binary()),
    lambda f: (
        st.builds(AllOf, st.lists(f, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(f, max_size=3).map(tuple))
        | st.builds(Not, f)
    ),
)


@given(filters)
def test_a_filter_survives_json(condition):
    assert from_dict(json.loads(json.dumps(condition.to_dict()))) == condition


@given(st.lists(simple, max_size=4))
def test_all_of_is_the_intersection(random_store, conditions):
    expected = np.ones(random_store.n_objects, bool)
    for condition in conditions:
        expected &= condition.mask(random_store).bools()
    np.testing.assert_array_equal(AllOf(tuple(conditions)).mask(random_store).bools(), expected)


@given(st.lists(simple, max_size=4))
def test_any_of_and_not_follow_de_morgan(random_store, conditions):
    found = AnyOf(tuple(conditions)).mask(random_store)
    expected = ~AllOf(tuple(Not(each) for each in conditions)).mask(random_store)
    assert found.equals(expected)


@given(missing)
def test_missing_matches_the_records_without_a_value(random_store, condition):
    rows = range(random_store.n_objects)
    values = [r[condition.column] for r in random_store.records(rows, (condition.column,))]
    assert condition.mask(random_store).bools().tolist() == [v is None for v in values]


@given(st.integers(0, 2**32))
def test_a_saved_selection_comes_back(random_store, seed):
    mask = Mask.of_bools(np.random.default_rng(seed).random(random_store.n_objects) < 0.3)
    saved = from_dict(json.loads(json.dumps(Rows(mask.pack()).to_dict())))
    assert saved.mask(random_store).equals(mask)


def test_a_selection_of_another_store_is_refused(random_store):
    for packed in (b"", b"abc", Mask.all(random_store.n_objects + 64).pack()):
        with pytest.raises(InputError, match="select again"):
            Rows(packed).mask(random_store)


TYPES = [np.int8, np.int16, np.int32, np.int64, np.uint32, np.float32, np.float64]


@pytest.fixture(params=["at once", "in shares"], scope="module")
def shares(request):
    """Rows enough for several threads are compared in shares of them."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "in shares":
            patch.setattr(packing, "_SHARE", packing._BLOCK)
        yield


@given(st.sampled_from(TYPES), st.integers(0, 9000), st.integers(-9, 9), st.integers(-9, 9))
def test_packed_comparison_equals_numpy(shares, dtype, n, low, high):
    values = np.random.default_rng(n).integers(0, 9, size=n).astype(dtype)
    found = mask_between(values, low, high, 3 if values.dtype.kind in "iu" else None)
    expected = (values >= low) & (values <= high)
    if values.dtype.kind in "iu":
        expected &= values != 3
    np.testing.assert_array_equal(found.bools(), expected)


@given(st.integers(0, 9000), st.lists(st.booleans(), max_size=12))
def test_packed_look_up_equals_isin(shares, n, wanted):
    codes = np.random.default_rng(n).integers(-3, 20, size=n).astype(np.int16)
    found = mask_codes(codes, np.array(wanted, bool))
    np.testing.assert_array_equal(found.bools(), np.isin(codes, np.flatnonzero(wanted)))


def test_many_values_are_looked_up(random_store):
    for values in (tuple(range(0, 20, 2)), tuple(range(-40, 9, 2))):
        found = OneOf("cluster", values).mask(random_store)
        expected = np.isin(random_store.column("cluster"), values)
        np.testing.assert_array_equal(found.bools(), expected)


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
    assert condition.mask(random_store).bools().tolist() == expected


@given(one_ofs)
def test_one_of_matches_the_records_with_a_value(random_store, condition):
    rows = range(random_store.n_objects)
    values = [r[condition.column] for r in random_store.records(rows, (condition.column,))]
    assert condition.mask(random_store).bools().tolist() == [v in condition.values for v in values]


def test_an_open_range_matches_what_has_a_value(random_store):
    mask = Range("snr").mask(random_store)
    np.testing.assert_array_equal(mask.bools(), ~np.isnan(random_store.column("snr")))
    assert 0 < mask.count < mask.n_rows


def test_integers_near_2_to_62_are_compared_exactly(random_store):
    ids = random_store.column("target_id")
    one = int(ids.max())
    found = Range("target_id", one, one).mask(random_store)
    np.testing.assert_array_equal(found.bools(), ids == one)
    assert Range("target_id", one + 1).mask(random_store).count == 0
    assert Range("target_id", 10**300).mask(random_store).count == 0


def test_tiers_are_those_of_the_rules(random_store):
    records = random_store.records(range(random_store.n_objects))
    extreme = [
        r["score_mse"] is not None and r["score_mse"] >= 15 and r["coverage"] >= 0.9
        for r in records
    ]
    assert Tier("extreme").mask(random_store).bools().tolist() == extreme
    assert any(extreme)
    for name, count in random_store.manifest.counts["tiers"].items():
        assert Tier(name).mask(random_store).count == count


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
        {"filter": "any_of"},
        {"filter": "not"},
        {"filter": "expression"},
        {"filter": "rows", "packed": "ä"},
        {"filter": "rows", "packed": "abc"},
    ],
)
def test_content_that_is_no_filter_is_refused(content):
    with pytest.raises(InputError):
        from_dict(content)
