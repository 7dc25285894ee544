"""Tiers by hand-made cases and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.tiers import (
    EARNS_GOLD,
    RANKED_BY,
    TIER_NAMES,
    TIERS,
    least_fitted,
    rank_scores,
    stated_population,
    tier_masks,
    why_no_gold,
)

SCIENCE, GATED = 1, 0


def masks_of(made, n_fitted=EARNS_GOLD):
    """Masks by tier; the stated population is science where there is any."""
    is_science = made["population"] == SCIENCE
    is_stated = is_science if is_science.any() else np.zeros(len(is_science), bool)
    ranks = {name: rank_scores(made, column=name) for name in RANKED_BY}
    return dict(tier_masks(made, ranks, is_stated, n_fitted))


def columns(score, **facts):
    n = len(score)
    made = {
        "score_mse": np.asarray(score, dtype=np.float32),
        "sigma_astro": np.full(n, np.nan, dtype=np.float32),
        "snr": np.full(n, 3.0, dtype=np.float32),
        "redshift_warning": np.zeros(n, dtype=np.int64),
        "coverage": np.ones(n, dtype=np.float32),
        "population": np.full(n, SCIENCE, dtype=np.int8),
        "target_id": np.arange(n, dtype=np.int64),
    }
    return made | {name: np.asarray(values) for name, values in facts.items()}


@pytest.mark.parametrize(
    ("score", "snr", "warning", "expected"),
    [
        (4.999, 9, 0, {"silver_page", "gold_paper"}),
        (5.0, 0.6, 4, {"mild", "silver_page"}),
        (5.001, 0.6, 4, {"mild", "silver_page", "gold_page"}),
        (7.0, 0.5, 0, {"moderate"}),
        (10.0, 0.1, 0, {"high"}),
        (15.0, 2.5, 0, {"extreme", "silver_page", "gold_page", "gold_paper"}),
        (15.0, 2.5, 1, {"extreme", "silver_page", "gold_page"}),
        (3.0, 9, 0, set()),
        (np.nan, 9, 0, set()),
    ],
)
def test_published_rules(score, snr, warning, expected):
    masks = masks_of(columns([score], snr=[snr], redshift_warning=[warning]))
    published = {tier.name for tier in TIERS if tier.kind == "published"}
    assert {name for name in published if masks[name][0]} == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 30, width=32), min_size=1, max_size=300), st.randoms())
def test_percentile_tiers_hold_their_share_and_nest(scores, random):
    population = np.array([random.choice([SCIENCE, GATED]) for _ in scores], np.int8)
    made = columns(scores, population=population)
    masks = masks_of(made)
    n = (population == SCIENCE).sum()
    for name, share in (("top_10", 0.1), ("top_1", 0.01), ("top_01", 0.001)):
        assert masks[name].sum() == np.ceil(share * n)
        assert (population[masks[name]] == SCIENCE).all()
        inside, outside = masks[name], ~masks[name] & (population == SCIENCE)
        if inside.any() and outside.any():
            assert made["score_mse"][inside].min() >= made["score_mse"][outside].max()
    assert not (masks["top_1"] & ~masks["top_10"]).any()
    assert not (masks["top_01"] & ~masks["top_1"]).any()


@given(st.permutations(range(8)))
def test_rank_does_not_depend_on_the_order_of_rows(order):
    scores = np.array([1, 5, 5, 2, 9, 0.5, 3, 3], dtype=np.float32)
    ids = np.array([70, 12, 11, 4, 5, 6, 8, 7])
    straight = rank_scores(columns(scores, target_id=ids))
    shuffled = rank_scores(columns(scores[list(order)], target_id=ids[list(order)]))
    assert shuffled.tolist() == straight[list(order)].tolist()
    assert straight.tolist() == [7, 3, 2, 6, 1, 8, 5, 4]


def test_ranks_count_each_population_by_itself():
    population = np.array([SCIENCE, GATED, SCIENCE, GATED], np.int8)
    assert rank_scores(columns([1, 9, 2, 8], population=population)).tolist() == [2, 1, 1, 2]


def test_little_coverage_gives_no_tier_and_no_rank():
    masks = masks_of(columns([20, 20], coverage=np.array([0.5, 1], np.float32)))
    assert [bool(masks[name][0]) for name in TIER_NAMES] == [False] * len(TIER_NAMES)
    assert masks["extreme"][1]


def test_a_catalog_without_coverage_keeps_its_published_tiers():
    unknown = columns([20], coverage=np.array([np.nan], np.float32))
    assert masks_of(unknown)["extreme"][0]
    assert rank_scores(unknown).tolist() == [1]


@given(st.lists(st.tuples(st.floats(width=32), st.integers(0, 5), st.integers(0, 2)), min_size=1))
def test_ranks_are_those_of_a_plain_sort(objects):
    scores, ids, populations = (np.array(v) for v in zip(*objects, strict=True))
    ranks = rank_scores(columns(scores, target_id=ids, population=populations.astype(np.int8)))
    scores = scores.astype(np.float32)
    for code in range(3):
        rows = [i for i in range(len(ids)) if populations[i] == code and np.isfinite(scores[i])]
        rows.sort(key=lambda i: (-scores[i], ids[i], i))
        assert ranks[rows].tolist() == list(range(1, len(rows) + 1))
    assert (ranks[~np.isfinite(scores)] == 0).all()


def test_the_stated_population_is_science_where_there_is_any():
    assert stated_population(["gated", "science"]) == "science"
    assert stated_population(["gated"]) == stated_population([]) == "unknown"


@settings(max_examples=40)
@given(st.lists(st.floats(-4, 8, width=32) | st.just(np.nan), min_size=1, max_size=200))
def test_calibrated_tiers_count_those_with_a_sigma_and_leave_the_others_alone(sigma):
    n = len(sigma)
    population = np.where(np.arange(n) % 3 == 0, GATED, SCIENCE).astype(np.int8)
    made = columns(np.ones(n), sigma_astro=np.array(sigma, np.float32), population=population)
    masks, is_known = masks_of(made), np.isfinite(made["sigma_astro"]) & (population == SCIENCE)
    for name, share in (("sigma_top_10", 0.1), ("sigma_top_1", 0.01), ("sigma_top_01", 0.001)):
        assert masks[name].sum() == np.ceil(share * is_known.sum())
        assert not (masks[name] & ~is_known).any()
        others = is_known & ~masks[name]
        if masks[name].any() and others.any():
            assert made["sigma_astro"][masks[name]].min() >= made["sigma_astro"][others].max()
    np.testing.assert_array_equal(masks["gold_sigma"], is_known & (made["sigma_astro"] > 5))
    without = masks_of(made | {"sigma_astro": np.full(n, np.nan, np.float32)})
    for tier in TIERS:
        if not tier.is_calibrated:
            np.testing.assert_array_equal(masks[tier.name], without[tier.name])


def test_gold_in_sigmas_must_be_earned():
    made = columns([1, 1], sigma_astro=np.array([9, 4.9], np.float32))
    assert masks_of(made)["gold_sigma"].tolist() == [True, False]
    assert not masks_of(made, EARNS_GOLD - 1)["gold_sigma"].any()
    assert why_no_gold(EARNS_GOLD) == ""
    assert "of this calibration has 12,345" in why_no_gold(12_345)
    said = {"surveys": {
        "DESI": {"n_fitted": 90, "least_fitted": 9}, "SDSS": {"n_fitted": 70, "least_fitted": 7},
        "X": {"n_fitted": 0, "least_fitted": 0},
    }}  # fmt: skip
    assert least_fitted(said) == 7
    assert least_fitted({"surveys": {"of an older version": {"n_fitted": 90}}}) == 0
    assert least_fitted({}) == 0


def test_little_coverage_gives_no_calibrated_tier():
    made = columns([1], sigma_astro=np.array([9], np.float32), coverage=np.array([0.8], "f4"))
    assert not any(masks_of(made)[tier.name][0] for tier in TIERS)
