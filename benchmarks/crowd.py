"""Eight people at once: one measured page and seven clients without a browser; then eight pages."""

import asyncio
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from anomaly_explorer.dashboard.measuring.memory import private_mib
from anomaly_explorer.dashboard.measuring.timing import middle_and_tail
from tests.dashboard.visitor import Reference, Tab, Visitor

from .chromium import Tab as Page
from .chromium import chromium, tab
from .journeys import MAP
from .served import explorer

_SECONDS_APART = 2.0
_ZOOM = 0.8
_N_CLIENTS = 7


@dataclass(eq=False)
class Wanderer:
    """A client of the protocol that zooms in and out of the map, and notes when frames come.

    Parameters
    ----------
    address : str
        Of the server.
    number : int
        Which one it is: they do not move at the same moment.
    stop : threading.Event
        Set when it is over.
    """

    address: str
    number: int
    stop: threading.Event
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """Open a page and zoom until it is over; what goes wrong is kept."""
        try:
            await asyncio.sleep(self.number * _SECONDS_APART / _N_CLIENTS)
            async with (await asyncio.to_thread(Visitor, self.address)).socket() as opened:
                await self._wander(opened)
        except Exception as error:
            self.errors.append(f"{type(error).__name__}: {error}")

    async def _wander(self, opened: Tab) -> None:
        document = await opened.pull()
        models = {item["id"]: item for item in _models(document)}
        figure = next(m for m in models.values() if m["attributes"].get("name") == MAP)
        spans = [models[figure["attributes"][axis]["id"]] for axis in ("x_range", "y_range")]
        limits = [(s["attributes"]["start"], s["attributes"]["end"]) for s in spans]
        arrived = asyncio.Queue[float]()
        reading = asyncio.create_task(_read(opened, arrived))
        step = 1  # at 0 all is in view, as when the page opens: the same picture is not sent again
        while not self.stop.is_set() and not reading.done():
            while not arrived.empty():
                arrived.get_nowait()
            began = time.perf_counter()
            await _zoom(opened, figure, spans, [_part(pair, step % 12) for pair in limits])
            try:
                self.times.append((await asyncio.wait_for(arrived.get(), 30) - began) * 1e3)
            except TimeoutError:
                self.errors.append("no frame within 30 s")
            step += 1
            await asyncio.sleep(max(0.0, _SECONDS_APART - (time.perf_counter() - began)))
        if reading.done():
            reading.result()
        reading.cancel()


def crowd_figures(store: Path, spectra: Path | None, n_gestures: int = 25) -> dict[str, float]:
    """Measure a page among seven clients, and eight pages; returns figures by name.

    The clients and the browser run on the cores that the server runs on.
    """
    figures: dict[str, float] = {}
    with explorer(store, spectra) as served, chromium() as browser:
        with tab(browser) as page:
            page.open(served.address)
            before = private_mib(served.pid)
            stop = threading.Event()
            wanderers = [Wanderer(served.address, n, stop) for n in range(_N_CLIENTS)]
            others = threading.Thread(target=lambda: asyncio.run(_all(wanderers)))
            others.start()
            # Who comes holds up who is there: that is told apart from what eight people do.
            figures["crowd_opening_ms"] = _open_all(page, wanderers)
            waits = [ms for n in range(n_gestures) if (ms := _tick(page, n)) is not None]
            memory = private_mib(served.pid)
            stop.set()
            others.join(60)
            troubles = [text for w in wanderers for text in w.errors]
            figures |= middle_and_tail("crowd_page_ms", waits)
            figures |= middle_and_tail("crowd_client_ms", [ms for w in wanderers for ms in w.times])
            figures["crowd_errors"] = float(len(troubles) + n_gestures - len(waits))
            figures["crowd_server_mib"] = memory
            figures["crowd_session_mib"] = (memory - before) / _N_CLIENTS
        figures |= _pages(browser, served.address)
    return figures


