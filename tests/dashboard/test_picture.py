"""The picture of the map: counts never vanish, anomalies are never hidden."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy.ndimage import maximum_filter

from anomaly_explorer.dashboard.picture import (
    ANOMALY,
    CONTEXT,
    SELECTED,
    VISIBLE,
    Layers,
    _log_levels,
    _paint,
    compose_picture,
    picture_colors,
)
from anomaly_explorer.dashboard.theme import DARK, LIGHT, TRANSPARENT

SHAPE = (12, 17)
COUNTS = nps.arrays(np.uint32, SHAPE, elements=st.integers(0, 5000), fill=st.just(0))


def layers(context=None, visible=None, selected=None, anomalies=None):
    empty = np.zeros(SHAPE, np.uint32)
    nothing = np.full(SHAPE, np.nan, np.float32)
    return Layers(
        empty if context is None else context,
        empty if visible is None else visible,
        empty if selected is None else selected,
        nothing if anomalies is None else anomalies,
    )


@settings(max_examples=50, deadline=None)
@given(COUNTS, COUNTS, COUNTS, st.integers(0, 11), st.integers(0, 16))
def test_every_pixel_shows_its_uppermost_layer(context, visible, selected, row, column):
    anomalies = np.full(SHAPE, np.nan, np.float32)
    anomalies[row, column] = 7.0
    picture = compose_picture(layers(context, visible, selected, anomalies))
    assert ANOMALY[0] <= picture[row, column] <= ANOMALY[1]
    assert (picture[selected > 0] >= SELECTED[0]).all()
    assert (picture[visible > 0] >= VISIBLE[0]).all()
    assert (picture[context > 0] >= CONTEXT[0]).all()


@settings(max_examples=50, deadline=None)
@given(COUNTS, st.integers(0, 2))
def test_pixels_grow_to_discs_as_scipy_grows_them(counts, radius):
    levels = counts.astype(np.uint8)
    reach = np.arange(-radius, radius + 1)
    disc = reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2 + 0.25
    expected = maximum_filter(levels, footprint=disc, mode="constant")
    found = np.zeros(SHAPE, np.uint8)
    _paint(found, levels, radius)
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=50, deadline=None)
@given(COUNTS, st.integers(1, 2**31))
def test_levels_are_those_of_the_logarithm_of_each_count(counts, largest):
    counts[0, 0] = largest
    low, high = VISIBLE
    strength = np.log1p(counts) / np.log1p(max(int(counts.max()), 8))
    expected = np.where(counts > 0, low + np.rint(strength * (high - low)), 0)
    np.testing.assert_array_equal(_log_levels(counts, VISIBLE), expected)


def test_nothing_gives_an_empty_picture():
    assert not compose_picture(layers()).any()


def test_more_objects_are_never_drawn_fainter():
    counts = np.zeros(SHAPE, np.uint32)
    counts[6, 1::4] = [1, 9, 300, 40_000]
    counts[0, 0] = 70_000  # enough on screen that no pixel is grown
    levels = compose_picture(layers(visible=counts))[6, 1::4]
    assert (np.diff(levels.astype(int)) > 0).all()


def test_a_single_object_is_large_enough_to_see():
    counts = np.zeros(SHAPE, np.uint32)
    counts[6, 8] = 1
    assert (compose_picture(layers(visible=counts)) > 0).sum() >= 5


def test_every_level_has_a_colour_and_empty_has_none():
    for palette in (DARK, LIGHT):
        colors = picture_colors(palette)
        assert len(colors) == 256
        assert colors[0] == TRANSPARENT
        assert TRANSPARENT not in colors[1:]
