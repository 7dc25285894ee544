"""Every listed key does what it says, on a whole page without a browser."""

import pytest

from anomaly_explorer.dashboard.app import Explorer
from anomaly_explorer.dashboard.keys import MEANINGS
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.dashboard.views.help import describe_keys
from anomaly_explorer.engine.plane.mask import Mask


@pytest.fixture
def explorer(random_store, loop):
    live = LiveInspector(random_store, Settings(random_store.path))
    explorer = Explorer(random_store, live)
    yield explorer
    live.close()


def press(explorer, name):
    explorer.browser._handle_msg({"type": "key", "name": name})


def test_the_listed_keys_are_the_bound_ones(explorer):
    assert set(explorer.browser.keys) == set(MEANINGS)


def test_keys_walk_the_table(explorer):
    rows = [line["row"] for line in explorer.table.grid.records]
    press(explorer, "n")
    assert explorer.state.focus == rows[0]
    press(explorer, "n")
    press(explorer, "n")
    press(explorer, "b")
    assert explorer.state.focus == rows[1]


def test_the_next_object_after_the_last_line_is_on_the_next_page(explorer, loop):
    first = [line["row"] for line in explorer.table.grid.records]
    explorer.state.focus = first[-1]
    press(explorer, "n")
    assert explorer.state.page == 1
    loop.until(lambda: explorer.state.focus == explorer.table.grid.records[0]["row"] != first[-1])
    press(explorer, "b")
    assert (explorer.state.page, explorer.state.focus) == (0, first[-1])


@pytest.mark.parametrize(
    ("key", "name"), [("l", "show_lines"), ("t", "show_reconstruction"), ("v", "show_noise")]
)
def test_keys_switch_layers(explorer, key, name):
    before = getattr(explorer.spectrum, name)
    press(explorer, key)
    assert getattr(explorer.spectrum, name) is not before


def test_keys_move_the_redshift_smoothing_and_frame(explorer):
    spectrum = explorer.spectrum
    for key in ("arrowup", "shift+arrowup", "arrowdown"):
        press(explorer, key)
    assert spectrum.redshift == pytest.approx(0.001)
    for _ in range(40):
        press(explorer, "s")
    assert spectrum.smoothing == spectrum.param.smoothing.bounds[1]
    press(explorer, "w")
    assert spectrum.frame == "rest"


def test_escape_clears_and_undo_brings_back(explorer):
    rows = explorer.session.mask.rows()[:9]
    explorer.state.brush(Mask.of_rows(rows, explorer.store.n_objects))
    press(explorer, "escape")
    assert explorer.state.selection.count == 0
    press(explorer, "ctrl+z")
    assert explorer.state.selection.count == 9
    press(explorer, "ctrl+shift+z")
    assert explorer.state.selection.count == 0


def test_unknown_keys_do_nothing(explorer):
    press(explorer, "__class__")
    assert explorer.state.focus is None


def test_the_list_behind_the_question_mark_names_every_key():
    listed = describe_keys(MEANINGS)
    assert listed.count("<tr>") == len(MEANINGS)
    assert all(meaning in listed for meaning in MEANINGS.values())
    assert "<kbd>ctrl shift z</kbd>" in listed
