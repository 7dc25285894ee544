"""What is counted of a column, and how two sides differ in it, is what NumPy and SciPy say."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from anomaly_explorer.engine.contrast.difference import measure_difference
from anomaly_explorer.engine.contrast.tally import Ruler, Tally

from .contrast_maker import NULL, column_of, counted

SEEDS = st.integers(0, 2**32 - 1)


def numbers_of(rng, n, kind):
    if kind == "integer":
        values = rng.integers(-3, 3, size=n).astype(np.int32)
        values[rng.random(n) < 0.2] = NULL
        return values
    values = rng.normal(0, 3, size=n).astype(np.float32).round(rng.integers(0, 3))
    values[rng.random(n) < 0.1] = np.nan
    values[rng.random(n) < 0.05] = np.inf
    return values


def known_of(values):
    return values[np.isfinite(values) & (values != NULL)].astype(np.float64)


def two_sides(rng, n):
    order = rng.permutation(n)
    cut = int(rng.integers(1, n))
    return np.sort(order[:cut]), np.sort(order[cut:])


@given(SEEDS, st.sampled_from(["float", "integer"]), st.integers(1, 200))
def test_a_tally_counts_every_row_once_in_its_step_and_group(seed, kind, n):
    rng = np.random.default_rng(seed)
    values, groups = numbers_of(rng, n, kind), rng.integers(3, size=n).astype(np.int8)
    rows = np.flatnonzero(rng.random(n) < 0.7)
    ruler = Ruler.of_column(column_of(kind), values)
    tally = Tally.empty(ruler, 3)
    tally.add(ruler, values, rows, groups[rows])
    for group in range(3):
        mine = values[rows][groups[rows] == group]
        known = known_of(mine)
        steps = np.searchsorted(ruler.edges, known, "right") - 1
        expected = np.bincount(steps, minlength=ruler.n_steps)
        np.testing.assert_array_equal(tally.counts[group], expected)
        assert tally.n_null[group] == len(mine) - len(known)
        moments = [(known - ruler.center).sum(), ((known - ruler.center) ** 2).sum()]
        np.testing.assert_allclose(tally.sums[group], moments, atol=1e-9)
        if len(known):
            assert tally.limits[group].tolist() == [known.min(), known.max()]


def test_a_ruler_has_a_thousand_steps_of_as_many_rows_and_finer_ends(rng):
    values = rng.lognormal(0, 2, size=400_000).astype(np.float32)
    ruler = Ruler.of_column(column_of("float"), values)
    counts = counted(ruler, values, np.arange(len(values))).tally.counts[0]
    assert 1000 <= ruler.n_steps <= 1024
    assert counts.sum() == len(values)
    assert counts.max() < 0.0014 * len(values)
    assert counts[-1] < 0.0001 * len(values)


def best_range(here, there):
    """The largest difference of shares in any range, by trying all."""
    ends = np.unique(np.concatenate([here, there]))
    return max(
        np.mean((here >= a) & (here <= b)) - np.mean((there >= a) & (there <= b))
        for a, b in itertools.combinations_with_replacement(ends, 2)
    )


@given(SEEDS, st.sampled_from(["float", "integer"]), st.integers(2, 40))
def test_numbers_differ_by_the_best_of_all_ranges(seed, kind, n):
    rng = np.random.default_rng(seed)
    values = numbers_of(rng, n, kind)
    selected, rest = two_sides(rng, n)
    ruler = Ruler.of_column(column_of(kind), values)
    found = measure_difference(
        ruler, counted(ruler, values, selected), counted(ruler, values, rest)
    )
    here, there = known_of(values[selected]), known_of(values[rest])
    nulls = [1 - len(here) / len(selected), 1 - len(there) / len(rest)]
    if found.kind == "null":
        assert found.shares == pytest.approx(nulls)
        assert found.strength == pytest.approx(abs(nulls[0] - nulls[1]))
        return
    assert found.strength == pytest.approx(best_range(here, there))
    low = -np.inf if found.low is None else found.low
    high = np.inf if found.high is None else found.high
    shares = [np.mean((known >= low) & (known <= high)) for known in (here, there)]
    assert found.shares == pytest.approx(shares)
    assert found.strength == pytest.approx(shares[0] - shares[1])
    larger = mannwhitneyu(here, there).statistic / (len(here) * len(there))
    assert found.auc == pytest.approx(larger)
    assert found.error == 0


@given(SEEDS, st.sampled_from(["bool", "category", "bits"]), st.integers(2, 60))
def test_values_differ_by_their_shares(seed, kind, n):
    rng = np.random.default_rng(seed)
    if kind == "bits":
        values = rng.integers(0, 8, size=n).astype(np.uint32)
    else:
        values = rng.integers(-1, 2, size=n).astype(np.int8)
    selected, rest = two_sides(rng, n)
    ruler = Ruler.of_column(column_of(kind, 2), values)
    found = measure_difference(
        ruler, counted(ruler, values, selected), counted(ruler, values, rest)
    )
    if found.kind == "null":
        assert found.shares == (np.mean(values[selected] < 0), np.mean(values[rest] < 0))
        return
    if kind == "bits":
        has = [[np.mean(values[side] >> b & 1) for b in range(3)] for side in (selected, rest)]
        expected = np.abs(np.subtract(*has)).max()
    else:
        known = [values[side][values[side] >= 0] for side in (selected, rest)]
        has = [[np.mean(side == code) for code in range(2)] for side in known]
        expected = np.abs(np.subtract(*has)).sum() / 2
    assert found.strength == pytest.approx(expected)
    assert found.shares == pytest.approx((has[0][found.code], has[1][found.code]))


@pytest.mark.parametrize("kind", ["float", "category"])
def test_the_noise_is_what_equal_sides_show_on_average(kind, rng):
    strengths = []
    for _ in range(300):
        values = rng.normal(size=900).astype(np.float32)
        if kind == "category":
            values = rng.integers(0, 40, size=900).astype(np.int8)
        ruler = Ruler.of_column(column_of(kind, 40), values)
        sides = [counted(ruler, values, rows) for rows in (np.arange(100), np.arange(100, 900))]
        found = measure_difference(ruler, *sides)
        strengths.append(found.strength)
    assert np.mean(strengths) == pytest.approx(found.noise, rel=0.2)
    assert np.mean(strengths) <= 1.02 * found.noise
