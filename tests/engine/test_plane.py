"""A plane on disk is the plane in memory; rows without a position are counted, never drawn."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.plane import Plane, frame_limits, write_plane
from anomaly_explorer.engine.plane.viewport import Viewport


def test_rows_lead_back_to_the_points(clumpy_plane, clumpy_points):
    x, y = clumpy_points
    np.testing.assert_array_equal(clumpy_plane.x, x[clumpy_plane.rows])
    np.testing.assert_array_equal(clumpy_plane.y, y[clumpy_plane.rows])
    positioned = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    np.testing.assert_array_equal(np.sort(clumpy_plane.rows), positioned)
    assert clumpy_plane.n_without_position == len(x) - len(positioned) > 0
    assert clumpy_plane.n_store_rows == len(x)


def test_places_lead_to_the_points(clumpy_plane, clumpy_points, make_plane):
    for plane, (x, y) in (
        (clumpy_plane, clumpy_points),
        (make_plane([3, np.nan], [4, 0]), np.array([[3, np.nan], [4, 0]])),
    ):
        for row in range(len(x)):
            is_there = np.isfinite(x[row]) and np.isfinite(y[row])
            assert plane.position(row) == ((x[row], y[row]) if is_there else None)


@given(st.integers(0, 2**32))
def test_a_mask_comes_back_from_plane_order(clumpy_plane, clumpy_points, seed):
    mask = Mask.of_bools(np.random.default_rng(seed).random(len(clumpy_points[0])) < 0.4)
    words = clumpy_plane.words(mask)
    in_order = Mask(words, len(clumpy_plane)).bools()
    np.testing.assert_array_equal(in_order, mask.bools()[clumpy_plane.rows])
    positioned = Mask.of_rows(clumpy_plane.rows, mask.n_rows)
    assert clumpy_plane.store_mask(words).equals(mask & positioned)


def test_points_in_map_order_need_no_rows(clumpy_plane, make_plane):
    again = make_plane(clumpy_plane.x, clumpy_plane.y)
    assert again.rows is None
    np.testing.assert_array_equal(again.x, clumpy_plane.x)


def test_the_first_picture_shows_everything_unless_few_would_squeeze_the_rest():
    values = np.linspace(0, 1, 10_000, dtype=np.float32)
    low, high = frame_limits(values)
    assert low < 0 < 1 < high < 1.1
    values[-1] = 3  # an island: stays
    assert frame_limits(values)[1] > 3
    values[-1] = 50  # a stray: goes
    assert frame_limits(values)[1] < 1.1
    assert frame_limits(np.full(5, 2, np.float32)) == (1.5, 2.5)
    assert frame_limits(values[:0]) == (0, 1)


@pytest.mark.parametrize("name", ["plane.json", "x.npy", "rows.npy", "places.npy"])
def test_a_broken_plane_says_which(tmp_path, name):
    write_plane(tmp_path / "p", np.array([3, 1], "f4"), np.array([0, 0], "f4"), ("x", "y"))
    assert len(Plane.open(tmp_path / "p")) == 2
    (tmp_path / "p" / name).write_text("broken")
    with pytest.raises(StoreError, match=r"plane .*cannot be opened"):
        Plane.open(tmp_path / "p")


def test_plane_json_is_plain_json(tmp_path):
    write_plane(tmp_path / "p", np.zeros(3, "f4"), np.zeros(3, "f4"), ("a", "b"))
    facts = json.loads((tmp_path / "p" / "plane.json").read_text())
    assert facts["name"] == "p"
    assert facts["x_label"] == "a"


@pytest.mark.parametrize(
    "limits",
    [
        (0, 0, 0, 1, 9, 9),
        (1, 0, 0, 1, 9, 9),
        (0, np.nan, 0, 1, 9, 9),
        (0, 1, -np.inf, 1, 9, 9),
        (0, 1, 0, 1, 0, 9),
        (0, 1, 0, 1, 9, 10**6),
    ],
)
def test_a_viewport_that_shows_nothing_is_refused(limits):
    with pytest.raises(InputError):
        Viewport(*limits)
