"""Whether a process of the server answers: for load balancers, and for pages that lost theirs."""

import os
from typing import Any

from tornado.web import RequestHandler

from .exporting import Exporter

ROUTE = "/health"


class HealthHandler(RequestHandler):
    """Says that a process answers, which one, and what it serves."""

    def initialize(self, exporter: Exporter) -> None:
        """Keep what is shared by all requests."""
        self._exporter = exporter

    def get(self) -> None:
        """Answer in JSON: pid, store, objects; with ``?session=``, whether that can go on."""
        exporter = self._exporter
        facts: dict[str, Any] = {
            "pid": os.getpid(),
            "store": exporter.store.path.name,
            "objects": exporter.store.n_objects,
        }
        session_id = self.get_query_argument("session", None)
        if session_id is not None:
            facts["session"] = exporter.history(session_id) is not None
        self.set_header("Cache-Control", "no-store")
        self.finish(facts)
