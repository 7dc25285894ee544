"""What a session shows, against brute force on the catalog that made the store."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.dashboard.session import PAGE_ROWS, Session, opening_population, sort_order
from anomaly_explorer.dashboard.state import ALL, ExplorerState
from anomaly_explorer.dashboard.views.table import LABELS, TableView, format_cell


@pytest.fixture
def session(random_store):
    return Session(random_store, ExplorerState())


def test_opens_on_science_targets_or_on_unknown():
    assert opening_population({"science": 1, "gated": 9, "unknown": 9}) == "science"
    assert opening_population({"science": 0, "gated": 9, "unknown": 1}) == "unknown"
    assert opening_population({"science": 0, "gated": 9, "unknown": 0}) == ALL


def test_filters_are_those_of_brute_force(session):
    state, store = session.state, session.store
    state.param.update(population="gated", arms=("B", "Z"), classes=("QSO",))
    facts = store.records(range(store.n_objects), ("population", "worst_arm", "spectype"))
    expected = [
        i
        for i, f in enumerate(facts)
        if f["population"] == "gated" and f["worst_arm"] in ("B", "Z") and f["spectype"] == "QSO"
    ]
    assert np.flatnonzero(session.mask).tolist() == expected
    assert session.n_shown == len(expected) > 0


def test_a_lasso_picks_only_what_is_shown(session):
    plane = session.plane("umap")
    x0, x1, y0, y1 = plane.extent
    session.brush_polygon(plane, [x0, x1, x1, x0], [y0, y0, y1, y1])
    assert 0 < len(session.selected_rows) <= session.n_shown
    assert session.mask[session.selected_rows].all()
    session.state.population = "gated"
    assert len(session.selected_rows) == 0
    assert len(session.state.selection) > 0


def python_key(value):
    return (0, value) if isinstance(value, str) else (0, float(value))


def is_missing(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize("column", list(LABELS))
@pytest.mark.parametrize("is_descending", [True, False])
def test_sorting_by_a_header_sorts_by_that_column(session, column, is_descending):
    if column not in session.store.column_names:
        pytest.fail(f"the table shows {column}, the store has no such column")
    rows = np.flatnonzero(session.mask)
    order = sort_order(session.store, column, rows, is_descending)
    values = [r[column] for r in session.store.records(rows[order], (column,))]
    present = [v for v in values if not is_missing(v)]
    assert not any(is_missing(v) for v in values[: len(present)])  # missing ones come last
    keys = [v if isinstance(v, (str, int)) else float(v) for v in present]
    assert keys == sorted(keys, reverse=is_descending)
    assert sorted(rows[order].tolist()) == rows.tolist()


def test_rank_does_not_change_with_the_sort(session):
    state = session.state
    seen: dict[int, int] = {}
    for column in ("score_mse", "snr", "target_id", "spectype"):
        state.sort(column)
        for page in range(3):
            state.page = page
            for record in session.page()[0]:
                rank = seen.setdefault(record["row"], record["score_rank"])
                assert rank == record["score_rank"]
    assert len(seen) > PAGE_ROWS


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 40))
def test_pages_cover_every_row_once(random_store, page):
    session = Session(random_store, ExplorerState())
    n_pages = math.ceil(len(session.table_rows) / PAGE_ROWS)
    seen = []
    for number in range(n_pages):
        session.state.page = number
        seen += [r["row"] for r in session.page()[0]]
    assert sorted(seen) == session.table_rows.tolist()
    session.state.page = n_pages + page
    assert session.page()[0] == []


def test_ids_leave_the_server_as_exact_text(session):
    session.state.population = ALL
    session.state.sort("target_id")
    table = TableView(session)
    at = [c["name"] for c in table.columns].index("target_id")
    sent = [line["cells"][at] for line in table.grid.records]
    exact = session.store.column("target_id")
    assert sent == [str(v) for v in sorted(exact.tolist(), reverse=True)[:PAGE_ROWS]]
    assert int(sent[0]) > 2**62


def test_messages_from_the_browser_are_checked(session):
    table = TableView(session)
    before = (session.state.sort_by, session.state.focus, session.state.page)
    for message in (
        {"type": "sort", "column": "__class__"},
        {"type": "focus", "row": 10**9},
        {"type": "focus", "row": "1; DROP"},
        {"type": "page", "by": 7},
        {"type": "nonsense"},
    ):
        table._on_message(message)
    assert (session.state.sort_by, session.state.focus, session.state.page) == before
    table._on_message({"type": "sort", "column": "snr"})
    assert session.state.sort_by == "snr"


def test_cells_are_short_and_ids_whole():
    assert format_cell("target_id", 2**62 + 1) == "4611686018427387905"
    assert format_cell("score_mse", float("nan")) == ""
    assert format_cell("snr", None) == ""
    assert format_cell("redshift", 6.21790123) == "6.2179"
