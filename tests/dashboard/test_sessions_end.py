"""A session that ended leaves nothing behind: neither its page nor what the page holds."""

import asyncio
import gc
import logging
import weakref

import panel as pn
import pytest
from bokeh.document import Document

from anomaly_explorer.dashboard.app import Explorer
from anomaly_explorer.dashboard.desk import Desk
from anomaly_explorer.dashboard.keeper import Keeper
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.engine.catalog.store import Store
from tests.dashboard.visitor import Visitor

EVERYWHERE = (-1e6, 1e6, -1e6, 1e6)
N_SESSIONS = 2


@pytest.fixture(autouse=True)
def quiet():
    """Keep no records of the log: those of Panel hold the events they tell of, and so the page."""
    logging.disable(logging.INFO)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def opened():
    """Return what is watched: every page made, and its document."""
    return []


@pytest.fixture
def new_page(made, opened):
    """A page as the server makes it, with weights and spectra."""
    settings = Settings(made / "store", made / "spectra", made / "w.safetensors")
    store = Store.open(settings.store)
    live = LiveInspector(store, settings)
    with Desk.temporary() as desk:
        keeper = Keeper(desk)

        def make():
            explorer = Explorer(store, live, keeper=keeper)
            watched = explorer, explorer.page, explorer.session, pn.state.curdoc
            opened.append([weakref.ref(each) for each in watched])
            assert explorer.page not in followers_of_busy()
            return explorer.page

        yield make
        keeper.close()
    live.close()


def followers_of_busy():
    """Return whose parameters change with the flag that all sessions share."""
    watchers = pn.state.param.watchers.get("busy", {}).get("value", [])
    return [getattr(getattr(each.fn, "__self__", None), "self", None) for each in watchers]


async def use(address):
    """Filter, select and inspect, then close the tab."""
    visitor = await asyncio.to_thread(Visitor, address)
    async with visitor.socket() as tab:
        await tab.choose("tier", "Top 10")
        await tab.box(*EVERYWHERE)
        await tab.press("n")
        await tab.wait_for((3, 3))


async def serve_some(make):
    server = pn.io.server.get_server(
        {"/": make}, port=0, show=False, start=False, verbose=False,
        check_unused_sessions_milliseconds=50, unused_session_lifetime_milliseconds=2_000,
    )  # fmt: skip
    server.start()
    try:
        for _ in range(N_SESSIONS):
            await use(f"http://localhost:{server.port}")
        async with asyncio.timeout(20):
            while server.get_sessions("/"):
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.2)  # what was told to the last session
    finally:
        server.stop()


def test_nothing_keeps_a_page_whose_tab_was_closed(new_page, opened):
    asyncio.run(serve_some(new_page))
    gc.collect()
    # A slow machine makes a page again for a socket that comes after the session was forgotten.
    assert len(opened) >= N_SESSIONS
    alive = [each() for watched in opened for each in watched]
    # Panel clears its busy flag in the context of whoever came first, whose document stays, empty.
    assert [type(each) for each in alive if each is not None] in ([], [Document])
