"""A lasso selects what the even-odd rule says, whatever the cells."""

import importlib
import pkgutil
import types

import numba
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher

from anomaly_explorer.engine import plane as package
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane import lasso
from anomaly_explorer.engine.plane.lasso import mask_box, mask_polygon


def rows_in_polygon(plane, xs, ys):
    return mask_polygon(plane, xs, ys).rows()


def rows_in_box(plane, *limits):
    return mask_box(plane, *limits).rows()


MODULES = [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]


def even_odd(points, xs, ys):
    """Return the rows inside by the definition, over all objects and all sides."""
    x, y = (v.astype(np.float64)[:, None] for v in points)
    ax, ay = np.asarray(xs, float), np.asarray(ys, float)
    bx, by = np.roll(ax, 1), np.roll(ay, 1)
    with np.errstate(all="ignore"):
        crosses = ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    is_inside = (crosses.sum(axis=1) % 2 == 1) & np.isfinite(x[:, 0]) & np.isfinite(y[:, 0])
    return np.flatnonzero(is_inside)


@st.composite
def polygons(draw):
    """Vertices anywhere, on objects, on cell borders, on one line, far away."""
    scale = draw(st.sampled_from([0.01, 1, 12, 300, 1e9]))
    wild = st.floats(-1, 1).map(lambda v: v * scale)
    lattice = st.integers(-16, 16).map(float)
    xs, ys = [], []
    for _ in range(draw(st.integers(0, 12))):
        coordinate = draw(st.sampled_from([wild, lattice]))
        xs.append(draw(coordinate))
        ys.append(
            ys[-1] if ys and draw(st.booleans()) and draw(st.booleans()) else draw(coordinate)
        )
    return xs, ys


@given(polygons())
def test_any_polygon_equals_brute_force(clumpy_plane, clumpy_points, polygon):
    found = rows_in_polygon(clumpy_plane, *polygon)
    assert found.dtype == np.int64
    expected = even_odd(clumpy_points, *polygon) if len(polygon[0]) > 2 else []
    np.testing.assert_array_equal(found, expected)


@given(st.lists(st.integers(0, 2999), min_size=3, max_size=30))
def test_sides_through_objects_follow_the_rule(clumpy_plane, clumpy_points, rows):
    x, y = clumpy_points
    rows = [r for r in rows if np.isfinite(x[r]) and np.isfinite(y[r])]
    found = rows_in_polygon(clumpy_plane, x[rows], y[rows])
    expected = even_odd(clumpy_points, x[rows], y[rows]) if len(rows) > 2 else []
    np.testing.assert_array_equal(found, expected)


@given(st.integers(0, 2**32), st.integers(3, 400), st.floats(0.05, 12))
def test_scribbles_equal_brute_force(clumpy_plane, clumpy_points, seed, n, size):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(0, size / np.sqrt(n), size=(n, 2)), axis=0)
    xs, ys = (walk + rng.uniform(-10, 10, size=2)).T
    np.testing.assert_array_equal(
        rows_in_polygon(clumpy_plane, xs, ys), even_odd(clumpy_points, xs, ys)
    )


def drawn_line(rng, kind):
    """Vertices, (V, 2): any few, a scribble, a star, doubled points, no area at all."""
    vertices = rng.uniform(-10, 10, size=(rng.integers(3, 9), 2))
    match kind:
        case 1:
            steps = rng.normal(0, 2, size=(rng.integers(3, 40), 2))
            vertices = np.cumsum(steps, axis=0) + vertices[0] / 2
        case 2:
            n, step = rng.choice([5, 7, 9, 11]), rng.integers(1, 5)
            angles = 2 * np.pi * step * np.arange(n) / n
            vertices = vertices[0] + 8 * np.column_stack([np.cos(angles), np.sin(angles)])
        case 3:
            between = (vertices + np.roll(vertices, -1, axis=0)) / 2
            vertices = np.repeat(np.hstack([vertices, between]).reshape(-1, 2), 2, axis=0)
        case 4:
            vertices = vertices[0] + np.arange(len(vertices))[:, None] * (vertices[1] - vertices[0])
    return vertices


