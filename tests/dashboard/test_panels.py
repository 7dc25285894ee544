"""Counts of the filters, trust of the map, contrast and similar objects, against brute force."""

from dataclasses import replace

import numpy as np
import pytest

from anomaly_explorer.dashboard.detail import Detail
from anomaly_explorer.dashboard.drawer import Drawer
from anomaly_explorer.dashboard.explainer import Explainer
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.session import UNCLASSIFIED, Session, class_filter
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.dashboard.sidebar import Sidebar
from anomaly_explorer.dashboard.state import ALL, ExplorerState
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.brush import describe_trust
from anomaly_explorer.dashboard.views.contrast import ON_THE_MAP, draw_contrast
from anomaly_explorer.dashboard.views.facts import FactsView
from anomaly_explorer.dashboard.views.filters import Counts, class_options, present_arms
from anomaly_explorer.dashboard.views.spectrum import SpectrumView
from anomaly_explorer.dashboard.views.stack import StackView
from anomaly_explorer.dashboard.views.table import TableView
from anomaly_explorer.engine.catalog.filters import AllOf, OneOf, Tier
from anomaly_explorer.engine.catalog.latents import Latents, write_latents
from anomaly_explorer.engine.contrast.contrast import Sides, contrast
from anomaly_explorer.engine.plane.mask import Mask

BROKEN = 3


@pytest.fixture
def session(random_store):
    return Session(random_store, ExplorerState())


@pytest.fixture
def live(random_store, loop):
    live = LiveInspector(random_store, Settings(random_store.path))
    yield live
    live.close()


@pytest.fixture
def drawer(session, live):
    stack = StackView()
    spectrum = SpectrumView()
    detail = Detail(session, live, (spectrum, FactsView(), stack))
    explainer = Explainer(session, live, spectrum)
    return Drawer(session, live, detail, (TableView(session), stack, explainer))


@pytest.fixture
def latents(random_store, tmp_path, monkeypatch):
    """Latents that nearly all objects have, (N, 128); the random store's have holes everywhere."""
    n = random_store.n_objects
    values = np.random.default_rng(5).normal(size=(n, 128)).astype(np.float16)
    values[BROKEN] = np.nan
    path = tmp_path / "latents.f16"
    write_latents(path, n, lambda latent: values[:, latent].astype(np.float32))
    monkeypatch.setattr(random_store, "_latents", Latents(path, n))
    return values.astype(np.float64)


def pick(session, n):
    rows = session.mask.rows()[:n]
    session.state.selection = Mask.of_rows(rows, session.store.n_objects)


@pytest.mark.parametrize("population", ["science", "gated", "unknown", ALL])
def test_labels_count_what_the_masks_count(session, population):
    session.state.population = population
    counts, store = Counts(session.store, population), session.store
    assert counts.n_objects == session.count_of(AllOf())
    for tier in store.manifest.tiers:
        assert counts.of_tier(tier) == session.count_of(Tier(tier))
    for arm in present_arms(store):
        assert counts.of_arm(arm) == session.count_of(OneOf("worst_arm", (arm,)))
    for name in class_options(store).values():
        assert counts.of_class(name) == session.count_of(class_filter(store, (name,)))
    assert UNCLASSIFIED in class_options(store).values()


def test_a_population_that_nobody_has_counts_nothing(random_store):
    assert Counts(random_store, "nobody").n_objects == 0


def test_trust_is_said_with_what_it_was_measured_on():
    facts = {"trustworthiness": 0.8612, "neighbor_preservation": 0.2, "checked_on": '2000 "<x>"'}
    chip = describe_trust(facts)
    assert "map trust 0.86" in chip
    assert "2000 &quot;&lt;x&gt;" in chip
    assert describe_trust({}) == describe_trust({"trustworthiness": None}) == ""


def test_nothing_is_computed_for_a_tab_that_is_not_open(drawer, session):
    pick(session, 40)
    session.state.focus = 3
    assert drawer.contrast._compared is None
    assert drawer.similar._asked is None
    assert not drawer.detail.is_stack_visible


