"""No message waits for the next change of the page, whatever else is on the socket."""

import asyncio

import pytest
from bokeh.document import Document
from bokeh.models import Div
from bokeh.protocol import Protocol
from panel.io import document as panel_document

from anomaly_explorer.dashboard.sending import mend_sending, send_all

HEADER_METADATA_CONTENT = 3


class SlowSocket:
    """Notes what is sent, each fragment a while later, and tells after which one it is."""

    def __init__(self):
        self.sent, self.after = [], lambda n_sent: None

    async def send(self, text_data=None, binary_data=None):
        await asyncio.sleep(0.01)
        self.sent.append(text_data or binary_data)
        self.after(len(self.sent))


class Connection:
    def __init__(self):
        self.protocol, self._socket = Protocol(), SlowSocket()


@pytest.fixture
def mended(monkeypatch):
    monkeypatch.setattr(panel_document, "_dispatch_msgs", panel_document._dispatch_msgs)
    mend_sending()


def change(document, connection, text):
    """Change the document; its message waits for the socket."""
    events = []
    document.on_change(events.append)
    document.roots[0].text = text
    document.remove_on_change(events.append)
    panel_document.schedule_write_events(document, [connection], events[-1:])


def test_what_comes_between_two_tasks_is_sent_too(mended):
    """The task that sends one message ends before that of the next begins."""
    document, connection = Document(), Connection()
    document.add_root(Div(text="first"))

    def after(n_sent):
        if n_sent == HEADER_METADATA_CONTENT:
            change(document, connection, "two")

    async def serve():
        connection._socket.after = after
        change(document, connection, "one")
        await asyncio.sleep(0.2)

    asyncio.run(serve())
    assert len(connection._socket.sent) == 2 * HEADER_METADATA_CONTENT
    assert "one" in connection._socket.sent[2]
    assert "two" in connection._socket.sent[5]
    assert document not in panel_document._WRITE_MSGS
    assert document not in panel_document._WRITE_BLOCK


def test_a_session_that_ended_meanwhile_ends_the_sending(mended):
    document, connection = Document(), Connection()
    document.add_root(Div(text="first"))

    async def serve():
        change(document, connection, "one")
        for waiting in (panel_document._WRITE_MSGS, panel_document._WRITE_BLOCK):
            waiting.pop(document)
        await asyncio.wait_for(send_all(document), 1)

    asyncio.run(serve())
    assert connection._socket.sent == []
