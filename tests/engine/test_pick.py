"""The picked object is the nearest there is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.pick import nearest_row

points = st.tuples(st.floats(-15, 15), st.floats(-15, 15))
radii = st.tuples(*[st.floats(-8, 4).map(lambda e: 2.0**e)] * 2)
masks = st.none() | st.integers(0, 99).map(lambda s: np.random.default_rng(s).random(3000) < 0.2)


@given(points, radii, masks)
def test_it_equals_brute_force(clumpy_plane, clumpy_points, point, radius, mask):
    x, y = (v.astype(np.float64) for v in clumpy_points)
    with np.errstate(invalid="ignore"):
        distance = ((x - point[0]) / radius[0]) ** 2 + ((y - point[1]) / radius[1]) ** 2
    distance[~(np.isfinite(x) & np.isfinite(y))] = np.inf
    if mask is not None:
        distance[~mask] = np.inf
    row = int(distance.argmin())  # the first of equals
    expected = row if distance[row] <= 1 else None
    packed = None if mask is None else Mask.of_bools(mask)
    assert nearest_row(clumpy_plane, *point, *radius, mask=packed) == expected


def test_it_is_the_store_row_in_every_plane(random_store):
    for name in ("umap", "score_snr"):
        plane = random_store.plane(name)
        point = (float(plane.x[7]), float(plane.y[7]))
        row = nearest_row(plane, *point, 1e-6)
        same = np.flatnonzero((plane.x == plane.x[7]) & (plane.y == plane.y[7]))
        assert row == (same[0] if plane.rows is None else plane.rows[same].min())


def test_of_equals_the_lowest_store_row_is_picked(make_plane):
    plane = make_plane([1.0, -1.0], [0.0, 0.0])
    assert plane.rows.tolist() == [1, 0]
    assert nearest_row(plane, 0, 0, 2) == 0


def test_the_rim_is_within_reach(make_plane):
    plane = make_plane([1.0], [0.0])
    assert nearest_row(plane, 0, 0, 1, 1) == 0
    assert nearest_row(plane, 0, 0, 0.999, 1) is None


@pytest.mark.parametrize(
    ("point", "radius"),
    [((np.nan, 0), (1, 1)), ((0, 0), (0, 1)), ((0, 0), (1, np.inf)), ((0, 0), ())],
)
def test_nonsense_is_refused(clumpy_plane, point, radius):
    with pytest.raises(InputError):
        nearest_row(clumpy_plane, *point, *radius)