def test_the_contrast_follows_the_selection_while_its_tab_is_open(drawer, session, loop):
    pick(session, 40)
    assert not drawer.tabs[1].objects  # what nobody has opened is not on the page
    drawer.tabs.active = 1
    assert drawer.tabs[1].objects
    loop.until(lambda: not drawer.contrast._errand.is_running)
    html = drawer.contrast._pane.object
    assert f"40 selected against the other {session.n_shown - 40:,} science targets" in html
    assert "every object counted" in html
    assert "umap_x" not in html
    session.state.tier = "top_10"
    loop.until(lambda: not drawer.contrast._errand.is_running)
    assert "science targets shown" in drawer.contrast._pane.object
    session.state.clear_selection()
    assert drawer.contrast._pane.object == ""
    assert "Select objects" in drawer.contrast._status.object
    session.state.selection = session.mask
    assert "Everything shown is selected" in drawer.contrast._status.object


def test_strengths_of_a_sample_have_their_error_and_what_is_within_it_is_left_out(random_store):
    n = random_store.n_objects
    sides = Sides(Mask.of_rows(np.arange(300), n), Mask.all(n), "objects")
    exact = contrast(random_store, sides)
    first, second = [c for c in exact.columns if c.name not in ON_THE_MAP][:2]
    errors = {first.name: 0.0012, second.name: second.difference.excess}
    columns = [
        replace(c, difference=replace(c.difference, error=errors[c.name])) for c in (first, second)
    ]
    html = draw_contrast(replace(exact, n_rest_counted=50, columns=columns), random_store)
    assert f"sample: 50 of {n - 300:,} others drawn" in html
    assert f"{first.difference.strength:.2f} ± 0.01<" in html
    assert f">{second.name}<" not in html
    assert " ± " not in draw_contrast(exact, random_store)


def test_similar_objects_are_those_of_brute_force(drawer, session, latents, loop):
    row = int(session.mask.rows()[5])
    session.state.focus = row
    drawer.show_similar()
    assert drawer.tabs.active == 2
    distances = np.sqrt(((latents - latents[row]) ** 2).sum(axis=1))
    distances[[row, BROKEN]] = np.inf
    everything = Mask.all(len(latents))
    for among, searched in (("shown", session.mask), ("all", everything)):
        drawer.similar._among.value = among
        loop.until(lambda: not drawer.similar._errand.is_running)
        expected = np.sort(np.where(searched.bools(), distances, np.inf))[:50]
        found = [line["row"] for line in drawer.similar.grid.records]
        assert searched.has(np.array(found)).all()
        np.testing.assert_allclose(distances[found], expected, rtol=1e-5)
    n_others = len(latents) - 1
    caption = drawer.similar.grid.caption
    assert f"50 nearest of {n_others:,} objects of all populations in 128 latents" in caption


@pytest.mark.usefixtures("latents")
def test_the_list_stays_while_a_person_goes_through_it(drawer, session, loop):
    session.state.focus = int(session.mask.rows()[0])
    drawer.show_similar()
    similar = drawer.similar
    loop.until(lambda: not similar._errand.is_running)
    first = [line["row"] for line in similar.grid.records]
    similar._on_message({"type": "focus", "row": first[3]})
    assert session.state.focus == similar.grid.focus == first[3]
    assert [line["row"] for line in similar.grid.records] == first
    similar._on_message({"type": "sort", "column": "snr"})
    names = [c["name"] for c in similar.grid.columns]
    shown = [line["cells"][names.index("snr")] for line in similar.grid.records]
    known = [float(text) for text in shown if text]
    assert known == sorted(known)
    assert not any(shown[len(known) :])
    similar._on_message({"type": "focus", "row": -5})
    assert session.state.focus == first[3]
    similar._select_them()
    assert session.state.selection.rows().tolist() == sorted(first)


def test_without_focus_similar_says_how_to_get_one(drawer):
    drawer.show_similar()
    assert "press f" in drawer.similar.grid.caption


@pytest.mark.usefixtures("latents")
def test_an_object_without_latents_is_a_sentence(drawer, session, loop):
    session.state.focus = BROKEN
    drawer.show_similar()
    loop.until(lambda: not drawer.similar._errand.is_running)
    assert "has no latents" in drawer.similar.grid.caption


def test_the_sidebar_follows_what_other_views_change(session):
    sidebar = Sidebar(session, DARK)
    session.state.expression = "snr > 1"
    assert sidebar.expression.box.text == "snr > 1"
    session.state.limit("snr", 2.0, None)
    assert "≥ 2" in sidebar.histograms._heads["snr"].object
    pick(session, 9)
    assert sidebar.saved.chips.n_selected == session.n_selected
    sidebar.repaint(LIGHT)
    session.state.reset_filters()
    assert (session.state.expression, session.state.ranges) == ("", ())
    assert sidebar.expression.box.text == ""
    sidebar.close()
