"""Masks are sets of rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane.mask import Mask

N = st.integers(0, 300)


def sets(n):
    return st.sets(st.integers(0, n - 1)) if n else st.just(set())


pairs = N.flatmap(lambda n: st.tuples(st.just(n), sets(n), sets(n)))


def mask_of(rows, n):
    return Mask.of_rows(np.array(sorted(rows), np.int64), n)


@given(pairs)
def test_the_algebra_is_that_of_sets(drawn):
    n, first, second = drawn
    a, b = mask_of(first, n), mask_of(second, n)
    assert (a & b).rows().tolist() == sorted(first & second)
    assert (a | b).rows().tolist() == sorted(first | second)
    assert (a - b).rows().tolist() == sorted(first - second)
    assert (~a).rows().tolist() == sorted(set(range(n)) - first)
    assert (~~a).equals(a)
    assert a.count == len(first)
    assert a.equals(b) == (first == second)
    assert (a.key == b.key) == (first == second)
    assert Mask.of_bools(a.bools()).equals(a)
    assert Mask.unpack(a.pack(), n).equals(a)
    assert a.has(np.arange(n)).tolist() == a.bools().tolist()


@given(pairs, st.integers(1, 40))
def test_a_sample_is_evenly_spaced_among_the_rows(drawn, n_most):
    n, rows, _ = drawn
    listed = np.array(sorted(rows), np.int64)
    sample = mask_of(rows, n).sample(n_most)
    if len(listed) <= n_most:
        assert sample.tolist() == listed.tolist()
        return
    ranks = np.searchsorted(listed, sample)
    assert sample.tolist() == listed[ranks].tolist()
    assert len(sample) == n_most
    assert ranks[0] == 0
    if n_most > 1:
        assert ranks[-1] == len(listed) - 1
        assert np.ptp(np.diff(ranks)) <= 1


def test_a_sample_of_none_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Mask.all(9).sample(0)


def test_equal_words_of_other_lengths_have_other_keys():
    assert Mask.none(60).key != Mask.none(61).key
    assert not Mask.none(60).equals(Mask.none(61))


@pytest.mark.parametrize("packed", [b"", b"abc", Mask.all(65).pack(), Mask.all(9999).pack()])
def test_bytes_that_are_no_mask_are_refused(packed):
    with pytest.raises(ValueError, match="mask"):
        Mask.unpack(packed, 64)
