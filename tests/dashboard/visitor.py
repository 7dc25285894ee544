"""A visitor without a browser: gets the page, opens its socket, works the controls."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from bokeh.util.token import get_session_id
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

_TIMEOUT = 60.0
# The wire protocol of Bokeh: header, metadata and content, each a text; then pairs of buffers.
_PULL = "PULL-DOC-REQ"
_MAP = "map-umap"


@contextmanager
def serving(store: Path, *arguments: object, folder: Path) -> Iterator[tuple[Any, str]]:
    """Serve a store as a user does, with temporary files in a folder; yield process and address."""
    command = [sys.executable, "-m", "anomaly_explorer.dashboard.cli", "serve", store]
    command += ["--port", "0", *arguments]
    with subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(folder)},
    ) as server:  # fmt: skip
        try:
            line = server.stdout.readline()
            found = re.search(r"http://[\d.]+:\d+", line)
            if found is None:
                raise RuntimeError(f"the server did not start: {line}{server.stdout.read()}")
            yield server, found.group()
        finally:
            server.terminate()


class Reference(dict[str, str]):
    """A model of the document, by its id."""


class Visitor:
    """One tab: a page, and a socket that is opened in whichever process answers.

    Parameters
    ----------
    address : str
        ``http://host:port`` of a server.
    """

    def __init__(self, address: str) -> None:
        self.address = self.origin = address
        page = urlopen(f"{address}/", timeout=_TIMEOUT).read().decode()
        found = re.search(r'"token":"([^"]+)"', page)
        if found is None:
            raise ValueError(f"{address} is no page of a session")
        self.token = found.group(1)
        self.session_id = get_session_id(self.token)

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Tab"]:
        """Open the socket of the page."""
        request = HTTPRequest(
            self.address.replace("http", "ws", 1) + "/ws", headers={"Origin": self.origin}
        )
        socket = await websocket_connect(
            request, subprotocols=["bokeh", self.token], compression_options={},
            max_message_size=2**27,
        )  # fmt: skip
        try:
            tab = Tab(socket)
            await tab.receive()  # the greeting
            await tab.pull()
            await tab.tell("document_ready")  # as the browser does when the page is drawn
            yield tab
        finally:
            socket.close()

    def get(self, path: str) -> tuple[int, Any, bytes]:
        """Return status, headers and content of a path below the address."""
        try:
            with urlopen(f"{self.address}/{path}", timeout=_TIMEOUT) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as error:
            return error.code, error.headers, error.read()

    def export(self, which: str, ending: str) -> tuple[int, Any, bytes]:
        """Ask for a file."""
        return self.get(f"export/{self.session_id}/{which}.{ending}")


class Tab:
    """An open socket, and the document as the server last gave it."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket
        self.document: Any = None
        self._n_sent = 0

    async def receive(self) -> tuple[dict[str, Any], Any]:
        """Return header and content of the next message."""
        header, _, content = [json.loads(await self._read()) for _ in range(3)]
        for _ in range(2 * header.get("num_buffers", 0)):
            await self._read()
        return header, content

    async def pull(self) -> Any:
        """Return the document as JSON; its buffers are left out."""
        number = await self._send(_PULL, {})
        while True:
            header, content = await self.receive()
            if header.get("reqid") == number:
                self.document = content["doc"]
                return self.document

    def component(self, name: str) -> dict[str, Any]:
        """Return the values a component had when last pulled; its id as ``of``."""
        pattern = re.compile(name + r"\d*")
        for item in _objects(self.document):
            data = item.get("attributes", {}).get("data")
            if isinstance(data, dict) and pattern.fullmatch(data.get("name", "")):
                return {**data["attributes"], "of": item["id"]}
        raise LookupError(f"the page has no {name}")

    @property
    def process(self) -> int:
        """Return the process that has the socket."""
        return int(self.component("Connection")["process"])

    async def counts(self) -> tuple[int, ...]:
        """Return what the export menu says: objects selected and shown."""
        await self.pull()
        choices = self.component("ExportMenu")["choices"]
        labels = [dict(choice["entries"])["label"] for choice in choices]
        return tuple(int(re.sub(r"\D", "", label)) for label in labels)

    async def wait_for(self, wanted: tuple[int, ...]) -> None:
        """Wait until the export menu counts what is wanted."""
        async with asyncio.timeout(_TIMEOUT):
            while await self.counts() != wanted:
                await asyncio.sleep(0.05)

    async def choose(self, group: str, label: str) -> None:
        """Choose the option of a filter, such as ``tier``, whose label starts so."""
        for data in _data(await self.pull(), lambda item: f"filter-{group}" in _classes(item)):
            options = data["attributes"]["options"]
            value = next(option for option in options if option.startswith(label))
            await self._patch({"kind": "ModelChanged", "model": {"id": data["id"]},
                               "attr": "value", "new": value})  # fmt: skip

    async def press(self, key: str) -> None:
        """Press a key, such as ``ctrl+z``."""
        browser = Reference(id=self.component("Browser")["of"])
        await self.tell("data_event", model=browser, data={"name": key})

    async def box(self, x0: float, x1: float, y0: float, y1: float) -> None:
        """Draw a box on the map."""
        (figure,) = [
            o for o in _objects(self.document) if o.get("attributes", {}).get("name") == _MAP
        ]
        geometry = {"type": "rect", "x0": x0, "x1": x1, "y0": y0, "y1": y1}
        await self.tell(
            "selectiongeometry", model=Reference(id=figure["id"]), geometry=geometry, final=True
        )

    async def tell(self, event: str, **values: Any) -> None:
        """Send an event of the document or, with ``model``, of a model."""
        entries = [[k, _map(v)] for k, v in values.items()]
        content = {"type": "event", "name": event, "values": {"type": "map", "entries": entries}}
        await self._patch({"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": content})

    async def _patch(self, event: dict[str, Any]) -> None:
        await self._send("PATCH-DOC", {"events": [event]})

    async def _send(self, kind: str, content: Any) -> str:
        self._n_sent += 1
        number = str(self._n_sent)
        for part in ({"msgid": number, "msgtype": kind}, {}, content):
            await self.socket.write_message(json.dumps(part))
        return number

    async def _read(self) -> str | bytes:
        async with asyncio.timeout(_TIMEOUT):
            message = await self.socket.read_message()
        if message is None:
            raise ConnectionError("the server closed the socket")
        return message


def _objects(item: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document, in its JSON."""
    if isinstance(item, dict):
        if item.get("type") == "object":
            yield item
        for value in item.values():
            yield from _objects(value)
    elif isinstance(item, list):
        for value in item:
            yield from _objects(value)


def _data(document: Any, is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return the data of the components that are wanted, at least one."""
    found = [item["attributes"]["data"] for item in _objects(document) if is_wanted(item)]
    if not found:
        raise LookupError("the page has no such component")
    return found


def _classes(item: dict[str, Any]) -> list[str]:
    return item.get("attributes", {}).get("css_classes") or []


def _map(value: Any) -> Any:
    """Return a dictionary as Bokeh sends it."""
    is_plain = isinstance(value, dict) and not isinstance(value, Reference)
    return {"type": "map", "entries": list(value.items())} if is_plain else value