def test_1000_polygons_equal_shapely_after_make_valid(make_plane):
    """Its default, linework, is the even-odd rule wherever no stretch of the line is drawn twice.

    Such a stretch cancels itself here, and counts once there.
    """
    rng = np.random.default_rng(8)
    points = rng.uniform(-10, 10, size=(2, 2000)).astype(np.float32)
    points[0, ::50], points[1, 7::50] = np.nan, np.inf
    positioned = np.flatnonzero(np.isfinite(points).all(axis=0))
    plane, n_crossing = make_plane(*points), 0
    for number in range(1_000):
        vertices = drawn_line(rng, number % 5)
        polygon = shapely.Polygon(vertices)
        n_crossing += number % 5 < 3 and not polygon.is_valid
        polygon = shapely.make_valid(polygon, method="linework")
        expected = positioned[shapely.contains_xy(polygon, *points[:, positioned])]
        found = rows_in_polygon(plane, *vertices.T)
        np.testing.assert_array_equal(found, expected, err_msg=f"polygon {number}")
    assert n_crossing > 400


def test_a_line_drawn_twice_encloses_nothing(make_plane):
    plane = make_plane([1, 3, 5], [1, 3, 5])
    xs, ys = [0, 4, 4, 0], [0, 0, 4, 4]
    assert rows_in_polygon(plane, xs, ys).tolist() == [0, 1]
    assert rows_in_polygon(plane, xs * 2, ys * 2).tolist() == []
    assert rows_in_polygon(plane, xs + xs[::-1], ys + ys[::-1]).tolist() == []


def test_what_has_no_position_is_in_no_line_and_no_box(clumpy_plane, clumpy_points):
    everywhere, limits = ([-1e9, 1e9, 1e9, -1e9], [-1e9, -1e9, 1e9, 1e9]), [-np.inf, np.inf] * 2
    has_position = np.flatnonzero(np.isfinite(clumpy_points).all(axis=0))
    assert len(has_position) < clumpy_points.shape[1]
    np.testing.assert_array_equal(rows_in_polygon(clumpy_plane, *everywhere), has_position)
    np.testing.assert_array_equal(rows_in_box(clumpy_plane, *limits), has_position)


@given(st.integers(0, 2**32), st.integers(3, 40), st.floats(0.1, 20))
def test_simple_polygons_equal_shapely(clumpy_plane, clumpy_points, seed, n, size):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * np.pi, size=n))
    radii = rng.uniform(0.2, 1, size=n) * size
    centre = rng.uniform(-10, 10, size=2)
    xs, ys = centre[0] + radii * np.cos(angles), centre[1] + radii * np.sin(angles)
    polygon = shapely.Polygon(np.column_stack([xs, ys]))
    if not polygon.is_valid:
        return
    x, y = clumpy_points
    expected = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    expected = expected[shapely.contains_xy(polygon, x[expected], y[expected])]
    np.testing.assert_array_equal(rows_in_polygon(clumpy_plane, xs, ys), expected)


def test_polygons_that_share_a_side_share_no_object(make_plane):
    grid = np.mgrid[0:9, 0:9].reshape(2, -1)
    plane = make_plane(*grid)
    left = rows_in_polygon(plane, [0, 4, 4, 0], [0, 0, 8, 8])
    right = rows_in_polygon(plane, [4, 8, 8, 4], [0, 0, 8, 8])
    assert len(np.intersect1d(left, right)) == 0
    both = rows_in_polygon(plane, [0, 8, 8, 0], [0, 0, 8, 8])
    np.testing.assert_array_equal(np.union1d(left, right), both)
    assert len(both) == 64  # left and lower sides in, right and upper out


def test_a_star_has_a_hole(make_plane):
    angles = np.pi / 2 + np.arange(5) * 4 * np.pi / 5
    plane = make_plane([0, 0], [0, 0.8])
    found = rows_in_polygon(plane, np.cos(angles), np.sin(angles))
    assert found.tolist() == [1]


