"""A page whose process dies comes back in another one, with its filters, selection and undo."""

import os
import re
import signal

import numpy as np
import pytest

from tests.dashboard.visitor import serving

from .gestures import Map, counts, wait_for_counts, wait_for_other_counts


def menu(page, which):
    page.locator(".export summary").click()
    return page.locator(f".export .what[data-name={which}] + div")


@pytest.mark.browser
def test_a_lost_process_is_not_missed(demo, browser, tmp_path):
    # The browser itself calls a lost socket an error, so the strict page of the others will not do.
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(60_000)
    arguments = ("--spectra", demo.spectra, "--processes", "2")
    with serving(demo.store, *arguments, folder=tmp_path) as (_, address):
        page.goto(address)
        page.wait_for_selector(".object-table tbody tr")
        page.wait_for_function("() => Bokeh.documents[0]?.get_model_by_name('map-umap') != null")
        page.wait_for_timeout(1500)
        assert "Nothing is selected" in menu(page, "selection").inner_text()
        page.locator(".export summary").click()
        n_shown = counts(page)[0]
        page.locator(".filter-tier label", has_text="Top 10 %").first.click()
        # Panel waits 50 ms for more clicks: a lasso drawn at once would be the older change.
        wait_for_other_counts(page, n_shown, 0)
        drawn = Map(page)
        drawn.use("lasso-select")
        at = drawn.place()
        x, y = (np.interp([0.05, 0.95], [0, 1], [at[f"{a}0"], at[f"{a}1"]]) for a in "xy")
        drawn.lasso([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])])
        before = settled(page)
        assert before[2] > 0
        born = page.evaluate("() => performance.timeOrigin")
        os.kill(process_of(page), signal.SIGKILL)
        page.wait_for_function("(born) => performance.timeOrigin > born", arg=born)
        page.wait_for_selector(".object-table tbody tr")
        assert settled(page) == before
        assert "bokeh-session-id" not in page.url
        with page.expect_download() as download:
            menu(page, "selection").get_by_text("CSV", exact=True).click()
        download.value.save_as(tmp_path / "selection.csv")
        assert re.fullmatch(
            rf"store-selection-{before[2]}-objects.csv", download.value.suggested_filename
        )
        assert len((tmp_path / "selection.csv").read_text().splitlines()) == before[2] + 1
        page.keyboard.press("Control+z")
        wait_for_counts(page, 0, 2)


def settled(page):
    """Return the counts of the page when they no longer change."""
    last = None
    while (found := counts(page)) != last:
        last = found
        page.wait_for_timeout(1500)
    return found


def process_of(page):
    """Return the process that has the socket of a page."""
    return page.evaluate(
        "() => [...Bokeh.documents[0]._all_models.values()]"
        ".find((model) => model.data?.process).data.process"
    )
