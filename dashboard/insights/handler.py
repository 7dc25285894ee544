"""The route of the findings: what is kept beside the store, read anew for every request."""

import asyncio
import shlex
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tornado.web import RequestHandler

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.insights.answers import path_beside, read_answers

if TYPE_CHECKING:
    from .page import PageFacts

ROUTE = "/insights"
_NONE = "No findings are kept for this store yet. This makes all of them, in minutes:"
_STALE = (
    "These findings are stale: they are of another build of this store than the one served here. "
    "This makes them again:"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"


@dataclass(frozen=True)
class InsightsPage:
    """What it takes to show the findings of a store.

    Parameters
    ----------
    store : Store
    spectra : str
        Root of the spectra as the server was given it; empty = none.
    is_dark : bool
        Theme where the address names none.
    """

    store: Store
    spectra: str
    is_dark: bool

    def make(self, theme: str) -> str:
        """Return the page; it reads a small file and computes nothing."""
        from .page import make_page  # of all findings: torch and SciPy, which a start has not got

        facts = self._facts(theme)
        try:
            answers = read_answers(path_beside(self.store.path))
        except InputError as error:
            return make_page(facts, {}, str(error), False)
        if answers is None:
            return make_page(facts, {}, _NONE, False)
        if answers.is_of(self.store.manifest):
            return make_page(facts, answers.insights, "", False)
        return make_page(facts, answers.insights, _STALE, True)

    def _facts(self, theme: str) -> "PageFacts":
        from .page import PageFacts

        manifest = self.store.manifest
        command = ["anomaly-explorer", "insights", str(self.store.path)]
        command += ["--spectra", self.spectra] if self.spectra else []
        return PageFacts(
            self.store.path.name, self.store.n_objects, manifest.made_by, shlex.join(command),
            self.is_dark if theme not in ("dark", "light") else theme == "dark",
        )  # fmt: skip


class InsightsHandler(RequestHandler):
    """Answers with the page."""

    def initialize(self, page: InsightsPage, pool: Executor) -> None:
        """Keep what is shared by all requests."""
        self._page, self._pool = page, pool

    async def get(self) -> None:
        """Answer in HTML; ``?theme=light`` or ``dark``."""
        theme = self.get_query_argument("theme", "")
        loop = asyncio.get_running_loop()
        html = await loop.run_in_executor(self._pool, self._page.make, theme)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Security-Policy", _POLICY)
        self.finish(html)
