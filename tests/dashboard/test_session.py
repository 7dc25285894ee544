"""What a session shows, against brute force on the catalog that made the store."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly_explorer.dashboard.coloring import Coloring
from anomaly_explorer.dashboard.grid import LABELS, format_cell
from anomaly_explorer.dashboard.session import PAGE_ROWS, Session, opening_population
from anomaly_explorer.dashboard.state import ALL, ExplorerState
from anomaly_explorer.dashboard.views.table import TableView
from anomaly_explorer.engine.catalog.order import sort_order
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.grid import snap
from anomaly_explorer.engine.plane.histogram import open_histograms, write_histograms
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.plane.viewport import Viewport


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
    assert session.mask.rows().tolist() == expected
    assert session.n_shown == len(expected) > 0


def test_a_lasso_picks_only_what_is_shown(session):
    plane = session.plane("umap")
    x0, x1, y0, y1 = plane.extent
    session.brush_polygon(plane, [x0, x1, x1, x0], [y0, y0, y1, y1])
    assert 0 < session.n_selected <= session.n_shown
    assert session.mask.has(session.selected_rows).all()
    session.state.population = "gated"
    assert session.n_selected == 0
    assert session.state.selection.count > 0


def test_the_layers_add_up(session):
    session.state.param.update(population=ALL, tier="top_10")
    selection = Mask.of_bools(np.arange(session.store.n_objects) % 3 == 0)
    session.state.brush(selection)
    for name in ("umap", "score_snr"):
        plane = session.plane(name)
        viewport = Viewport(*plane.extent, 300, 200)
        layers = session.layers(plane, viewport)
        window = snap(plane.cells.square, viewport)
        assert layers.limits == window.limits
        assert layers.visible.shape == window.shape
        everything = session.frames.pyramids.counts(plane, window)
        np.testing.assert_array_equal(layers.context + layers.visible, everything)
        selected = session.frames.pyramids.counts(plane, window, selection & session.mask)
        np.testing.assert_array_equal(layers.selected, selected)
        assert (layers.selected <= layers.visible).all()
        assert np.isfinite(layers.anomalies).any()
        assert (layers.visible[np.isfinite(layers.anomalies)] > 0).all()


def test_pixels_are_coloured_by_a_column(session):
    plane, store = session.plane("umap"), session.store
    viewport = Viewport(*plane.extent, 30, 20)
    session.state.population = ALL

    def values(how, column):
        session.state.coloring = Coloring.of(store, how, column)
        return session.layers(plane, viewport).values

    mean, largest = values("mean", "snr"), values("largest", "snr")
    assert (mean[np.isfinite(mean)] <= largest[np.isfinite(mean)] * 1.000001).all()
    commonest = values("commonest", "spectype")
    codes = set(commonest[np.isfinite(commonest)].tolist())
    assert codes <= set(range(len(store.legend("spectype"))))
    assert len(codes) > 1
    for how, column in (("mean", "spectype"), ("commonest", "source_file"), ("mean", "target_id")):
        with pytest.raises(InputError):
            Coloring.of(store, how, column)


def test_a_histogram_obeys_all_but_its_own_range(session, tmp_path, monkeypatch):
    store = session.store
    write_histograms(tmp_path, store.column)
    monkeypatch.setitem(vars(session.frames), "histograms", open_histograms(tmp_path))
    session.state.population = ALL
    session.state.limit("snr", 1.0, 3.0)
    session.state.limit("redshift", None, 2.0)
    snr, redshift = store.column("snr"), store.column("redshift")
    with np.errstate(invalid="ignore"):
        near, bright = redshift <= 2, (snr >= 1) & (snr <= 3)
    assert session.mask.rows().tolist() == np.flatnonzero(near & bright).tolist()
    axis, counts = session.histogram("snr")
    np.testing.assert_array_equal(counts, np.histogram(snr[near], axis.edges)[0])
    axis, counts = session.histogram("redshift")
    np.testing.assert_array_equal(counts, np.histogram(redshift[bright], axis.edges)[0])
    with pytest.raises(InputError, match="snr"):
        session.histogram("ra_deg")


def python_key(value):
    return (0, value) if isinstance(value, str) else (0, float(value))


def is_missing(value):
    return value is None or (isinstance(value, float) and math.isnan(value))


@pytest.mark.parametrize("column", list(LABELS))
@pytest.mark.parametrize("is_descending", [True, False])
def test_sorting_by_a_header_sorts_by_that_column(session, column, is_descending):
    if column not in session.store.column_names:
        pytest.fail(f"the table shows {column}, the store has no such column")
    rows = session.mask.rows()
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
    n_pages = math.ceil(session.table_mask.count / PAGE_ROWS)
    seen = []
    for number in range(n_pages):
        session.state.page = number
        seen += [r["row"] for r in session.page()[0]]
    assert sorted(seen) == session.table_mask.rows().tolist()
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
