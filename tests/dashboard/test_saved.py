"""Saved selections: kept by name, whatever is undone, and the same in every process."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard import saved as saved_module
from anomaly_explorer.dashboard.desk import Desk
from anomaly_explorer.dashboard.saved import add_saved, next_name, saved_rows
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.views.saved import SavedView
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask


@pytest.fixture
def session(random_store):
    return Session(random_store, ExplorerState())


def some(session, step=7):
    return Mask.of_rows(session.mask.rows()[::step], session.store.n_objects)


@given(st.sets(st.integers(0, 99), min_size=1), st.text(max_size=30))
def test_a_saved_mask_comes_back_and_travels_as_json(rows, name):
    mask = Mask.of_rows(np.array(sorted(rows)), 100)
    kept, chosen = add_saved({}, name, mask)
    kept = json.loads(json.dumps(kept))
    assert Mask.unpack(saved_rows(kept[chosen]).packed, 100).equals(mask)


@given(st.integers(0, 60))
def test_names_given_by_us_never_meet(n):
    taken = []
    for _ in range(n):
        taken.append(next_name(taken))
    assert len(set(taken)) == n


def test_what_cannot_be_saved_is_refused_in_a_sentence(monkeypatch):
    mask = Mask.all(9)
    kept, _ = add_saved({}, "here", mask)
    for name, which, words in (
        ("here", mask, "already"),
        (" here  ", mask, "already"),
        ("x" * 41, mask, "40 at most"),
        ("", Mask.none(9), "Nothing is selected"),
    ):
        with pytest.raises(InputError, match=words):
            add_saved(kept, name, which)
    monkeypatch.setattr(saved_module, "MAX_SAVED", 1)
    with pytest.raises(InputError, match="no room"):
        add_saved(kept, "", mask)


def test_a_click_shows_it_alone_and_another_one_everything(session):
    state = session.state
    picked = some(session)
    state.brush(picked)
    name = state.save("", session.selected)
    before = session.mask
    state.show_within(name)
    assert session.mask.equals(before & picked)
    state.show_within(name)
    assert session.mask.equals(before)


def test_saved_selections_survive_undo_and_what_was_forgotten_filters_nothing(session):
    state = session.state
    picked = some(session)
    state.brush(picked)
    name = state.save("bridge", session.selected)
    state.show_within(name)
    state.undo()
    state.undo()
    assert list(state.saved) == ["bridge"]
    assert state.selection.count == 0
    state.redo()
    state.redo()
    assert state.within == "bridge"
    state.forget("bridge")
    everything = session.mask
    state.undo()
    assert state.within == ""
    assert session.mask.equals(everything)


def test_another_process_shows_the_same(session, tmp_path, random_store):
    state = session.state
    state.brush(some(session))
    state.show_within(state.save("<b>bridge</b>", session.selected))
    state.expression = "snr > 1"
    desk = Desk(tmp_path)
    name = "a" * 44
    desk.write(name, state.history)
    other = Session(random_store, ExplorerState())
    other.state.resume(desk.read(name))
    assert other.mask.equals(session.mask)
    assert other.state.history == state.history


def test_the_chips_say_what_is_saved_and_the_messages_are_checked(session):
    view, state = SavedView(session), session.state
    view._on_message({"type": "save", "name": ""})
    assert "Nothing is selected" in view.chips.message
    state.brush(some(session))
    view.refresh()
    assert view.chips.n_selected == session.n_selected
    view._on_message({"type": "save", "name": "<i>x</i>"})
    count = session.n_selected
    assert view.chips.chips == [{"name": "<i>x</i>", "count": count, "on": False}]
    for message in ({"type": "show", "name": 3}, {"type": "show", "name": "other"}, {"name": "x"}):
        view._on_message(message)
    assert state.within == ""
    view._on_message({"type": "show", "name": "<i>x</i>"})
    assert view.chips.chips[0]["on"]
    assert session.n_shown == count
    view._on_message({"type": "forget", "name": "<i>x</i>"})
    assert (view.chips.chips, state.within) == ([], "")
