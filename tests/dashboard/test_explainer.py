"""The note and the sliders on a whole page: links, twin, what if; only what shows works."""

import json

import numpy as np
import pytest

from anomaly_explorer.dashboard.app import Explorer
from anomaly_explorer.dashboard.badge import key_html
from anomaly_explorer.dashboard.drawer import TABS
from anomaly_explorer.dashboard.explainer import FIND, LAY, meaning_of
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.overlays import TWIN, WHAT_IF, Curve
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.spectrum import SpectrumView
from anomaly_explorer.dashboard.what_if import REACH, WhatIfState
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.explain.terms import TERMS

from .conftest import FIRST_ID
from .spectrum_maker import EVIL, finite

TAB = TABS.index("What if")


@pytest.fixture
def explorer(made, loop):
    store = Store.open(made / "store")
    live = LiveInspector(store, Settings(store.path, made / "spectra", made / "w.safetensors"))
    yield Explorer(store, live)
    live.close()


@pytest.fixture
def explained(explorer, loop):
    """A page with the note of an object that has a twin, once the note names it."""
    explainer = explorer.explainer
    for row in range(explorer.store.n_objects):
        explorer.state.focus = row
        loop.until(lambda row=row: is_told(explainer, row))
        if explainer._twin is not None:
            assert targets(explorer, "object")
            return explorer
    raise AssertionError("nobody has a twin")


def is_told(explainer, row):
    """Return whether all of an object is on screen, its twin looked for."""
    shown = explainer._inspection
    is_it = shown is not None and shown.row == row
    return is_it and explainer.note.text.segments and not explainer._twins.is_running


def targets(explorer, kind):
    pieces = explorer.explainer.note.text.segments
    return [p["target"] for p in pieces if p["target"].startswith(kind)]


def click(explorer, target):
    explorer.explainer.note._on_message({"type": "link", "target": target})


def curves(explorer):
    sources = explorer.spectrum._overlays.sources
    return {name: finite(source.data["y"]) for name, source in sources.items()}


def test_a_note_appears_with_the_spectrum_and_goes_with_it(explained):
    text = "".join(p["text"] for p in explained.explainer.note.text.segments)
    assert "the compatible score alone" in text
    assert str(explained.explainer._twin.target_id) in text
    explained.state.focus = None
    assert explained.explainer.note.text.segments == []


def test_the_note_of_an_object_that_has_gone_is_not_begun(explained, loop, monkeypatch):
    explainer, asked = explained.explainer, []
    monkeypatch.setattr(explainer._notes, "ask", lambda *wish: asked.append(wish))
    explained.state.focus = twin = explainer._twin.row
    loop.until(lambda: explainer._inspection is not None and explainer._inspection.row == twin)
    assert asked == []
    explained.state.focus = None
    loop.until(lambda: loop.is_idle)
    assert asked == []
    explained.state.focus = twin
    loop.until(lambda: asked)


def test_a_wavelength_zooms_the_spectrum_in_either_frame(explained):
    target = targets(explained, "wavelength")[0]
    at, feature = float(target.partition(":")[2]), explained.explainer._explanation.evidence.feature
    x_range = explained.spectrum._figure.flux.x_range
    for frame in ("observed", "rest"):
        explained.spectrum.frame = frame
        click(explained, target)
        stretch = explained.spectrum.look.stretch
        assert x_range.start < at * stretch < x_range.end
        shown = (x_range.end - x_range.start) / stretch
        assert shown == pytest.approx(max(320.0, 3 * feature.width_angstrom))


def test_every_other_link_says_what_it_means_or_leads_to_the_twin(explained):
    note = explained.explainer.note
    for target in (*targets(explained, "column"), *targets(explained, "term")):
        click(explained, target)
        name, meaning = note.text.meaning
        assert name == target.partition(":")[2]
        assert len(meaning) > 10
    twin = explained.explainer._twin
    click(explained, f"object:{twin.target_id}")
    assert explained.state.focus == twin.row


def test_a_target_that_is_not_in_the_note_does_nothing(explained):
    focus = explained.state.focus
    for target in ("object:1", "column:score_sum", "wavelength:nan", 7, None, EVIL):
        click(explained, target)
    assert explained.state.focus == focus
    assert explained.explainer.note.text.meaning == []


def test_the_twin_is_laid_over_named_and_goes_with_the_object(explained):
    explainer, reconstructor = explained.explainer, explained.live.inspector().reconstructor
    explainer.note._on_message({"type": "twin"})
    inspection, twin = explainer._inspection, explainer._twin
    decoded = reconstructor.decode(twin.latents[None])[0]
    shown = np.repeat((decoded * inspection.scale)[inspection.is_covered], 2)
    np.testing.assert_allclose(curves(explained)[TWIN], shown)
    label = f"normal twin of {inspection.facts['target_id']}, decoded"
    assert label in explained.spectrum._panes["spectrum-key"].object
    assert explainer.note.text.shows_twin
    explained.state.focus = None
    assert not curves(explained)[TWIN].size


def test_of_many_objects_a_twin_is_searched_when_it_is_asked_for(explained, monkeypatch, loop):
    explainer, twin = explained.explainer, explained.explainer._twin
    own = explainer._inspection.row
    monkeypatch.setattr("anomaly_explorer.dashboard.explainer.MOST_SEARCHED", 1)
    explained.state.focus = twin.row
    loop.until(lambda: explainer.note.text.twin == FIND)
    explained.state.focus = own
    loop.until(lambda: is_told(explainer, own))
    assert explainer.note.text.twin == FIND
    assert explainer._twin is None
    explainer.note._on_message({"type": "twin"})
    loop.until(lambda: explainer.note.text.twin == LAY)
    assert explainer._twin.row == twin.row
    loop.until(lambda: curves(explained)[TWIN].size)


