"""A page in Chromium: what arrives after a gesture, when it is painted, and how many bytes."""

import base64
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
WATCH_JS = (Path(__file__).parent / "watch.js").read_text(encoding="utf-8")
SCREEN = {"width": 1680, "height": 1050}
FIRST_PICTURE_JS = """() => {
  if (!window.Bokeh || !Bokeh.documents.length) return false;
  for (const model of Bokeh.documents[0]._all_models.values())
    if (model.type === "GlyphRenderer" && /^Image/.test(model.glyph.type)) {
      const view = Bokeh.index.find_one(model);
      if (view && view.has_finished() && model.data_source.get_column("image")?.length) return true;
    }
  return false;
}"""
PLACE_JS = """(name) => {
  const wanted = (m) => m.type === "Figure" && (name ? m.name === name
    : m.renderers.some((r) => /^Image/.test(r.glyph?.type ?? "")));
  const model = Array.from(Bokeh.documents[0]._all_models.values()).find(wanted);
  const view = Bokeh.index.find_one(model);
  const frame = view.frame.bbox, at = view.el.getBoundingClientRect();
  const {x_range: x, y_range: y} = model;
  return {left: at.left + frame.left, top: at.top + frame.top, width: frame.width,
          height: frame.height, x0: x.start, x1: x.end, y0: y.start, y1: y.end};
}"""
TOOL_JS = """([name, type]) => {
  const wanted = (m) => m.type === "Figure" && (name ? m.name === name
    : m.renderers.some((r) => /^Image/.test(r.glyph?.type ?? "")));
  const model = Array.from(Bokeh.documents[0]._all_models.values()).find(wanted);
  const all = model.toolbar.tools.flatMap((tool) => tool.tools ?? [tool]);
  const tool = all.find((tool) => tool.type === type);
  if (tool) tool.active = true;
  return !!tool;
}"""


@dataclass(frozen=True)
class Answer:
    """What a gesture brought.

    Parameters
    ----------
    ms : dict of str to float
        Milliseconds from the input to the first paint of each kind of thing.
    last_ms : float
        Milliseconds to the last paint of anything.
    n_bytes : int
        Bytes received over the WebSocket, before compression.
    n_deflated : int
        The same, each message deflated at level 1.
    """

    ms: dict[str, float]
    last_ms: float
    n_bytes: int
    n_deflated: int

    def until(self, *kinds: str) -> float | None:
        """Return the milliseconds until all of some kinds were there; None when one was not."""
        found = [self.first(kind) for kind in kinds]
        return None if None in found else max(found)

    def first(self, kind: str) -> float | None:
        """Return the milliseconds until a kind, by how its name begins."""
        return min((ms for name, ms in self.ms.items() if name.startswith(kind)), default=None)


@dataclass(eq=False)
class Tab:
    """One open page and what it received.

    Parameters
    ----------
    page : playwright.sync_api.Page
    """

    page: Any
    messages: list[bytes] = field(default_factory=list)
    first_picture_ms: float = 0.0

    def open(self, address: str) -> None:
        """Go to an address, wait for the first picture and begin to watch."""
        began = time.perf_counter()
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_function(FIRST_PICTURE_JS, polling=20, timeout=120_000)
        self.first_picture_ms = (time.perf_counter() - began) * 1e3
        self.settle(1.5)
        self.page.evaluate(WATCH_JS)

    def settle(self, seconds: float) -> None:
        """Let the page rest."""
        self.page.wait_for_timeout(1e3 * seconds)

    def place(self, name: str = "") -> dict[str, float]:
        """Return where a figure's frame is on screen and in its own units."""
        return self.page.evaluate(PLACE_JS, name)

    def use(self, tool: str, name: str = "") -> bool:
        """Take a tool of a figure in hand; return whether there is one."""
        return self.page.evaluate(TOOL_JS, [name, tool])

    def do(
        self, act: Callable[[], None], kinds: tuple[str, ...], quiet: float = 0.3, most: float = 30
    ) -> Answer:
        """Make a gesture, wait until all kinds of answers were painted and nothing more comes."""
        self.page.evaluate("() => { benchmarkWatch.attach(); benchmarkWatch.events = []; }")
        self.messages.clear()
        act()
        events, end = [], time.monotonic() + most
        while time.monotonic() < end:
            self.settle(quiet)
            known, events = events, self.page.evaluate("() => benchmarkWatch.events")
            names = [event["kind"] for event in events]
            is_there = all(any(name.startswith(kind) for name in names) for kind in kinds)
            if is_there and len(known) == len(events):
                break
        start = self.page.evaluate("() => benchmarkWatch.input")
        return self._answer(events, start)

    def _answer(self, events: list[dict[str, Any]], start: float) -> Answer:
        first: dict[str, float] = {}
        last = 0.0
        for event in events:
            ms = event["painted"] - start
            if event["arrived"] < start:  # of a gesture on its way, such as a drag
                continue
            first.setdefault(event["kind"], ms)
            last = max(last, ms)
        sizes = [len(message) for message in self.messages]
        return Answer(first, last, sum(sizes), sum(_deflated(m) for m in self.messages))


@contextmanager
def chromium() -> Iterator[Any]:
    """Open Chromium without a window.

    Raises
    ------
    RuntimeError
        When there is none on this machine.
    """
    from playwright.sync_api import sync_playwright

    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("There is no Chromium on this machine; install it to measure pages.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def tab(browser: Any) -> Iterator[Tab]:
    """Open a page whose WebSocket messages are kept."""
    context = browser.new_context(viewport=SCREEN)
    opened = Tab(context.new_page())
    opened.page.set_default_timeout(60_000)
    wire = context.new_cdp_session(opened.page)
    wire.send("Network.enable")

    def keep(event: dict[str, Any]) -> None:
        response = event["response"]
        text = response["payloadData"]
        is_binary = response["opcode"] == 2
        opened.messages.append(base64.b64decode(text) if is_binary else text.encode())

    wire.on("Network.webSocketFrameReceived", keep)
    yield opened
    context.close()


def _deflated(message: bytes) -> int:
    deflate = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
    return len(deflate.compress(message)) + len(deflate.flush())
