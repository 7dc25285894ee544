"""A person narrows down by histogram and expression, saves an island, asks what it is like."""

import numpy as np
import pytest

from .conftest import served
from .gestures import Map, counts, wait_for_counts

FIGURE_JS = """(name) => {
  const model = Bokeh.documents[0].get_model_by_name(name);
  const frame = Bokeh.index.find_one(model).frame.bbox;
  const at = Bokeh.index.find_one(model).el.getBoundingClientRect();
  return [at.left + frame.left, at.top + frame.top, frame.width, frame.height];
}"""


@pytest.fixture(scope="module")
def address(demo):
    with served(demo) as url:
        yield url


@pytest.fixture
def facts(demo):
    """Catalog columns the journey is checked against, as arrays."""
    names = ("anomaly_score", "population", "z", "snr", "spectype")
    table = demo.table(*names)
    return {name: table[name].to_numpy() for name in table.column_names}


def open_page(page, address):
    page.goto(address)
    page.wait_for_selector(".object-table tbody tr")
    page.wait_for_function("() => Bokeh.documents[0]?.get_model_by_name('map-umap') != null")
    page.wait_for_timeout(1500)  # the frame is laid out and drawn at its real size


def drag(page, name, start, end):
    """Drag over a share of a histogram."""
    left, top, width, height = page.evaluate(FIGURE_JS, f"histogram-{name}")
    y = top + height / 2
    page.mouse.move(left + start * width, y)
    page.mouse.down()
    for share in np.linspace(start, end, 5):
        page.mouse.move(left + share * width, y)
    page.mouse.up()


def limits_shown(page, name):
    page.wait_for_selector(f".limits-{name} .limits:not(:empty)")
    return page.locator(f".limits-{name} .limits").inner_text()


@pytest.mark.browser
def test_a_person_narrows_down_saves_and_asks(page, address, facts):
    open_page(page, address)
    assert not page.locator(".note-panel summary").is_visible()  # nothing is in focus
    science = facts["population"] == "science"
    drag(page, "redshift", 0.1, 0.5)
    low, high = (float(text) for text in limits_shown(page, "redshift").split("–"))
    near = science & (facts["z"] >= np.float32(low)) & (facts["z"] <= np.float32(high))
    assert 0 < near.sum() < science.sum()
    wait_for_counts(page, int(near.sum()), 0)

    field = page.locator(".expression input.field")
    field.fill("snr >> 2")
    field.press("Enter")
    page.wait_for_selector(".expression .wrong")
    assert page.locator(".expression .caret pre").inner_text() == " " * 5 + "^"
    assert counts(page)[0] == near.sum()
    field.fill("snr > 5 and spectype == 'GALAXY'")
    field.press("Enter")
    matching = (facts["snr"] > 5) & (facts["spectype"] == "GALAXY")
    wait_for_counts(page, int((near & matching).sum()), 0)
    page.locator(".clear-redshift button").click()
    wait_for_counts(page, int((science & matching).sum()), 0)
    field.press("Escape")
    wait_for_counts(page, int(science.sum()), 0)
    n_saved = save_an_island(page, facts, science)
    find_what_it_is_like(page, int(science.sum()))
    ask_why_it_is_strange(page)
    press_through_a_redraw(page, n_saved)


def save_an_island(page, facts, science):
    umap = Map(page)
    umap.use("lasso-select")
    at = np.array([np.median(facts["umap_x"][science]), np.median(facts["umap_y"][science])])
    size = np.array([np.ptp(facts["umap_x"][science]), np.ptp(facts["umap_y"][science])]) / 6
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    umap.lasso(at + np.stack([np.cos(turn), np.sin(turn)], axis=1) * size)
    for _ in range(200):
        if counts(page)[2] > 0:
            break
        page.wait_for_timeout(50)
    n_selected = counts(page)[2]
    assert n_selected > 10
    page.locator(".saved input").fill("<b>blob</b>")
    page.locator(".saved button.save").click()
    chip = page.locator(".saved .chip .show")
    assert chip.inner_text() == f"<b>blob</b> · {n_selected:,}"
    chip.click()
    wait_for_counts(page, n_selected, 0)
    chip.click()
    wait_for_counts(page, int(science.sum()), 0)
    return n_selected


def find_what_it_is_like(page, n_science):
    n_selected = counts(page)[2]
    page.get_by_text("Contrast", exact=True).click()
    page.wait_for_selector(".contrast table")
    headline = page.locator(".contrast .headline").inner_text()
    n_rest = n_science - n_selected
    assert f"{n_selected:,} selected against the other {n_rest:,} science targets" in headline

    page.get_by_text("Table", exact=True).click()
    page.locator(".object-table tbody tr").first.click()
    page.keyboard.press("f")
    page.wait_for_selector(".similar-table tbody tr")
    caption = page.locator(".similar-table .caption").inner_text()
    assert caption.startswith(f"50 nearest of {n_science - 1:,} science targets")
    page.get_by_text("Select them").click()
    wait_for_counts(page, 50, 2)


CURVE_JS = """(name) => {
  const ys = Bokeh.documents[0].get_model_by_name(`${name}-source`)?.data.y ?? [];
  return Array.from(ys).filter(Number.isFinite);
}"""
X_RANGE_JS = """() => {
  const source = Bokeh.documents[0].get_model_by_name("what-if-source");
  const plots = [...Bokeh.documents[0]._all_models.values()].filter((model) =>
    model.renderers?.some?.((renderer) => renderer.data_source === source));
  return [plots[0].x_range.start, plots[0].x_range.end];
}"""


def ask_why_it_is_strange(page):
    """Every number of the note leads somewhere, and the latents can be moved."""
    page.wait_for_selector(".note-panel .twin:not([hidden])")
    note = page.locator(".note-panel .text")
    assert "a claim about the model" in note.inner_text()
    note.locator(".link", has_text="rank").click()
    page.wait_for_selector(".note-panel .meaning b")
    at = note.locator(".link[data-target^=wavelength]").first
    wavelength = float(at.get_attribute("data-target").split(":")[1])
    at.click()
    page.wait_for_function(f"() => ({X_RANGE_JS})()[1] < 9000")
    low, high = page.evaluate(X_RANGE_JS)
    assert low < wavelength < high

    page.locator(".note-panel .twin").click()
    page.wait_for_function(f"() => ({CURVE_JS})('twin').length > 0")
    page.get_by_text("What if", exact=True).click()
    page.wait_for_selector(".what-if .latent")
    assert page.locator(".what-if .latent").count() == 6
    page.locator(".what-if .latent input").first.press("End")
    page.wait_for_function(f"() => ({CURVE_JS})('what-if').length > 0")
    page.locator(".what-if .latent input").first.press("Home")
    page.locator(".what-if .reset").click()
    page.wait_for_function(f"() => ({CURVE_JS})('what-if').length === 0")
    way = page.locator(".what-if .way input")
    way.press("End")
    page.wait_for_function(f"() => ({CURVE_JS})('what-if').length > 0")
    page.wait_for_function(
        f"() => JSON.stringify(({CURVE_JS})('what-if')) === JSON.stringify(({CURVE_JS})('twin'))"
    )


def press_through_a_redraw(page, n_saved):
    """A click counts although the chips are drawn anew between press and release."""
    page.locator(".saved .chip .show").hover()
    page.mouse.down()
    page.keyboard.press("Escape")
    wait_for_counts(page, 0, 2)
    page.wait_for_selector(".saved button.save:disabled")
    page.mouse.up()
    wait_for_counts(page, n_saved, 0)
