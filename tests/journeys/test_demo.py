"""A person with the demo: filter, lasso an island, open a spectrum, compare the scores."""

import json

import numpy as np
import pytest

from .conftest import run_command, served
from .gestures import SOURCE_JS, Map, counts, inside, scores_shown, text_of, wait_for_counts


@pytest.fixture(scope="module")
def address(demo):
    with served(demo) as url:
        yield url


@pytest.fixture
def facts(demo):
    """Catalog columns the journey is checked against, as arrays."""
    names = ("targetid", "anomaly_score", "worst_band", "population", "coverage", "z", "rB",
             "median_coadd_snr_r", "spectype")  # fmt: skip
    table = demo.table(*names)
    return {name: table[name].to_numpy() for name in table.column_names}


def open_page(page, address):
    page.goto(address)
    page.wait_for_selector(".object-table tbody tr")
    page.wait_for_function("() => Bokeh.documents[0]?.get_model_by_name('map-umap') != null")
    page.wait_for_timeout(1500)  # the frame is laid out and drawn at its real size


def choose(page, group, label):
    page.locator(f".filter-{group} label", has_text=label).first.click()


def test_the_demo_is_large_enough_and_says_simulated(demo):
    info = json.loads(run_command("info", demo.store, "--json"))
    assert info["objects"] >= 5000
    assert info["simulated"] == {"generator_version": 2, "seed": 1}
    table = demo.table("injected_type", "population")
    injected = [bool(v) for v in table["injected_type"].to_pylist()]
    assert sum(injected) >= 0.02 * len(injected)
    assert len(set(table["injected_type"].to_pylist()) - {""}) >= 8
    assert info["science_targets"] == table["population"].to_pylist().count("science")


@pytest.mark.browser
def test_filter_by_tier_and_arm(page, address, facts):
    open_page(page, address)
    veil = page.evaluate("() => getComputedStyle(document.getElementById('loader')).pointerEvents")
    assert veil == "none"  # a click on the first picture must not be lost
    page.keyboard.press("?")
    page.wait_for_selector(".keys[open] .menu:has-text('next object of the table')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".keys:not([open])")
    page.keyboard.press("?")
    page.wait_for_selector(".keys[open]")
    page.keyboard.press("?")
    page.wait_for_selector(".keys:not([open])")
    assert "simulated" in text_of(page, "catalog")
    science = facts["population"] == "science"
    score = facts["anomaly_score"]
    assert counts(page)[:2] == (science.sum(), len(science))
    ranked = science & (facts["coverage"] >= 0.9)
    top = {}
    for name, label, share in (("top_10", "Top 10 %", 0.1), ("top_1", "Top 1 %", 0.01)):
        n_top = int(np.ceil(share * ranked.sum()))
        assert n_top >= 50
        choose(page, "tier", label)
        wait_for_counts(page, n_top, 0)
        top[name] = ranked & (score >= np.sort(score[ranked])[-n_top])
    choose(page, "tier", "Top 10 %")
    for arm in ("B", "R", "Z"):
        page.locator(".filter-band button", has_text=arm).click()
        expected = int((top["top_10"] & (facts["worst_band"] == arm)).sum())
        assert expected > 0
        wait_for_counts(page, expected, 0)
        page.locator(".filter-band button", has_text=arm).click()
    choose(page, "tier", "Every score")
    choose(page, "population", "All populations")
    wait_for_counts(page, len(science), 0)
    published = {"Mildly unusual": (5, 7), "Moderately unusual": (7, 10)}
    for label, (low, high) in published.items():
        is_in_tier = (score >= low) & (score < high) & (facts["coverage"] >= 0.9)
        assert is_in_tier.sum() >= 50
        choose(page, "tier", label)
        wait_for_counts(page, int(is_in_tier.sum()), 0)


@pytest.mark.browser
def test_lasso_an_island_and_open_a_spectrum(page, address, facts):
    open_page(page, address)
    science = facts["population"] == "science"
    x, y = facts["umap_x"], facts["umap_y"]
    island = science & (facts["cluster"] == np.bincount(facts["cluster"][science & (
        facts["cluster"] >= 0)]).argmax())  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = 1.2 * np.array([np.ptp(np.quantile(v[island], (0.1, 0.9))) / 2 for v in (x, y)])
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius
    umap = Map(page)
    umap.use("lasso-select")
    centre = np.array([np.median(x[island]), np.median(y[island])])
    polygon = umap.lasso(ring + centre)
    expected = inside(polygon, x.astype(float), y.astype(float)) & science
    assert expected.sum() > 50
    wait_for_counts(page, int(expected.sum()), 2)

    first = page.locator(".object-table tbody tr").first
    target_id = first.locator("td[data-column=target_id]").inner_text()
    best = np.flatnonzero(expected)[np.nanargmax(facts["sigma_astro"][expected])]
    assert target_id == str(facts["targetid"][best])
    first.click()
    catalog, recomputed = scores_shown(page)
    assert catalog == pytest.approx(float(facts["anomaly_score"][best]), rel=1e-7)
    assert recomputed == pytest.approx(catalog, rel=1e-5)
    assert page.evaluate(SOURCE_JS, ["reconstruction-source", "x"]) >= 2 * 496
    assert "simulated" in text_of(page, "spectrum-title")

    page.get_by_text("Stack of the selection").click()
    page.wait_for_selector(".stack-title b, .stack-title span")
    page.wait_for_timeout(1000)  # a gesture during a redraw loses mouse moves to the browser
    page.locator("button:has-text('remove')").click()
    umap.lasso(ring + centre)
    wait_for_counts(page, 0, 2)


@pytest.mark.browser
def test_headers_sort_by_their_own_column_and_rank_stays(page, address, facts):
    open_page(page, address)
    rows = page.locator(".object-table tbody tr")
    science = facts["population"] == "science"
    ranks = {}
    for column, name in (
        ("redshift", "z"),
        ("arm_residual_b", "rB"),
        ("score_mse", "anomaly_score"),
    ):
        for is_descending in (True, False):
            page.locator(f".object-table th button[data-column={column}]").click()
            mark = "descending" if is_descending else "ascending"
            page.wait_for_selector(f".object-table th[aria-sort={mark}] [data-column={column}]")
            values = facts[name][science]
            extreme = np.nanmax(values) if is_descending else np.nanmin(values)
            shown = rows.first.locator(f"td[data-column={column}]").inner_text()
            assert float(shown) == pytest.approx(float(extreme), rel=1e-3, abs=1e-4)
            for row in rows.all()[:8]:
                target = row.locator("td[data-column=target_id]").inner_text()
                rank = row.locator("td[data-column=score_rank]").inner_text()
                assert ranks.setdefault(target, rank) == rank


@pytest.mark.browser
def test_search_finds_an_id_and_says_when_there_is_none(page, address, facts):
    open_page(page, address)
    wanted = str(facts["targetid"][7])
    field = page.locator(".search input")
    field.fill(wanted)
    field.press("Enter")
    page.wait_for_selector(f".spectrum-title div:has-text('{wanted}')")
    field.fill("12345")
    field.press("Enter")
    page.wait_for_selector(".spectrum-message div:has-text('12345 is in no object')")
