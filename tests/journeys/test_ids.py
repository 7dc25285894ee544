"""Ids near 2⁶² survive file → catalog → store → browser → export, digit by digit."""

import numpy as np
import pyarrow.csv as pc
import pytest
from astropy.table import Table

from tests.engine.survey_files import make_coadd

from .conftest import Survey, run_command, served

FIRST_ID = 2**62 - 7


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> Survey:
    root = tmp_path_factory.mktemp("ids")
    parts = make_coadd(np.random.default_rng(1), n=24, first_id=FIRST_ID)
    parts.write(root / "spectra" / "healpix/main/dark/90/9000/coadd-main-dark-9000.fits")
    run_command("scan", root / "spectra", "--out", root / "catalog")
    run_command("embed", root / "catalog")
    run_command("build", root / "catalog", root / "store")
    return Survey(root / "spectra", root / "catalog", root / "store")


def read_fits(path):
    # DESI's unit nanomaggy is no FITS standard; astropy warns of it unless told not to.
    return Table.read(path, unit_parse_strict="silent")


def written_ids():
    return [FIRST_ID + i for i in range(24)]


@pytest.fixture(scope="module")
def address(survey):
    # Longer than a page: one that is still open says in its console that the server is gone.
    with served(survey) as url:
        yield url


def test_files_catalog_and_exports_hold_them_exactly(survey, tmp_path):
    assert sorted(survey.table("targetid")["targetid"].to_pylist()) == written_ids()
    for ending in ("csv", "fits"):
        out = tmp_path / f"ids.{ending}"
        run_command("export", survey.store, out)
        found = pc.read_csv(out) if ending == "csv" else read_fits(out)
        ids = found["targetid"].to_pylist() if ending == "csv" else found["targetid"].tolist()
        assert sorted(ids) == written_ids()


@pytest.mark.browser
def test_the_browser_shows_them_exactly(page, address):
    page.goto(address)
    page.wait_for_selector(".object-table tbody tr")
    page.locator(".filter-population label", has_text="All populations").click()
    page.wait_for_selector(".object-table tbody tr:nth-child(24)")
    cells = page.locator(".object-table td[data-column=target_id]")
    assert sorted(int(text) for text in cells.all_inner_texts()) == written_ids()
    wanted = str(FIRST_ID + 11)
    page.locator(".search input").fill(wanted)
    page.locator(".search input").press("Enter")
    page.wait_for_selector(f".spectrum-title div:has-text('{wanted}')")
    page.wait_for_selector(f".object-facts div:has-text('{wanted}')")
