"""The expression box: what it applies, and how it says what is wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.views.expression import ExpressionView, describe_columns


@pytest.fixture
def session(random_store):
    return Session(random_store, ExplorerState())


@pytest.fixture
def view(session):
    return ExpressionView(session)


def enter(view, text):
    view._on_message({"type": "apply", "text": text})


def test_an_expression_filters_and_says_how_many_match(view, session):
    facts = session.store.records(session.mask.rows(), ("snr", "spectype"))
    expected = sum((f["snr"] or 0) > 3 and f["spectype"] == "QSO" for f in facts)
    enter(view, "  snr > 3 and spectype == 'QSO' ")
    assert session.n_shown == expected > 0
    assert session.state.expression == "snr > 3 and spectype == 'QSO'"
    assert view.box.status == f"{expected:,} {session.population_label} match"
    session.state.population = "gated"
    view.refresh()
    assert view.box.status.endswith("gated-out objects match")
    enter(view, "")
    assert session.state.expression == ""
    assert (view.box.text, view.box.status) == ("", "")


@pytest.mark.parametrize(
    ("text", "caret", "words"),
    [
        ("score_mse >> 2", 11, "found '>'"),
        ("snr > 3 and scor > 1", 12, "scor"),
        ("snr", 0, ""),
        ("import os", -2, ""),
    ],
)
def test_what_is_wrong_stands_under_its_character_and_nothing_changes(
    view, session, text, caret, words
):
    enter(view, "snr > 1")
    before = session.n_shown
    enter(view, text)
    assert view.box.text == text
    assert words in view.box.error != ""
    assert view.box.caret == caret or (caret == -2 and view.box.caret >= -1)
    assert (session.state.expression, session.n_shown) == ("snr > 1", before)


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_no_text_breaks_the_page(random_store, text):
    session = Session(random_store, ExplorerState())
    view = ExpressionView(session)
    enter(view, text)
    assert view.box.error or session.state.expression == text.strip()
    assert -1 <= view.box.caret <= len(text)


def test_undo_brings_the_text_back(view, session):
    enter(view, "snr > 1")
    enter(view, "snr > 2")
    session.state.undo()
    view.refresh()
    assert view.box.text == "snr > 1"
    session.state.undo()
    view.refresh()
    assert view.box.text == ""


def test_messages_from_the_browser_are_checked(view, session):
    for message in ({}, {"type": "apply"}, {"type": "apply", "text": 3}, {"type": "eval"}):
        view._on_message(message)
    assert session.state.expression == ""


def test_every_column_is_listed_with_its_meaning(random_store):
    listed = describe_columns(random_store)
    assert {c["name"] for c in listed[:-1]} == set(random_store.column_names)
    assert all(c["meaning"] for c in listed)
