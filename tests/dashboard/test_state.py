"""State without widgets: the algebra of selections, undo, sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from anomaly_explorer.dashboard.state import MODES, ExplorerState, combine_masks
from anomaly_explorer.engine.plane.mask import Mask

N = 61


def mask_of(rows):
    return Mask.of_rows(np.array(sorted(rows), dtype=np.int64), N)


ROWS = st.sets(st.integers(0, N - 1))
SETS = {
    "replace": lambda old, new: new,
    "add": lambda old, new: old | new,
    "remove": lambda old, new: old - new,
    "intersect": lambda old, new: old & new,
}


@given(ROWS, ROWS, st.sampled_from(MODES))
def test_modes_are_set_algebra(old, new, mode):
    combined = combine_masks(mask_of(old), mask_of(new), mode)
    assert combined.rows().tolist() == sorted(SETS[mode](old, new))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="toggle"):
        combine_masks(Mask.none(2), Mask.none(2), "toggle")


class Undo(RuleBasedStateMachine):
    """Undo and redo against a plain list of everything that was ever chosen."""

    def __init__(self):
        super().__init__()
        self.state = ExplorerState(selection=Mask.none(N))
        self.model = [self.state.moment]
        self.at = 0

    def after(self):
        if self.state.moment != self.model[self.at]:
            self.model = [*self.model[: self.at + 1], self.state.moment]
            self.at += 1

    @rule(rows=ROWS, mode=st.sampled_from(MODES))
    def brush(self, rows, mode):
        self.state.mode = mode
        self.state.brush(mask_of(rows))
        self.after()

    @rule(tier=st.sampled_from(["", "top_1", "mild"]), arms=st.sets(st.sampled_from("BRZ")))
    def filter(self, tier, arms):
        self.state.param.update(tier=tier, arms=tuple(sorted(arms)))
        self.after()

    @rule()
    def undo(self):
        self.state.undo()
        self.at = max(0, self.at - 1)

    @rule()
    def redo(self):
        self.state.redo()
        self.at = min(len(self.model) - 1, self.at + 1)

    @invariant()
    def shows_what_the_list_says(self):
        assert self.state.moment == self.model[self.at]
        assert self.state.can_undo == (self.at > 0)
        assert self.state.can_redo == (self.at < len(self.model) - 1)


Undo.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_undo_and_redo = Undo.TestCase


def test_a_range_replaces_the_one_of_its_column():
    state = ExplorerState()
    state.limit("snr", 1.0, 2.0)
    state.limit("redshift", None, 3.0)
    state.limit("snr", 1.5, None)
    assert state.ranges == (("redshift", None, 3.0), ("snr", 1.5, None))
    state.limit("redshift", None, None)
    assert state.ranges == (("snr", 1.5, None),)
    state.undo()
    assert state.ranges == (("redshift", None, 3.0), ("snr", 1.5, None))


def test_undo_forgets_the_oldest_selections_when_they_take_too_much(monkeypatch):
    monkeypatch.setattr("anomaly_explorer.dashboard.state.MAX_UNDO_BYTES", 2_000)
    n_rows, rng = 6_400, np.random.default_rng(0)
    state = ExplorerState(selection=Mask.none(n_rows))
    for _ in range(9):
        state.brush(Mask.of_bools(rng.random(n_rows) < 0.5))
    assert 1 < len(state._past) < 5
    last = state.selection
    state.undo()
    assert not state.selection.equals(last)
    state.redo()
    assert state.selection.equals(last)


def test_sorting_again_turns_the_order_around_and_filters_go_back_to_the_first_page():
    state = ExplorerState()
    state.sort("snr")
    assert (state.sort_by, state.is_descending) == ("snr", True)
    state.page = 3
    state.sort("snr")
    assert (state.is_descending, state.page) == (False, 0)
    state.page = 2
    state.tier = "top_1"
    assert state.page == 0