def _open_all(page: Page, wanderers: list[Wanderer]) -> float:
    """Wait until all clients have their first frame or failed; return the longest wheel tick."""
    longest, end, number = 0.0, time.monotonic() + 120, 0
    while not all(w.times or w.errors for w in wanderers) and time.monotonic() < end:
        longest = max(longest, _tick(page, number) or 0.0)
        number += 1
    return longest


def _tick(page: Page, number: int) -> float | None:
    """Turn the wheel once, two seconds after the last; return the milliseconds to the picture."""
    began, at = time.monotonic(), page.place(MAP)
    page.page.mouse.move(at["left"] + 0.5 * at["width"], at["top"] + 0.5 * at["height"])
    step = -240 if number % 10 < 5 else 240
    answer = page.do(lambda: page.page.mouse.wheel(0, step), (f"image {MAP}",), quiet=0.2)
    page.settle(max(0.0, _SECONDS_APART - (time.monotonic() - began)))
    return answer.first(f"image {MAP}")


def _pages(browser: Any, address: str, n_pages: int = 8, n_rounds: int = 5) -> dict[str, float]:
    """Measure eight open pages that are turned one after the other."""
    waits: list[float | None] = []
    with ExitStack() as stack:
        pages = [stack.enter_context(tab(browser)) for _ in range(n_pages)]
        for page in pages:
            page.open(address)
        for number in range(n_rounds):
            waits += [_tick_at_once(page, number) for page in pages]
    known = [ms for ms in waits if ms is not None]
    missed = {"pages_missed": float(len(waits) - len(known))}
    return missed | (middle_and_tail("pages_ms", known) if known else {})


def _tick_at_once(page: Page, number: int) -> float | None:
    page.page.bring_to_front()
    at = page.place(MAP)
    page.page.mouse.move(at["left"] + 0.5 * at["width"], at["top"] + 0.5 * at["height"])
    step = -240 if number % 2 == 0 else 240
    answer = page.do(lambda: page.page.mouse.wheel(0, step), (f"image {MAP}",), quiet=0.1)
    return answer.first(f"image {MAP}")


async def _all(wanderers: list[Wanderer]) -> None:
    await asyncio.gather(*(wanderer.run() for wanderer in wanderers))


async def _read(opened: Tab, arrived: "asyncio.Queue[float]") -> None:
    """Read everything the server sends; put the moment a picture came."""
    while True:
        header, content = await opened.receive()
        if header.get("msgtype") == "ERROR":
            raise ConnectionError(str(content)[:200])
        for event in (content or {}).get("events", []):
            if "image" in str(event)[:20_000]:
                arrived.put_nowait(time.perf_counter())


async def _zoom(
    opened: Tab, figure: dict[str, Any], spans: list[Any], limits: list[tuple[float, float]]
) -> None:
    """Change the ranges of a map, and say so, as the browser does after a wheel tick."""
    for span, (start, end) in zip(spans, limits, strict=True):
        for attr, new in (("start", start), ("end", end)):
            await opened._patch(
                {"kind": "ModelChanged", "model": {"id": span["id"]}, "attr": attr, "new": new}
            )
    (x0, x1), (y0, y1) = limits
    await opened.tell("rangesupdate", model=Reference(id=figure["id"]), x0=x0, x1=x1, y0=y0, y1=y1)


def _part(limits: tuple[float, float], step: int) -> tuple[float, float]:
    """Return the limits after some wheel ticks in, and out again after six."""
    share = _ZOOM ** (step if step < 6 else 12 - step)
    center, half = float(np.mean(limits)), (limits[1] - limits[0]) / 2
    return center - share * half, center + share * half


def _models(item: Any) -> list[dict[str, Any]]:
    """Return every object of a document, in its JSON."""
    if isinstance(item, list):
        return [found for part in item for found in _models(part)]
    if not isinstance(item, dict):
        return []
    own = [item] if item.get("type") == "object" and "attributes" in item else []
    return own + [found for part in item.values() for found in _models(part)]
