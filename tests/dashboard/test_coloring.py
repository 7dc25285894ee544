"""What maps are coloured by: only what can be, and the legend says it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from anomaly_explorer.dashboard.coloring import HOWS, Coloring, columns_for
from anomaly_explorer.dashboard.picture import (
    CONTEXT,
    VISIBLE,
    Layers,
    compose_picture,
    picture_colors,
    steps_of,
    value_limits,
)
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.coloring import draw_legend
from anomaly_explorer.engine.errors import InputError

SHAPE = (9, 14)


@pytest.fixture(scope="module")
def store(random_store):
    return random_store


def layers(values, n_categories=0):
    visible = np.isfinite(values).astype(np.uint32)
    nothing = np.full(SHAPE, np.nan, np.float32)
    empty = np.zeros(SHAPE, np.uint32)
    return Layers(empty, visible, empty, nothing, values=values, n_categories=n_categories)


@settings(max_examples=60, deadline=None)
@given(nps.arrays(np.float32, SHAPE, elements=st.floats(-1e6, 1e6, width=32)), st.integers(0, 99))
def test_larger_values_never_have_fainter_colours(values, n_nothing):
    values.flat[:n_nothing] = np.nan
    made = layers(values)
    picture = compose_picture(made)
    # Few objects are grown to discs: only pixels whose neighbours are alike are compared alone.
    limits = value_limits(made)
    if limits is None:
        assert not picture.any()
        return
    assert limits[0] <= limits[1]
    assert picture[np.isfinite(values)].min() >= VISIBLE[0]
    assert picture.max() <= VISIBLE[1]


def test_objects_without_a_value_are_still_there():
    values = np.full(SHAPE, np.nan, np.float32)
    visible = np.full(SHAPE, 10**6, np.uint32)
    empty = np.zeros(SHAPE, np.uint32)
    made = Layers(empty, visible, empty, values.copy(), values=values)
    assert (compose_picture(made) == CONTEXT[1]).all()
    assert value_limits(made) is None


@given(st.integers(1, 24))
def test_each_category_has_its_own_levels(n):
    codes = np.resize(np.arange(n), SHAPE).astype(np.float32)
    made = layers(codes, n)
    visible = np.full(SHAPE, 10**6, np.uint32)  # many objects: pixels are not grown
    picture = compose_picture(Layers(**{**vars(made), "visible": visible}))
    assert ((picture - VISIBLE[0]) // steps_of(n) == codes).all()
    assert picture.max() <= VISIBLE[1]


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_every_level_has_a_colour(store, palette):
    colorings = [None, *(Coloring.of(store, how, columns_for(store, how)[0]) for how in HOWS)]
    for coloring in colorings:
        colors = picture_colors(palette, coloring)
        assert len(colors) == 256
        assert all(isinstance(color, str) and color.startswith("#") for color in colors)


def test_only_what_can_be_reduced_is_offered(store):
    for how in HOWS:
        for name in columns_for(store, how):
            assert Coloring.of(store, how, name).label.startswith(HOWS[how])
    with pytest.raises(InputError, match="no map is coloured"):
        Coloring.of(store, "mean", "spectype")


def test_the_legend_escapes_what_a_file_says():
    coloring = Coloring("commonest", "spectype", "", ("<b>QSO</b>", "none"))
    text = draw_legend(coloring, None, 2000, "score_mse")
    assert "<b>QSO" not in text
    assert "2,000 highest scores" in text
    assert "0.5" in draw_legend(Coloring("mean", "snr"), (0.5, 12.0), 7, "sigma_astro")
