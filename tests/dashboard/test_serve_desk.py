"""What one process keeps of a session, another finds: whole, or not at all."""

import os
import stat
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.desk import Desk
from anomaly_explorer.dashboard.keeper import Keeper, Kept
from anomaly_explorer.dashboard.state import ExplorerState, History, Moment
from anomaly_explorer.engine.plane.mask import Mask

ID, OTHER = "a" * 44 + "." + "b-_" * 14 + "c", "z" * 44
N_ROWS = 100

texts = st.text(max_size=5)
limits = st.none() | st.floats(allow_nan=False)
moments = st.builds(
    Moment,
    population=texts,
    tier=texts,
    arms=st.tuples(texts, texts),
    classes=st.lists(texts, max_size=3).map(tuple),
    ranges=st.lists(st.tuples(texts, limits, limits), max_size=2).map(tuple),
    selection=st.binary(max_size=9),
)
histories = st.builds(
    History,
    past=st.lists(moments, min_size=1, max_size=4).map(tuple),
    future=st.lists(moments, max_size=3).map(tuple),
    look=st.fixed_dictionaries({"focus": st.none() | st.integers(0, 9), "mode": texts}),
)


@pytest.fixture
def desk():
    with Desk.temporary() as made:
        yield made


@pytest.fixture
def new_state():
    def make():
        return ExplorerState(selection=Mask.none(N_ROWS))

    return make


@given(st.lists(histories, min_size=1, max_size=3))
def test_the_last_history_written_is_read(written):
    with Desk.temporary() as desk:
        for history in written:
            desk.write(ID, history)
        assert desk.read(ID) == written[-1]
        assert desk.read(OTHER) is None
        kept = {m.selection for m in (*written[-1].past, *written[-1].future)}
        assert len(list((desk.path / ID).iterdir())) == len(kept) + 1


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a" * 43, "a" * 45, "../" + "a" * 41, "a" * 43 + "/", ID + "\n", "é" * 44],
)
def test_only_ids_become_folders(desk, name):
    history = History((Moment("", "", (), (), (), b""),), (), {})
    desk.write(name, history)
    assert desk.read(name) is None
    assert list(desk.path.iterdir()) == []


def test_the_folder_is_private_and_does_not_stay():
    with Desk.temporary() as desk:
        assert stat.S_IMODE(desk.path.stat().st_mode) == 0o700
        assert [desk.claim("said"), desk.claim("said")] == [True, False]
    assert not desk.path.exists()


def test_a_damaged_history_is_none(desk):
    desk.write(ID, History((Moment("", "", (), (), (), b"x"),), (), {}))
    for file in (desk.path / ID).iterdir():
        content = file.read_bytes()
        file.write_bytes(b"{") if file.suffix == ".json" else file.unlink()
        assert desk.read(ID) is None
        file.write_bytes(content)
    assert desk.read(ID) is not None


def test_those_unused_for_longest_are_forgotten(desk):
    history = History((Moment("", "", (), (), (), bytes(1000)),), (), {})
    for i in range(5):
        desk.write(f"{i}" * 44, history)
        os.utime(desk.path / (f"{i}" * 44), (i, i))
    desk.tidy(max_bytes=3000)
    assert sorted(path.name[0] for path in desk.path.iterdir()) == ["3", "4"]


def test_another_process_goes_on_with_undo_redo_and_selection(desk, new_state):
    keeper, state = Keeper(desk), new_state()
    Kept(keeper, ID, state)
    state.tier = "top_1"
    state.selection = Mask.of_rows(np.array([3, 99]), N_ROWS)
    state.limit("redshift", np.float32(0.5), None)
    state.sort("snr")
    state.undo()
    keeper.close()

    other, elsewhere = Keeper(desk), new_state()
    Kept(other, ID, elsewhere)
    assert elsewhere.moment == state.moment
    assert elsewhere.selection.rows().tolist() == [3, 99]
    assert elsewhere.sort_by == "snr"
    elsewhere.redo()
    assert elsewhere.ranges == (("redshift", 0.5, None),)
    for _ in range(3):
        elsewhere.undo()
    assert (elsewhere.tier, elsewhere.can_undo, elsewhere.can_redo) == ("", False, True)
    other.close()
    assert desk.read(ID) == elsewhere.history


def test_who_comes_back_takes_over_what_happened_elsewhere(desk, new_state):
    first, second = Keeper(desk), Keeper(desk)
    here, there = new_state(), new_state()
    kept = Kept(first, ID, here)
    first.close()
    Kept(second, ID, there)
    there.tier = "top_1"
    second.close()
    kept.refresh()
    assert here.tier == "top_1"


def test_of_many_changes_the_latest_is_written():
    written = []
    desk = SimpleNamespace(write=lambda name, history: written.append((name, history)))
    keeper = Keeper(desk)
    for number in range(1000):
        keeper.keep(ID, number)
    keeper.close()
    assert written[-1] == (ID, 999)
    assert not keeper.is_waiting(ID)
