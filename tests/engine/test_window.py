"""Windows: frames snap to pixels of a level grid that are no smaller than the screen's."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.plane.cells import Square
from anomaly_explorer.engine.plane.grid import MAX_EXPONENT, Span, Window, level_of, snap
from anomaly_explorer.engine.plane.viewport import Viewport

squares = st.builds(
    lambda i, j, e: Square(i * 2.0**e / 8, j * 2.0**e / 8, 2.0**e),
    st.integers(-20, 20), st.integers(-20, 20), st.integers(-20, 20),
)  # fmt: skip
shares = st.floats(-0.5, 1.5)
viewports = st.tuples(shares, shares, st.floats(-15, 1), st.floats(-15, 1),
                      st.integers(1, 2000), st.integers(1, 2000))  # fmt: skip


def viewport_of(square, drawn):
    x, y, w, h, width, height = drawn
    x, y = square.x0 + x * square.size, square.y0 + y * square.size
    w, h = square.size * 2.0**w, square.size * 2.0**h
    return Viewport(x, x + w, y, y + h, width, height)


@given(st.floats(-29, 0).map(lambda e: 2.0**e))
def test_pixels_are_one_to_one_and_a_half_screen_pixels(pixel):
    n = level_of(pixel)
    assert pixel <= 1 / n < 1.5 * pixel or n == 1
    assert (n & (n - 1) == 0) or (n % 3 == 0 and (n // 3) & (n // 3 - 1) == 0)


def test_levels_end_where_positions_do():
    assert level_of(1e-30) == level_of(0.0) == 2**MAX_EXPONENT


@given(squares, viewports)
def test_a_window_covers_what_the_viewport_shows_of_the_square(square, drawn):
    viewport = viewport_of(square, drawn)
    window = snap(square, viewport)
    x0, x1, y0, y1 = window.limits
    end_x, end_y = square.x0 + square.size, square.y0 + square.size
    slack = 1e-9 * (square.size + abs(square.x0) + abs(square.y0))
    if viewport.x1 >= square.x0 and viewport.x0 <= end_x:
        assert x0 <= max(viewport.x0, square.x0) + slack
        assert x1 >= min(viewport.x1, end_x) - slack
    if viewport.y1 >= square.y0 and viewport.y0 <= end_y:
        assert y0 <= max(viewport.y0, square.y0) + slack
        assert y1 >= min(viewport.y1, end_y) - slack
    height, width = window.shape
    assert 1 <= width <= viewport.width + 2
    assert 1 <= height <= viewport.height + 2
    assert 0 <= window.x.first < window.x.stop <= window.x.n


@given(st.integers(0, 2**32))
def test_the_part_around_some_objects_holds_them(seed):
    rng = np.random.default_rng(seed)
    square = Square(-2.0, -4.0, 8.0)
    n, first, stop = 96, *np.sort(rng.integers(0, 97, size=2)).tolist()
    window = Window(square, Span(n, min(first, 95), max(stop, first + 1)), Span(n, 0, n))
    x = rng.uniform(-2, 6, size=5).astype(np.float32)
    y = rng.uniform(-4, 4, size=5).astype(np.float32)
    part = window.around(x, y)
    x0, x1, y0, y1 = window.limits
    inside = (x >= x0) & (x < x1) & (y >= y0) & (y < y1)
    low_x, high_x, low_y, high_y = part.limits
    assert ((x[inside] >= low_x) & (x[inside] < high_x)).all()
    assert ((y[inside] >= low_y) & (y[inside] < high_y)).all()
    rows, columns = window.place_of(part)
    assert rows.start >= 0
    assert rows.stop <= window.shape[0]
    assert 0 <= columns.start < columns.stop <= window.shape[1]


@given(st.floats(-1, 1, width=32))
def test_no_settled_coordinate_is_next_to_nothing(value):
    settled = Square(-1.0, -1.0, 2.0).settle(np.array([value], np.float32))[0]
    assert settled in (0, np.float32(value))
    assert settled == 0 or abs(settled) >= 2.0**-35
