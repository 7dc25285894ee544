"""The whole path on real spectra: scan, embed, build, serve, lasso, reconstruct."""

import json

import numpy as np
import pytest

from .conftest import Survey, run_command, served
from .gestures import Map, scores_shown, wait_for_counts

FOLDERS = ("desi-coadds", "sdss-boss", "sdss-sky", "lamost")


@pytest.fixture(scope="module")
def survey(real_data, tmp_path_factory) -> Survey:
    root = tmp_path_factory.mktemp("real")
    catalog, store = root / "catalog", root / "store"
    run_command("scan", *(real_data / name for name in FOLDERS), "--out", catalog)
    run_command("embed", catalog)
    run_command("build", catalog, store)
    return Survey(real_data, catalog, store)


@pytest.fixture(scope="module")
def address(survey):
    # Longer than a page: one that is still open says in its console that the server is gone.
    with served(survey) as url:
        yield url


def test_info_counts_every_population_and_every_skipped_file(survey):
    info = json.loads(run_command("info", survey.store, "--json"))
    assert info["objects"] == 477
    assert info["surveys"] == {"DESI": 29, "LAMOST": 224, "SDSS": 224}
    assert info["simulated"] is None
    populations = survey.table("population")["population"].to_pylist()
    # The gate and the files decide these; whoever changes either says why the numbers change.
    assert info["science_targets"] == populations.count("science") == 160
    assert info["gated"] == populations.count("gated") == 58
    assert info["unknown"] == populations.count("unknown") == 259
    assert info["population"] == "science"


@pytest.mark.browser
def test_real_objects_are_lassoed_and_reconstructed(survey, page, address):
    table = survey.table("population", "targetid", "anomaly_score")
    facts = {name: table[name].to_numpy() for name in table.column_names}
    page.goto(address)
    page.wait_for_selector(".object-table tbody tr")
    page.wait_for_timeout(2000)
    assert page.locator(".catalog .chip.simulated").count() == 0
    page.locator(".filter-population label", has_text="All populations").click()
    wait_for_counts(page, 477, 0)
    umap = Map(page)
    at = umap.place()
    umap.use("lasso-select")
    corners = np.array([[at["x0"], at["y0"]], [at["x1"], at["y0"]],
                        [at["x1"], at["y1"]], [at["x0"], at["y1"]]])  # fmt: skip
    centre = corners.mean(axis=0)
    umap.lasso(centre + 0.98 * (corners - centre))
    wait_for_counts(page, 477, 2)
    for position in range(6):
        row = page.locator(".object-table tbody tr").nth(position)
        target = row.locator("td[data-column=target_id]").inner_text()
        row.click()
        page.wait_for_selector(f".spectrum-title div:has-text('{target}')")
        catalog, recomputed = scores_shown(page)
        assert recomputed == pytest.approx(catalog, rel=1e-5)
        stored = facts["anomaly_score"][facts["targetid"] == int(target)]
        assert any(catalog == pytest.approx(float(s), rel=1e-7) for s in stored)
    page.get_by_text("Stack of the selection").click()
    page.wait_for_selector(".stack-title div:has-text('477 of 477')", timeout=120_000)
