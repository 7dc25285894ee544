"""What is shown or selected as a file over plain HTTP, from any process of the server."""

import asyncio
import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bokeh.util.token import check_session_id_signature
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler

from anomaly_explorer.engine.catalog.export import stream_rows
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.plane.mask import Mask

from .desk import Desk
from .session import Session
from .state import ExplorerState, History

SHOWN, SELECTION = "shown", "selection"
# Ending of the file -> format of the engine, and what browsers are told.
ENDINGS = {
    "csv": ("csv", "text/csv; charset=utf-8"),
    "parquet": ("parquet", "application/vnd.apache.parquet"),
    "ecsv": ("ecsv", "text/plain; charset=utf-8"),
    "fits": ("fits", "application/fits"),
    "vot": ("votable", "application/x-votable+xml"),
}
ROUTE = rf"/export/([\w.-]+)/({SHOWN}|{SELECTION})\.({'|'.join(ENDINGS)})"
# What the socket is given at a time: a slow client must not make the process hold a whole chunk.
_SLICE = 2**20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exporter:
    """What it takes to export for any session of the server.

    Parameters
    ----------
    store : Store
    desk : Desk
        Has the sessions of all processes.
    secret : bytes
        Session ids are signed with.
    pool : ThreadPoolExecutor
        Makes the pieces; the event loop only sends them.
    """

    store: Store
    desk: Desk
    secret: bytes
    pool: ThreadPoolExecutor

    def history(self, session_id: str) -> History | None:
        """Return what a session has done; None for one that nobody signed or nobody knows."""
        # Bokeh compares signatures of ASCII only, and raises TypeError for others.
        is_ours = session_id.isascii() and check_session_id_signature(
            session_id, secret_key=self.secret, signed=True
        )
        return self.desk.read(session_id) if is_ours else None

    def mask(self, session_id: str, which: str) -> Mask | None:
        """Return the objects a session shows or has selected; None for a session nobody knows."""
        history = self.history(session_id)
        if history is None:
            return None
        session = Session(self.store, ExplorerState())
        session.state.resume(history)
        return session.mask if which == SHOWN else session.selected

    def file_name(self, which: str, n_objects: int, ending: str) -> str:
        """Return a name that tells one download from another."""
        return f"{self.store.path.name}-{which}-{n_objects}-objects.{ending}"


class ExportHandler(RequestHandler):
    """Streams a file, piece by piece as fast as the client takes it."""

    def initialize(self, exporter: Exporter) -> None:
        """Keep what is shared by all requests."""
        self._exporter = exporter

    async def get(self, session_id: str, which: str, ending: str) -> None:
        """Answer with the file, or with 404 and a sentence."""
        loop, exporter = asyncio.get_running_loop(), self._exporter
        mask = await loop.run_in_executor(exporter.pool, exporter.mask, session_id, which)
        if mask is None or not mask.count:
            self._refuse(which, mask is not None)
            return
        fmt, kind = ENDINGS[ending]
        name = exporter.file_name(which, mask.count, ending)
        self.set_header("Content-Type", kind)
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.set_header("Cache-Control", "no-store")
        pieces = stream_rows(exporter.store, mask, fmt)
        try:
            await self._send(pieces)
        except StreamClosedError:
            _log.info("the client of %s went away", name)
        finally:
            await loop.run_in_executor(exporter.pool, pieces.close)

    async def _send(self, pieces: Generator[bytes]) -> None:
        loop, pool = asyncio.get_running_loop(), self._exporter.pool
        try:
            while (piece := await loop.run_in_executor(pool, next, pieces, None)) is not None:
                for start in range(0, len(piece), _SLICE):
                    self.write(piece[start : start + _SLICE])
                    await self.flush()
        except StreamClosedError:
            raise
        except Exception:
            # An orderly end would make half a file look whole.
            self.request.connection.stream.close()
            raise

    def _refuse(self, which: str, is_known: bool) -> None:
        self.set_status(404)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        if is_known:
            what = "is selected" if which == SELECTION else "is shown"
            self.finish(f"Nothing {what}: change the selection or the filters, then export.\n")
        else:
            self.finish("No session of this name is open: load the page again, then export.\n")
