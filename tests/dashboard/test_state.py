"""State without widgets: the algebra of selections, undo, sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from anomaly_explorer.dashboard.state import MODES, ExplorerState, combine_rows

ROWS = st.sets(st.integers(0, 60)).map(lambda s: np.array(sorted(s), dtype=np.int64))
SETS = {
    "replace": lambda old, new: new,
    "add": lambda old, new: old | new,
    "remove": lambda old, new: old - new,
    "intersect": lambda old, new: old & new,
}


@given(ROWS, ROWS, st.sampled_from(MODES))
def test_modes_are_set_algebra(old, new, mode):
    combined = combine_rows(old, new, mode)
    assert combined.tolist() == sorted(SETS[mode](set(old.tolist()), set(new.tolist())))


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="toggle"):
        combine_rows(np.arange(2), np.arange(2), "toggle")


class Undo(RuleBasedStateMachine):
    """Undo and redo against a plain list of everything that was ever chosen."""

    def __init__(self):
        super().__init__()
        self.state = ExplorerState()
        self.model = [self.state.moment]
        self.at = 0

    def after(self):
        if not self.state.moment.is_same(self.model[self.at]):
            self.model = [*self.model[: self.at + 1], self.state.moment]
            self.at += 1

    @rule(rows=ROWS, mode=st.sampled_from(MODES))
    def brush(self, rows, mode):
        self.state.mode = mode
        self.state.brush(rows)
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
        assert self.state.moment.is_same(self.model[self.at])
        assert self.state.can_undo == (self.at > 0)
        assert self.state.can_redo == (self.at < len(self.model) - 1)


Undo.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_undo_and_redo = Undo.TestCase


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
