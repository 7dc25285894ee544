"""Histograms in the left column: what a drag means, and bars that are the session's counts."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.bars import OPEN, Bars, limits_within
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.histograms import HistogramsView, describe_limits
from anomaly_explorer.engine.plane.histogram import Axis

AXIS = Axis(tuple(np.geomspace(0.01, 100, 41).tolist()), is_log=True)
NUMBERS = st.floats(-10, 300, allow_nan=False)


@pytest.fixture
def session(random_store):
    return Session(random_store, ExplorerState())


@pytest.fixture
def view(session):
    return HistogramsView(session)


def drag(bars, x0, x1):
    bars._on_geometry(SimpleNamespace(geometry={"type": "rect", "x0": x0, "x1": x1}))


@given(NUMBERS, NUMBERS)
def test_limits_say_what_was_dragged_to_three_digits(low, high):
    limits = limits_within(AXIS, low, high)
    if limits is None:
        assert not low < high or high <= AXIS.edges[0] or low >= AXIS.edges[-1]
        return
    assert (limits[0] is None) == (low <= AXIS.edges[0])
    assert (limits[1] is None) == (high >= AXIS.edges[-1])
    for limit, dragged in zip(limits, (low, high), strict=True):
        if limit is not None:
            assert limit == pytest.approx(dragged, rel=0.006)
            assert f"{limit:g}" in describe_limits(limits)


def test_a_drag_filters_and_each_histogram_ignores_its_own_range(view, session):
    bars = view.bars["snr"]
    before = {name: b.source.data["shown"].copy() for name, b in view.bars.items()}
    drag(bars, 3.0, 1.0)
    assert session.state.ranges == (("snr", 1.0, 3.0),)
    view.refresh()
    np.testing.assert_array_equal(bars.source.data["shown"], before["snr"])
    assert bars.source.data["shown"].any()
    other = view.bars["score_mse"].source.data["shown"]
    assert (other <= before["score_mse"]).all()
    assert (other < before["score_mse"]).any()
    assert (bars._span.left, bars._span.right, bars._span.visible) == (1.0, 3.0, True)
    assert "1 – 3" in view._heads["snr"].object
    assert view._clears["snr"].visible


def test_heights_are_the_logarithm_of_the_counts(view, session):
    for name, bars in view.bars.items():
        counts = session.histogram(name)[1]
        top = np.log1p(session.population_histogram(name).max())
        np.testing.assert_allclose(bars.source.data["shown"], np.log1p(counts) / top)
        assert (bars.source.data["shown"] <= bars.source.data["population"] + 1e-12).all()


def test_a_double_click_and_the_cross_clear(view, session):
    for clear in (lambda: view.bars["redshift"]._on_drag(OPEN), lambda: view._limit(
        "redshift", OPEN)):  # fmt: skip
        session.state.limit("redshift", 0.5, None)
        view.refresh()
        assert "≥ 0.5" in view._heads["redshift"].object
        clear()
        view.refresh()
        assert session.state.ranges == ()
        assert not view._clears["redshift"].visible
        assert not view.bars["redshift"]._span.visible


def test_a_gesture_that_is_no_range_changes_nothing(view, session):
    bars = view.bars["snr"]
    for geometry in (
        {"type": "poly", "x": [1], "y": [2]},
        {"type": "rect", "x0": None, "x1": None},
        {"type": "rect", "x0": 2.0, "x1": 2.0},
    ):
        bars._on_geometry(SimpleNamespace(geometry=geometry))
    assert session.state.ranges == ()


def test_sources_keep_their_length_and_both_palettes_fit(view, session):
    lengths = {name: len(b.source.data["left"]) for name, b in view.bars.items()}
    session.state.tier = "extreme"
    view.refresh()
    view.repaint(LIGHT)
    for name, bars in view.bars.items():
        assert {len(column) for column in bars.source.data.values()} == {lengths[name]}
        assert bars.figure.background_fill_color == LIGHT.panel
    view.repaint(DARK)


def test_an_empty_population_draws_nothing():
    bars = Bars("snr", AXIS, print)
    nothing = np.zeros(len(AXIS.edges) - 1, np.int64)
    bars.fill(nothing, nothing)
    assert not bars.source.data["population"].any()