def open_sliders(explorer, loop):
    explorer.drawer.tabs.active = TAB
    loop.until(lambda: explorer.explainer._what_if is not None)
    return explorer.explainer


def test_no_latent_is_tried_out_before_the_sliders_are_on_screen(explained, loop):
    assert explained.explainer._what_if is None
    explainer = open_sliders(explained, loop)
    labels = [slider["label"] for slider in explainer.sliders.panel.sliders]
    assert labels == [f"latent {number}" for number in explainer._what_if.chosen]
    assert explainer.sliders.panel.has_twin


def test_a_moved_latent_is_decoded_and_reset_takes_it_away(explained, loop):
    explainer = open_sliders(explained, loop)
    inspection, what = explainer._inspection, explainer._what_if
    reconstructor, scale = explained.live.inspector().reconstructor, inspection.scale
    moves = {0: 1.5, 3: -0.25, -1: 0.4}
    for index, value in moves.items():
        explainer.work({"type": "move", "index": index, "value": value})
    place = what.place([1.5, 0, 0, -0.25, 0, 0], 0.4, explainer._twin.latents)
    shown = np.repeat((reconstructor.decode(place[None])[0] * scale)[inspection.is_covered], 2)
    loop.until(lambda: np.array_equal(curves(explained)[WHAT_IF], shown))
    version = explainer.sliders.panel.version
    explainer.work({"type": "reset"})
    assert not curves(explained)[WHAT_IF].size
    assert explainer.sliders.panel.version == version + 1
    explainer.work({"type": "move", "index": -1, "value": 1.0})
    twin = reconstructor.decode(explainer._twin.latents[None])[0]
    shown = np.repeat((twin * scale)[inspection.is_covered], 2)
    loop.until(lambda: np.array_equal(curves(explained)[WHAT_IF], shown))


def test_another_object_moves_the_sliders_back(explained, loop):
    explainer = open_sliders(explained, loop)
    explainer.work({"type": "move", "index": 0, "value": 3.0})
    loop.until(lambda: curves(explained)[WHAT_IF].size)
    explained.state.focus = explainer._twin.row
    loop.until(lambda: explainer.state.is_at_rest)
    assert not curves(explained)[WHAT_IF].size


def test_a_slider_of_the_object_before_moves_nothing(explained, loop):
    explainer = open_sliders(explained, loop)
    panel = explainer.sliders.panel
    move = {"type": "move", "index": 0, "value": 3.0}
    panel._handle_msg(move | {"version": panel.version - 1})
    assert explainer.state.is_at_rest
    panel._handle_msg(move | {"version": panel.version})
    assert explainer.state.offsets[0] == 3.0


def test_moves_that_are_none_change_nothing():
    state = WhatIfState()
    for index, value in ((0, None), (9, 1.0), (-2, 1.0), ("0", 1.0), (0, float("nan")), (None, 1)):
        state.move(index, value)
    assert state.is_at_rest
    state.move(2, 1e9)
    state.move(-1, -5)
    assert (state.offsets[2], state.blend) == (REACH, 0.0)
    state.reset()
    assert state.is_at_rest


def test_curves_are_named_escaped_and_wear_the_palette(inspection):
    assert EVIL not in key_html(3, 12.8, {EVIL: "good"})
    view = SpectrumView(palette=LIGHT)
    view.show(inspection)
    view.lay(TWIN, Curve(inspection.reconstruction, "twin"))
    steps, twin = view._figure.sources["reconstruction"], view._overlays.sources[TWIN]
    np.testing.assert_array_equal(finite(twin.data["y"]), finite(steps.data["y"]))
    view.palette = DARK
    assert view._overlays._lines[TWIN].glyph.line_color == DARK.good
    view.frame = "rest"
    np.testing.assert_array_equal(finite(twin.data["x"]), finite(steps.data["x"]))


def test_every_word_of_a_note_has_a_meaning(random_store):
    for name in ("score_mse", "score_rank", "redshift", "is_training_member", *TERMS):
        assert len(meaning_of(random_store, name)) > 10
    assert meaning_of(random_store, "nothing of ours") == ""
    assert meaning_of(random_store, "redshift", 0.25).startswith("0.25 in the catalog; ")


def test_the_command_prints_note_and_numbers(made, run):
    more = ("--spectra", made / "spectra", "--weights", made / "w.safetensors")
    code, lines, _ = run("explain", made / "store", FIRST_ID + 3, *more)
    assert code == 0
    assert lines[0].startswith("This ")
    assert any(line.split()[:1] == ["score"] for line in lines)
    code, lines, _ = run("explain", made / "store", FIRST_ID + 3, "--json", *more)
    (found,) = json.loads("\n".join(lines))
    assert code == 0
    assert found["target_id"] == FIRST_ID + 3
    assert sum(found["evidence"]["shares"]["arms"].values()) == pytest.approx(1)
    assert f"{found['evidence']['feature']['wavelength']:.1f} Å" in found["note"]


def test_an_object_that_is_not_there_is_one_sentence(made, run):
    code, lines, errors = run("explain", made / "store", 5)
    assert (code, lines) == (2, [])
    assert "TARGETID 5 is in no object" in errors[0]