def test_closing_the_line_changes_nothing(clumpy_plane):
    xs, ys = [-8, 3, 9, 0], [-7, -9, 5, 8]
    opened = rows_in_polygon(clumpy_plane, xs, ys)
    assert len(opened) > 100
    closed = rows_in_polygon(clumpy_plane, [*xs, xs[0]], [*ys, ys[0]])
    np.testing.assert_array_equal(opened, closed)


def test_rows_of_the_store_are_returned_for_any_plane(random_store):
    for name, x, y in (("umap", "umap_x", "umap_y"), ("score_snr", None, None)):
        plane = random_store.plane(name)
        found = rows_in_polygon(plane, [-99, 99, 99, -99], [-99, -99, 99, 99])
        rows = np.arange(len(plane)) if plane.rows is None else np.sort(plane.rows)
        np.testing.assert_array_equal(found, rows)
        if x:
            assert np.isfinite(random_store.column(x)[found]).all()
            assert np.isfinite(random_store.column(y)[found]).all()


@given(st.tuples(*[st.floats(-20, 20) | st.sampled_from([-np.inf, np.inf])] * 4))
def test_a_box_is_closed_and_exact(clumpy_plane, clumpy_points, box):
    x0, x1, y0, y1 = box
    x, y = (v.astype(np.float64) for v in clumpy_points)
    has_position = np.isfinite(x) & np.isfinite(y)
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1) & has_position
    np.testing.assert_array_equal(rows_in_box(clumpy_plane, x0, x1, y0, y1), np.flatnonzero(inside))


def test_a_box_through_an_object_holds_it(make_plane):
    plane = make_plane([0.1], [0.2])
    x, y = float(np.float32(0.1)), float(np.float32(0.2))
    assert rows_in_box(plane, x, x, y, y).tolist() == [0]
    assert rows_in_box(plane, 0.0, 0.1, 0, 1).tolist() == []  # float32(0.1) > 0.1


@pytest.mark.parametrize(
    ("xs", "ys"), [([0, 1, np.nan], [0, 0, 1]), ([0, 1, np.inf], [0, 0, 1]), ([0, 1], [0, 1, 2])]
)
def test_lines_that_are_no_polygon_are_refused(clumpy_plane, xs, ys):
    with pytest.raises(InputError):
        rows_in_polygon(clumpy_plane, xs, ys)
    with pytest.raises(InputError, match="not a number"):
        rows_in_box(clumpy_plane, 0, np.nan, 0, 1)


def test_empty_planes_hold_nothing(make_plane):
    plane = make_plane([], [])
    assert rows_in_polygon(plane, [0, 1, 1], [0, 0, 1]).tolist() == []
    assert rows_in_box(plane, 0, 1, 0, 1).tolist() == []


def cached_calls(module):
    """Return (function, foreign function) of every compiled call that a disk cache cannot see."""
    compiled = {n: f for n, f in vars(module).items() if isinstance(f, Dispatcher)}
    own = {n: f for n, f in compiled.items() if f.py_func.__module__ == module.__name__}
    return {
        (name, called)
        for name, function in own.items()
        if not isinstance(function._cache, NullCache)
        for called in function.py_func.__code__.co_names
        if called in compiled.keys() - own.keys()
    }


@pytest.mark.parametrize("name", MODULES)
def test_cached_functions_call_no_compiled_function_of_another_file(name):
    assert cached_calls(importlib.import_module(name)) == set()


def test_the_check_sees_a_planted_foreign_call():
    planted = types.ModuleType("planted")
    planted.foreign = numba.njit(lasso.spread_bits.py_func)
    exec("def caller(i):\n    return foreign(i)\n", vars(planted))
    planted.caller = numba.njit(planted.caller)
    assert cached_calls(planted) == set()
    planted.caller._cache = lasso.spread_bits._cache
    assert cached_calls(planted) == {("caller", "foreign")}
