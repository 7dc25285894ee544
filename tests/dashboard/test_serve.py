"""A server of two processes: any of them answers for any session, and all stop together."""

import asyncio
import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest
from astropy.table import Table
from tornado.httpclient import HTTPClientError

from anomaly_explorer.engine.catalog.export import export_rows
from anomaly_explorer.engine.catalog.store import Store
from tests.dashboard.visitor import Visitor, serving

EVERYWHERE = (-1e6, 1e6, -1e6, 1e6)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """Where the server makes its folder."""
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def running(made, desk):
    with serving(made / "store", "--processes", "2", folder=desk) as server_and_address:
        yield server_and_address


@pytest.fixture(scope="module")
def server(running):
    return running[0]


@pytest.fixture(scope="module")
def address(running):
    return running[1]


@pytest.fixture(scope="module")
def visitor(address):
    """Somebody who has done nothing yet."""
    return Visitor(address)


def health(address):
    return json.loads(urlopen(f"{address}/health", timeout=60).read())


def processes_of(address):
    """Ask until both have answered."""
    end = time.monotonic() + 30
    found = set()
    while len(found) < 2:
        assert time.monotonic() < end, found
        found.add(health(address)["pid"])
    return found


async def in_another_process(visitor, process, action):
    """Open the socket until another process has it, and act there."""
    for _ in range(200):
        async with visitor.socket() as tab:
            if tab.process != process:
                await action(tab)
                return
    raise AssertionError("every socket was opened in one process")


def test_both_processes_answer_and_say_who_they_are(address):
    processes_of(address)
    assert health(address).keys() == {"pid", "store", "objects"}


def test_filters_selection_undo_and_redo_move_to_another_process(address):
    visitor = Visitor(address)

    async def elsewhere(tab):
        await tab.wait_for((3, 3))
        await tab.press("ctrl+z")
        await tab.wait_for((0, 3))
        await tab.press("ctrl+z")
        await tab.wait_for((0, 30))
        await tab.press("ctrl+shift+z")
        await tab.press("ctrl+shift+z")
        await tab.wait_for((3, 3))

    async def journey():
        async with visitor.socket() as tab:
            first = tab.process
            await tab.choose("tier", "Top 10")
            await tab.wait_for((0, 3))
            await tab.box(*EVERYWHERE)
            await tab.wait_for((3, 3))
        await in_another_process(visitor, first, elsewhere)

    asyncio.run(journey())
    answers = [visitor.export("selection", "csv") for _ in range(12)]
    contents = {content for status, _, content in answers if status == 200}
    assert len(contents) == 1
    assert len(list(csv.DictReader(io.StringIO(contents.pop().decode())))) == 3


@pytest.mark.parametrize("ending", ["csv", "parquet", "ecsv", "fits", "vot"])
def test_an_export_over_http_is_the_export_to_a_file(visitor, made, tmp_path, ending):
    status, headers, content = visitor.export("shown", ending)
    assert status == 200
    assert headers["Content-Disposition"] == (
        f'attachment; filename="store-shown-30-objects.{ending}"'
    )
    fmt = {"vot": "votable"}.get(ending, ending)
    export_rows(Store.open(made / "store"), range(30), tmp_path / "whole", fmt)
    stamp = rb"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00"
    if ending == "parquet":  # compressed: the time of the export is not in the clear
        assert abs(len(content) - (tmp_path / "whole").stat().st_size) < 50
        return
    assert re.sub(stamp, b"", content) == re.sub(stamp, b"", (tmp_path / "whole").read_bytes())
    if ending == "fits":
        assert len(Table.read(io.BytesIO(content), format="fits", unit_parse_strict="silent")) == 30


def test_what_cannot_be_exported_is_said_in_a_sentence(visitor):
    status, _, content = visitor.export("selection", "csv")
    assert (status, content) == (
        404, b"Nothing is selected: change the selection or the filters, then export.\n"
    )  # fmt: skip
    for name in ("a" * 44, visitor.session_id[:-1] + "!", "..%2f..%2fetc"):
        status, _, content = visitor.get(f"export/{name}/shown.csv")
        assert status == 404
        assert b"30" not in content
    assert visitor.get(f"health?session={visitor.session_id}")[2].endswith(b'"session": true}')
    for name in ("a" * 44, "a.%C3%A9"):
        assert visitor.get(f"health?session={name}")[2].endswith(b'"session": false}')


def test_the_page_of_findings_is_served_and_asks_for_nothing_else(visitor):
    status, headers, content = visitor.get("insights?theme=light")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert b"No findings are kept for this store yet" in content
    assert b"<script" not in content


def test_what_goes_over_the_socket_is_deflated_and_only_for_known_origins(visitor):

    async def greet():
        async with visitor.socket() as tab:
            return tab.socket.headers["Sec-WebSocket-Extensions"]

    assert asyncio.run(greet()) == "permessage-deflate"
    visitor.origin, known = "http://elsewhere.example", visitor.origin
    with pytest.raises(HTTPClientError, match="403"):
        asyncio.run(greet())
    visitor.origin = known


def test_a_session_nobody_signed_is_refused(visitor):
    assert visitor.get(f"?bokeh-session-id={'a' * 44}")[0] == 403
    assert visitor.get(f"?bokeh-session-id={visitor.session_id}")[0] == 200


def test_one_that_died_is_replaced_and_all_stop_together(server, address, desk, visitor):
    lost, other = processes_of(address)
    assert [path.stat().st_mode & 0o777 for path in desk.iterdir()] == [0o700]
    os.kill(lost, signal.SIGKILL)
    end = time.monotonic() + 60
    while (pid := health(address)["pid"]) in (lost, other):
        assert time.monotonic() < end
    assert visitor.export("shown", "csv")[0] == 200
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0
    assert "DESI Anomaly Explorer at" not in server.stdout.read()  # the address was said once
    assert not [p for p in (other, pid) if Path(f"/proc/{p}").exists()]
    assert list(desk.iterdir()) == []


LEASHED = """
import os, sys, time
from tornado.ioloop import IOLoop
from anomaly_explorer.dashboard.leash import Leash
with Leash() as leash:
    if os.fork() == 0:
        loop = IOLoop()
        leash.bind(loop)
        print(os.getpid(), flush=True)
        loop.start()
        os._exit(0)
    time.sleep(60)
print("left", flush=True)
"""


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_none_outlives_the_first_however_it_ends(told):
    with subprocess.Popen(
        [sys.executable, "-c", LEASHED], stdout=subprocess.PIPE, text=True
    ) as first:
        other = int(first.stdout.readline())
        first.send_signal(told)
        assert first.stdout.read() == ("" if told == signal.SIGKILL else "left\n")
    end = time.monotonic() + 10
    while Path(f"/proc/{other}").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
