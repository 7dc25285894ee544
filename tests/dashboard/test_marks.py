"""The words at the mouse stand where there is room for them."""

import pytest
from bokeh.plotting import figure

from anomaly_explorer.dashboard.marks import NOWHERE, Marks
from anomaly_explorer.dashboard.theme import DARK


@pytest.mark.parametrize("is_right", [False, True])
def test_words_stand_on_the_side_of_the_object_that_has_room(is_right):
    plot = figure()
    marks = Marks(plot, DARK)
    words = plot.select_one({"name": "hover-words"})
    marks.hover({"x": [1.0], "y": [2.0]}, "STAR", is_right)
    assert (words.x, words.y, words.text, words.visible) == (1.0, 2.0, "STAR", True)
    assert (words.x_offset < 0) == is_right
    assert str(words.anchor) == ("bottom_right" if is_right else "bottom_left")
    marks.hover(NOWHERE, None)
    assert not words.visible
