"""The calibrated score on the page: its health, its tiers, and what the card says of an object."""

import copy
import json
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.dashboard.coloring import columns_for
from anomaly_explorer.dashboard.grid import shown_columns
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.sigmas import sigma_rows, winner_words
from anomaly_explorer.dashboard.state import ExplorerState
from anomaly_explorer.dashboard.views.facts import draw_facts
from anomaly_explorer.dashboard.views.filters import FiltersView, no_gold_html, offered_tiers
from anomaly_explorer.dashboard.views.header import describe_catalog
from anomaly_explorer.dashboard.views.histograms import HistogramsView
from anomaly_explorer.dashboard.views.trust import TrustView, draw_health
from anomaly_explorer.engine.calibration.health import judge
from anomaly_explorer.engine.calibration.run import calibrate_catalog
from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.catalog.store import info
from anomaly_explorer.engine.scoring.tiers import EARNS_GOLD, TIERS
from tests.engine.catalog_maker import place_randomly
from tests.engine.measured_maker import make_columns, write_catalog

FACTS = {
    "sigma_astro": 4.25, "sigma_instrument": 0.5, "sigma_all": 3.9, "p_astro": 1.1e-5,
    "winning_statistic": "width_4", "is_extrapolated": True, "bump_wavelength": 6562.93,
    "bump_width": 4.0, "snr_bin": 3.2, "noise_scale_b": 1.02, "noise_scale_r": 0.98,
    "noise_scale_z": float("nan"), "is_measurer_member": False, "target_id": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store of a catalog with statistics, calibrated."""
    catalog = write_catalog(tmp_path_factory.mktemp("c") / "catalog", make_columns(5000), [5000])
    calibrate_catalog(catalog)
    place_randomly(catalog)
    return build_store(catalog, catalog.parent / "store")


def words(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_the_card_says_how_odd_by_what_and_how_sure():
    told = {label: words(value) for label, value in sigma_rows(FACTS)}
    assert told["sigma_astro"] == "4.25 σ extrapolated"
    assert told["p"] == "1.1e-05"
    assert told["odd by"] == "bump or dip at 6562.9 Å, σ 4 bins (width_4)"
    assert (told["instrument"], told["all"]) == ("0.50 σ", "3.90 σ")
    assert told["sigma rank"] == "not ranked"
    more = {"sigma_rank": 1204, "winning_instrument_statistic": "sky"}
    told |= {label: words(value) for label, value in sigma_rows(FACTS | more)}
    assert told["sigma rank"] == "1,204 of its population"
    assert told["instrument"] == "0.50 σ by residuals of the night sky (sky)"
    assert told["noise B R Z"] == "1.02 0.98 –"
    assert "in training" not in told
    assert "too small" in dict(sigma_rows(FACTS | {"is_measurer_member": True}))["in training"]
    assert "Calibrated score" in words(draw_facts(FACTS))
    for nothing in (None, float("nan")):
        (only,) = sigma_rows(FACTS | {"sigma_astro": nothing})
        assert "what was calibrated" in only[1]


def test_other_winners_are_words_and_texts_are_escaped():
    assert winner_words({"winning_statistic": "misfit"}) == "the whole spectrum is off (misfit)"
    assert "one bin" in winner_words(FACTS | {"winning_statistic": "width_0", "bump_width": 0.0})
    assert "<img" not in draw_facts(FACTS | {"winning_statistic": "<img src=x>"})


def test_the_page_offers_what_the_store_has_earned(store, random_store):
    names = [tier.name for tier in offered_tiers(store)]
    assert names == [tier.name for tier in TIERS if tier.name != "gold_sigma"]
    assert "10,000,000 normals to compare an object with" in no_gold_html(store)
    assert not any(tier.is_calibrated for tier in offered_tiers(random_store))
    assert words(no_gold_html(random_store)) == ""
    view = FiltersView(Session(store, ExplorerState()))
    counted = {name: label for label, name in view._tier.options.items()}
    n_top = info(store)["tiers"]["sigma_top_1"]
    assert counted["sigma_top_1"] == f"Sigma top 1 % · {n_top:,}"


def test_a_calibration_of_ten_millions_offers_gold(store):
    said = copy.deepcopy(store.manifest.calibration)
    for survey in said["surveys"].values():
        survey["least_fitted"] = EARNS_GOLD
    rich = SimpleNamespace(manifest=replace(store.manifest, calibration=said))
    assert offered_tiers(rich)[-1].name == "gold_sigma"
    assert words(no_gold_html(rich)) == ""
    assert "Gold (sigma) needs" not in draw_health(said)


def test_a_tier_of_sigma_filters_to_the_largest(store):
    session = Session(store, ExplorerState())
    session.state.tier = "sigma_top_10"
    rows = session.mask.rows()
    sigma = store.column("sigma_astro")
    assert len(rows) == info(store)["tiers"]["sigma_top_10"] > 0
    science = store.column("population") == store.legend("population").index("science")
    others = np.setdiff1d(np.flatnonzero(science & (store.column("coverage") >= 0.9)), rows)
    assert sigma[rows].min() >= np.nanmax(sigma[others])


def test_the_page_is_led_by_sigma_where_there_is_one(store, random_store):
    session = Session(store, ExplorerState())
    assert session.state.sort_by == "sigma_astro"
    sigma = store.column("sigma_astro")
    first = [record["row"] for record in session.page()[0]]
    science = store.column("population") == store.legend("population").index("science")
    shown = np.where(science & np.isfinite(sigma), sigma, -np.inf)
    np.testing.assert_array_equal(sigma[first], np.sort(shown)[: -len(first) - 1 : -1])
    marked = session.frames.mask(*session.clauses, session.frames.marked).rows()
    ranked = science & np.isfinite(sigma) & (store.column("coverage") >= 0.9)
    assert len(marked) == session.frames.n_marked > 0
    assert sigma[marked].min() >= np.delete(np.where(ranked, sigma, -np.inf), marked).max()
    assert set(store.column("sigma_rank")[marked]) == set(range(1, len(marked) + 1))
    assert Session(random_store, ExplorerState()).state.sort_by == "score_mse"


def test_histogram_colors_and_table_know_sigma_where_there_is_one(store, random_store):
    with_sigma, without = (Session(each, ExplorerState()) for each in (store, random_store))
    assert "sigma_astro" in HistogramsView(with_sigma).bars
    assert "sigma_astro" not in HistogramsView(without).bars
    assert columns_for(store, "mean")[1] == "sigma_astro"
    assert "sigma_astro" not in columns_for(random_store, "mean")
    assert {"sigma_astro", "winning_statistic"} <= set(shown_columns(store))
    assert not {"sigma_astro", "winning_statistic"} & set(shown_columns(random_store))


def test_what_the_gate_holds_back_is_in_no_tier_until_it_is_asked_for(store):
    population = np.array(store.legend("population"))[store.column("population")]
    assert (population == "gated").any()
    coverage = store.column("coverage")
    for tier in store.manifest.tiers:
        state = ExplorerState()
        session = Session(store, state)
        state.tier = tier
        rows = session.mask.rows()
        assert len(rows) == info(store)["tiers"][tier]
        assert (population[rows] == "science").all()
        assert (coverage[rows] >= 0.9).all()


def test_a_calibration_that_gave_nobody_a_sigma_offers_nothing_of_it(store):
    calibration = {**store.manifest.calibration, "n_scored": 0}
    none = session_of(store, calibration).store
    none.column_names = store.column_names
    assert not any(tier.is_calibrated for tier in offered_tiers(none))
    assert not {"sigma_rank", "sigma_astro", "winning_statistic"} & set(shown_columns(none))
    assert "Gold" not in no_gold_html(none)
    assert none.manifest.leading_score == "score_mse"


def session_of(store, calibration):
    """What the header asks of a session, with another calibration."""
    manifest = replace(store.manifest, calibration=calibration)
    return SimpleNamespace(store=SimpleNamespace(manifest=manifest, legend=store.legend))


def test_the_health_card_is_green_with_figures_and_red_with_words(store):
    said = store.manifest.calibration
    html = draw_health(said)
    assert "Healthy: sigmas mean what they say" in html
    assert html.count('<div class="bar"') == 10
    assert "class STAR cannot" in html or "STAR has no sigma" in html
    assert "Gold (sigma) needs" in html
    drifted = json.loads(json.dumps(said))
    rng = np.random.default_rng(1)
    n = 2000
    drifted["surveys"]["DESI"]["health"] = judge(
        rng.normal(size=n), np.where(rng.random(n) < 0.2, 1e-3, 0.5), np.full(n, "GALAXY"),
        rng.lognormal(size=n), {"sky fibers": 1.44 * np.ones((99, 3))},
    )  # fmt: skip
    html = draw_health(drifted)
    assert "Not healthy: do not trust these sigmas" in html
    assert "Out of limits: noise over what ivar says (variance), b arm: 1.44" in html
    assert html.count('<div class="bar red"') == 10
    chips = [describe_catalog(session_of(store, each)) for each in (said, drifted, {})]
    assert ["sigma not healthy" in chip for chip in chips] == [False, True, False]
    assert 'title="not healthy: DESI; ' in chips[1]
    assert "no calibrated score" in draw_health({})
    assert TrustView({})._pane.object == draw_health({})


def test_texts_of_a_catalog_are_escaped_in_the_card(store):
    said = json.loads(json.dumps(store.manifest.calibration))
    said["surveys"]["<img src=x>"] = said["surveys"].pop("DESI")
    assert "<img" not in draw_health(said)


def test_scores_and_batches_have_as_many_rows(store):
    catalog = store.path.parent / "catalog"
    scores = pq.read_metadata(catalog / "calibration" / "scores.parquet")
    assert scores.num_rows == store.n_objects
