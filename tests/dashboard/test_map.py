"""The map shows objects before it can mark any, and marks them when it can."""

from concurrent.futures import Future

import numpy as np
import pytest

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.views.map import MapView
from anomaly_explorer.engine.plane.viewport import Viewport


@pytest.fixture
def session(random_store, monkeypatch):
    session = Session(random_store, ExplorerState())
    monkeypatch.setattr(session.frames, "compiling", Future())
    return session


def layers_of(session):
    plane = session.plane("umap")
    return session.layers(plane, Viewport(*plane.extent, 300, 200))


def test_a_picture_without_marks_is_that_with_marks_but_for_them(session):
    without = layers_of(session)
    session.frames.compiling.set_result(None)
    whole = layers_of(session)
    assert (without.has_marks, whole.has_marks) == (False, True)
    for name in ("context", "visible", "selected"):
        np.testing.assert_array_equal(getattr(without, name), getattr(whole, name))
    assert np.isnan(without.anomalies).all()
    assert without.anomalies.shape == whole.anomalies.shape
    assert without.anomalies.dtype == whole.anomalies.dtype
    assert np.isfinite(whole.anomalies).any()


def test_marks_come_when_they_can_and_the_map_is_drawn_again_but_once(session, loop):
    frames, shown = [], []
    view = MapView(session, "umap", str)
    view.on_frame = frames.append
    picture = view._source
    picture.on_change("data", lambda attr, old, new: shown.append(new["image"][0].copy()))
    loop.until(lambda: len(frames) == 1 and loop.is_idle)
    view.redraw()
    loop.until(lambda: len(frames) == 2 and loop.is_idle)
    session.frames.compiling.set_result(None)
    loop.until(lambda: len(frames) == 3)
    loop.until(lambda: view._painter.is_at_rest and loop.is_idle)
    assert len(frames) == 3
    np.testing.assert_array_equal(shown[0], shown[1])
    assert (shown[2] != shown[1]).any()
    view.close()


def test_a_mark_of_the_focus_waits_until_its_map_is_on_screen(random_store):
    view = MapView(Session(random_store, ExplorerState()), "umap", str)
    row = int(np.flatnonzero(random_store.column("population") >= 0)[5])
    view.is_visible = False
    view.mark_focus(row)
    assert np.isnan(view._marks._focus.data["x"][0])
    view.is_visible = True
    place = view.plane.position(row)
    assert place is not None
    assert view._marks._focus.data["x"][0] == place[0]
