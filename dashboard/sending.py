"""Messages that wait for the socket: all are sent, also those that come while others are on it.

Panel keeps a message back while the socket is busy, and sends what waits in a task of its own. A
task that ends declares that nothing waits, and the next one then sends nothing: a message that came
between the two stays in the server until the page changes again (read in Panel 1.9.4, and seen in
six of 25 series of clicks on two cores: the old spectrum or count stayed).
"""

from typing import Any

from panel.io import document as panel_document

_send_once = panel_document._dispatch_msgs


async def send_all(document: Any) -> None:
    """Send what waits for a document's sockets, and look again until nothing is forgotten."""
    await _send_once(document)
    while document in panel_document._WRITE_MSGS and document not in panel_document._WRITE_BLOCK:
        panel_document._WRITE_BLOCK[document] = True
        await _send_once(document)


def mend_sending() -> None:
    """Have Panel send with `send_all`, in this process."""
    panel_document._dispatch_msgs = send_all
