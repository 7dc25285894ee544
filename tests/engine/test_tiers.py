"""Tiers by hand-made cases and by law."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.engine.scoring.tiers import TIER_NAMES, TIERS, rank_scores, tier_masks


def columns(score, **facts):
    n = len(score)
    made = {
        "score_mse": np.asarray(score, dtype=np.float32),
        "snr": np.full(n, 3.0, dtype=np.float32),
        "redshift_warning": np.zeros(n, dtype=np.int64),
        "coverage": np.ones(n, dtype=np.float32),
        "population": np.full(n, "science", dtype=object),
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
    masks = tier_masks(columns([score], snr=[snr], redshift_warning=[warning]))
    published = {tier.name for tier in TIERS if tier.kind == "published"}
    assert {name for name in published if masks[name][0]} == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 30, width=32), min_size=1, max_size=300), st.randoms())
def test_percentile_tiers_hold_their_share_and_nest(scores, random):
    population = np.array([random.choice(["science", "gated"]) for _ in scores], dtype=object)
    made = columns(scores, population=population)
    masks = tier_masks(made)
    n = (population == "science").sum()
    counted = "science" if n else "unknown"
    for name, share in (("top_10", 0.1), ("top_1", 0.01), ("top_01", 0.001)):
        assert masks[name].sum() == np.ceil(share * n)
        assert (population[masks[name]] == counted).all()
        inside, outside = masks[name], ~masks[name] & (population == counted)
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
    population = np.array(["science", "gated", "science", "gated"], dtype=object)
    assert rank_scores(columns([1, 9, 2, 8], population=population)).tolist() == [2, 1, 1, 2]


def test_little_coverage_gives_no_tier_and_no_rank():
    masks = tier_masks(columns([20, 20], coverage=np.array([0.5, 1], np.float32)))
    assert [bool(masks[name][0]) for name in TIER_NAMES] == [False] * len(TIER_NAMES)
    assert masks["extreme"][1]


def test_a_catalog_without_coverage_keeps_its_published_tiers():
    unknown = columns([20], coverage=np.array([np.nan], np.float32))
    assert tier_masks(unknown)["extreme"][0]
    assert rank_scores(unknown).tolist() == [1]
