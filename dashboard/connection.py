"""The page's tie to a process: when the socket is lost, the page comes back with its state."""

import os
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent


class Connection(JSComponent):
    """Loads the page again, for the same session, as soon as a process of the server answers."""

    session_id = param.String(doc="The session to go on with; empty = there is no server.")
    process = param.Integer(doc="Process that has the socket of the page.")

    _esm = Path(__file__).parent / "connection.js"

    def __init__(self, **params: Any) -> None:
        super().__init__(process=os.getpid(), width=0, height=0, margin=0, **params)
