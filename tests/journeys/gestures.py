"""What a hand does on the map, in plane units, and what the page says back."""

import re

import numpy as np

PLACE_JS = """(name) => {
  const model = Bokeh.documents[0].get_model_by_name(name);
  const view = Bokeh.index.find_one(model);
  const frame = view.frame.bbox, at = view.el.getBoundingClientRect();
  const {x_range: x, y_range: y} = model;
  return {left: at.left + frame.left, top: at.top + frame.top, width: frame.width,
          height: frame.height, x0: x.start, x1: x.end, y0: y.start, y1: y.end};
}"""
SOURCE_JS = """([name, column]) => {
  const model = Bokeh.documents[0].get_model_by_name(name);
  return Array.from(model.data[column]).length;
}"""


class Map:
    """One map on the page.

    Vertices given in plane units are rounded to whole pixels first; `lasso` returns the polygon as
    it was really drawn, so that it can be compared with brute force.
    """

    def __init__(self, page, name="map-umap"):
        self.page, self.name = page, name

    def place(self):
        return self.page.evaluate(PLACE_JS, self.name)

    def to_screen(self, points):
        at = self.place()
        x = (points[:, 0] - at["x0"]) / (at["x1"] - at["x0"]) * at["width"]
        y = (at["y1"] - points[:, 1]) / (at["y1"] - at["y0"]) * at["height"]
        return np.rint(np.stack([at["left"] + x, at["top"] + y], axis=1))

    def to_plane(self, screen):
        at = self.place()
        x = at["x0"] + (screen[:, 0] - at["left"]) / at["width"] * (at["x1"] - at["x0"])
        y = at["y1"] - (screen[:, 1] - at["top"]) / at["height"] * (at["y1"] - at["y0"])
        return np.stack([x, y], axis=1)

    def use(self, tool, which=0):
        icon = self.page.locator(f".bk-tool-icon-{tool}").nth(which)
        icon.click()

    def lasso(self, points):
        screen = self.to_screen(np.asarray(points, dtype=float))
        mouse = self.page.mouse
        mouse.move(*screen[0])
        mouse.down()
        for at in screen[1:]:
            mouse.move(*at)
        mouse.up()
        return self.to_plane(screen)


def inside(polygon, x, y):
    """Brute-force even-odd rule for every point, side by side."""
    found = np.zeros(len(x), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            found ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return found


def text_of(page, name):
    """Text of a pane by its class; panes keep theirs in a shadow root."""
    return page.locator(f".{name} > div").first.inner_text()


def counts(page):
    """Numbers of the bar over the maps: shown, of all, selected."""
    text = text_of(page, "counts")
    shown, total, selected = re.findall(r"[\d,]+(?= of)|(?<=of )[\d,]+|(?<=selection )[\d,]+", text)
    return tuple(int(number.replace(",", "")) for number in (shown, total, selected))


def wait_for_counts(page, expected, position):
    """Wait until one of the numbers is the expected one."""
    for _ in range(200):
        found = counts(page)
        if found[position] == expected:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"the page says {found}, expected {expected} at {position}")


def wait_for_other_counts(page, known, position):
    """Wait until one of the numbers is no longer the known one."""
    for _ in range(200):
        found = counts(page)
        if found[position] != known:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"the page still says {found}, expected another number at {position}")


def scores_shown(page):
    """Both scores of the spectrum viewer, as exact numbers."""
    page.wait_for_selector(".score-agreement .agree")
    return tuple(
        float(page.locator(f".score-{name} [data-value]").get_attribute("data-value"))
        for name in ("catalog", "recomputed")
    )
