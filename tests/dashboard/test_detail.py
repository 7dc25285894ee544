"""Search, focus and stack on a whole page, with an inspector that answers when it is told."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from anomaly_explorer.dashboard.app import Explorer
from anomaly_explorer.dashboard.latest import Latest
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask


class Inspector:
    """Fails as it is told; remembers what it was asked."""

    def __init__(self, error):
        self.error, self.asked = error, []

    def inspect(self, row):
        self.asked.append(row)
        raise self.error


@pytest.fixture
def live(random_store, loop):
    live = LiveInspector(random_store, Settings(random_store.path))
    yield live
    live.close()


@pytest.fixture
def explorer(random_store, live):
    return Explorer(random_store, live)


def message_of(explorer):
    return explorer.spectrum._panes["spectrum-heading"].object


@pytest.mark.parametrize("text", ["²", "--5", "1e5", "9" * 5000, "12 34", "<b>1</b>", "0x10"])
def test_what_is_no_id_is_said_to_be_none(explorer, text):
    explorer.detail.find(text)
    assert "is no TARGETID" in message_of(explorer)
    assert "<b>1" not in message_of(explorer)


def test_an_id_of_no_object_is_said_and_the_focus_goes(explorer):
    explorer.state.focus = 3
    explorer.detail.find("12345")
    assert "12345 is in no object" in message_of(explorer)
    assert explorer.state.focus is None


def test_the_same_object_can_be_found_again_after_a_miss(explorer, loop):
    wanted = str(explorer.store.records([5], ("target_id",))[0]["target_id"])
    explorer.detail.find(wanted)
    first = explorer.state.focus
    explorer.detail.find("12345")
    explorer.detail.find(wanted)
    assert explorer.state.focus == first is not None
    assert explorer.facts._pane.styles == {"opacity": "0"}  # of the object before
    loop.until(lambda: wanted in explorer.facts._pane.object)
    assert explorer.facts._pane.styles == {"opacity": "1"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("the file is gone"), "the file is gone"),
        (OSError("no"), "could not"),
    ],
)
def test_a_failure_takes_the_place_of_the_old_spectrum(explorer, loop, monkeypatch, error, words):
    monkeypatch.setattr(explorer.live, "inspector", lambda: Inspector(error))
    explorer.state.focus = 2
    loop.until(lambda: words in message_of(explorer))


def test_a_spectrum_that_takes_its_time_is_said_to_be_on_its_way(explorer, loop, monkeypatch):
    gate = threading.Event()

    def wait():
        gate.wait(20)
        return Inspector(InputError("the file is gone"))

    monkeypatch.setattr(explorer.live, "inspector", wait)
    explorer.state.focus = 2
    target = explorer.store.records([2], ("target_id",))[0]["target_id"]
    loop.until(lambda: f"Reading the spectrum of {target}" in message_of(explorer))
    gate.set()
    loop.until(lambda: "the file is gone" in message_of(explorer))
    explorer.detail._say_reading(2, target)
    assert "the file is gone" in message_of(explorer)


def test_the_stack_follows_the_filters_and_is_made_once(explorer, monkeypatch):
    detail, asked = explorer.detail, []
    monkeypatch.setattr(detail._stacks, "start", lambda job, deliver: asked.append(job))

    def look():
        detail.is_stack_visible = True
        detail.show_stack()

    rows = explorer.session.mask.rows()[:30]
    explorer.state.brush(Mask.of_rows(rows, explorer.store.n_objects))
    look()
    explorer.state.sort("snr")
    look()
    assert len(asked) == 1
    explorer.state.arms = ("B",)
    look()
    assert len(asked) == 2
    explorer.state.clear_selection()
    look()
    assert len(asked) == 2
    assert "Lasso objects" in explorer.stack._title.object


def test_nothing_is_stacked_that_nobody_looks_at(explorer, monkeypatch):
    detail, asked = explorer.detail, []
    monkeypatch.setattr(detail._stacks, "start", lambda job, deliver: asked.append(job))
    detail.is_stack_visible = False
    explorer.state.brush(explorer.session.mask)
    detail.is_stack_visible = False
    detail.show_stack()
    assert asked == []


def test_only_the_last_job_is_delivered_and_outdated_ones_are_not_begun():
    gate, begun, delivered = threading.Event(), [], []
    with ThreadPoolExecutor(1) as pool:
        latest = Latest(pool)

        def job(number):
            begun.append(number)
            gate.wait(5)
            return number

        for _ in range(5):
            latest.ask(job, lambda future: delivered.append(future.result()))
        gate.set()
    assert delivered == [5]
    assert begun[-1] == 5
    assert len(begun) <= 2


def test_a_cancelled_job_delivers_nothing():
    delivered = []
    with ThreadPoolExecutor(1) as pool:
        latest = Latest(pool)
        latest.ask(lambda _: 1, delivered.append)
        pool.submit(int).result()
        n = len(delivered)
        gate = threading.Event()
        latest.ask(lambda _: gate.wait(5), delivered.append)
        latest.cancel()
        gate.set()
    assert len(delivered) == n == 1


def test_unclassified_objects_can_be_filtered(explorer):
    explorer.state.param.update(population="all", classes=("",))
    facts = explorer.store.records(range(explorer.store.n_objects), ("spectype",))
    assert explorer.session.n_shown == sum(not f["spectype"] for f in facts) > 0
