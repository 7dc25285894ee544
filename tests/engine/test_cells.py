"""Map order: a cell of any level is one range of rows, and no rounding loses a row."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane.cells import (
    CellIndex,
    Square,
    choose_level,
    morton_codes,
)
from anomaly_explorer.engine.plane.lasso import spread_bits
from anomaly_explorer.engine.plane.plane import map_order
from anomaly_explorer.engine.plane.ranges import ranges_between

coordinates = st.floats(width=32, allow_nan=False, allow_infinity=False)
near = st.floats(-1000, 1000, width=32)
integers = st.integers(0, 2**32 - 1)


@given(integers, integers)
def test_morton_codes_interleave_the_bits(x, y):
    bits = "".join(f"{y >> i & 1}{x >> i & 1}" for i in range(31, -1, -1))
    assert morton_codes(np.array([x], np.uint32), np.array([y], np.uint32))[0] == int(bits, 2)


@given(st.integers(0, 2**16 - 1))
def test_compiled_spreading_agrees(value):
    assert spread_bits(value) == morton_codes(np.array([value], np.uint32), np.zeros(1, np.uint32))


@given(st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=20))
def test_the_square_holds_all_points_and_is_a_power_of_two(points):
    x, y = np.array(points, np.float32).T
    square = Square.around(x, y)
    assert np.frexp(square.size)[0] == 0.5
    assert square.x0 <= float(x.min())
    assert float(x.max()) < square.x0 + square.size
    assert square.y0 <= float(y.min())
    assert float(y.max()) < square.y0 + square.size
    span = max(float(x.max()) - float(x.min()), float(y.max()) - float(y.min()))
    is_one_point = span == 0
    # Far from 0, a float64 resolves no less than this.
    span = max(span, *(np.spacing(np.float64(abs(limit))) for limit in (x.max(), y.max())))
    assert is_one_point or square.size <= 4 * span


@given(st.lists(coordinates, min_size=2, max_size=50), coordinates, st.integers(-140, 128))
def test_quantising_never_changes_an_order(values, origin, exponent):
    square = Square(origin, 0.0, 2.0**exponent)
    ordered = np.sort(np.array(values, np.float32))
    steps, _ = square.quantize(ordered, np.zeros(len(ordered)))
    assert (np.diff(steps.astype(np.int64)) >= 0).all()


def test_levels_grow_with_the_rows_and_end_at_11():
    levels = [choose_level(n) for n in (0, 1, 16, 64, 6_000, 200_000, 22_504_897, 10**12)]
    assert levels == [0, 0, 0, 1, 4, 7, 10, 11]


def test_each_cell_is_the_range_its_offsets_say(clumpy_plane):
    cells, n = clumpy_plane.cells, 2**clumpy_plane.cells.level
    assert n > 4
    size = cells.square.size / n
    i = np.floor((clumpy_plane.x.astype(float) - cells.square.x0) / size).astype(np.uint32)
    j = np.floor((clumpy_plane.y.astype(float) - cells.square.y0) / size).astype(np.uint32)
    own = morton_codes(i, j).astype(np.int64)
    expected = np.searchsorted(own, np.arange(n * n + 1))
    np.testing.assert_array_equal(cells.offsets, expected)


@given(near, near, near, near)
def test_ranges_cover_the_rectangle_and_are_sorted_and_apart(clumpy_plane, a, b, c, d):
    x0, x1, y0, y1 = min(a, b) / 60, max(a, b) / 60, min(c, d) / 60, max(c, d) / 60
    ranges = ranges_between(clumpy_plane.cells, (x0, x1, y0, y1))
    assert (ranges[:, 0] < ranges[:, 1]).all()
    assert (ranges[1:, 0] > ranges[:-1, 1]).all()
    x, y = clumpy_plane.x, clumpy_plane.y
    inside = np.flatnonzero((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))
    covered = np.zeros(len(x), bool)
    for start, stop in ranges:
        covered[start:stop] = True
    assert covered[inside].all()


def test_few_ranges_and_few_rows_are_read_for_a_small_rectangle(make_plane):
    x, y = np.random.default_rng(3).uniform(0, 1, size=(2, 100_000))
    plane = make_plane(x, y)
    ranges = ranges_between(plane.cells, (0.4, 0.5, 0.4, 0.5))
    assert np.diff(ranges).sum() < 5_000
    assert len(ranges) < 40


@given(st.lists(st.tuples(near, near), max_size=60))
def test_map_order_is_a_permutation_sorted_by_code(points):
    x, y = np.array(points, np.float32).reshape(-1, 2).T
    square, order, codes = map_order(x, y)
    assert sorted(order.tolist()) == list(range(len(x)))
    assert (codes[1:] >= codes[:-1]).all()
    settled = (square.settle(values[order]) for values in (x, y))
    np.testing.assert_array_equal(morton_codes(*square.quantize(*settled)), codes)
    ties = codes[1:] == codes[:-1]
    assert (np.diff(order)[ties] > 0).all()


@given(st.integers(0, 11), st.data())
def test_any_window_of_any_level_is_covered_exactly(level, data):
    """With one row a cell and large nodes, ranges are the window's cells and small nodes."""
    n = 2 ** min(level, 7)
    assume(level <= 7)
    cells = CellIndex(Square(0.0, 0.0, float(n)), level, np.arange(n * n + 1) * 2_000)
    corner = st.integers(0, n - 1)
    x0, x1 = sorted((data.draw(corner), data.draw(corner)))
    y0, y1 = sorted((data.draw(corner), data.draw(corner)))
    ranges = ranges_between(cells, (x0 + 0.5, x1 + 0.5, y0 + 0.5, y1 + 0.5))
    j, i = np.mgrid[y0 : y1 + 1, x0 : x1 + 1].reshape(2, -1).astype(np.uint32)
    expected = np.sort(morton_codes(i, j)).astype(np.int64)
    covered = np.concatenate([np.arange(a, b) for a, b in ranges // 2_000])
    np.testing.assert_array_equal(covered, expected)


@pytest.mark.parametrize("n", [0, 1])
def test_planes_of_almost_nothing_work(make_plane, n):
    plane = make_plane(np.full(n, 3.0), np.full(n, -4.0))
    assert len(plane) == n
    assert plane.cells.offsets.tolist() == [0, n]
    assert ranges_between(plane.cells, (-9, 9, -9, 9)).tolist() == [[0, n]] * n
