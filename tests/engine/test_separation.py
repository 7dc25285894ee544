"""Few marked spectra against the others: counted pair by pair, and honest about chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.benchmark.separation import auc, percentiles, separate

SCORES = st.lists(st.integers(-5, 5), min_size=1, max_size=20).map(lambda x: np.array(x, float))


@given(SCORES, SCORES)
def test_auc_is_that_of_all_pairs(marked, others):
    pairs = [(a > b) + 0.5 * (a == b) for a in marked for b in others]
    assert auc(marked, others) == pytest.approx(np.mean(pairs))
    assert auc(marked, others) + auc(others, marked) == pytest.approx(1)


def test_chance_is_told_from_a_difference():
    rng = np.random.default_rng(1)
    same = separate(rng.normal(size=12), rng.normal(size=200))
    above = separate(rng.normal(2, 1, 12), rng.normal(size=200))
    assert abs(same.auc - 0.5) < 3 * same.error
    assert same.p_value > 0.01
    assert above.auc > 0.5 + 3 * above.error
    assert above.p_value < 1e-4
    assert (above.n_marked, above.n_others) == (12, 200)


def test_the_error_shrinks_with_the_number_of_the_marked():
    rng = np.random.default_rng(2)
    others = rng.normal(size=500)
    few, many = (separate(rng.normal(1, 1, n), others).error for n in (5, 500))
    assert many < few / 3


@pytest.mark.parametrize(
    ("marked", "others", "says"),
    [([], [1.0], "0 and 1"), ([1.0], [], "1 and 0"), ([np.nan], [1.0], "no number")],
)
def test_nothing_to_compare_is_said(marked, others, says):
    with pytest.raises(ValueError, match=says):
        separate(np.array(marked), np.array(others))


def test_percentiles_are_the_share_of_the_others_below():
    found = percentiles(np.array([3.0, 1.0, np.nan, 2.0, 2.0]))
    assert np.array_equal(found, [100, 0, np.nan, 50, 50], equal_nan=True)
