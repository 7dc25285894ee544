"""Serves a store: one read-only store, one port, any number of processes and sessions."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import Any

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ServeError

from .desk import Desk
from .leash import Leash
from .live import LiveInspector, check_settings
from .settings import Settings
from .startup import begin, prepare

# A wide frame deflates to a third in a few milliseconds; higher levels cost more than they save.
COMPRESSION_LEVEL = 1
# What may still run when the server is told to stop, such as the import of torch.
_GRACE_SECONDS = 2.0


def serve_store(settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve until Ctrl+C or SIGTERM; with several processes, this one only watches over them.

    Parameters
    ----------
    settings : Settings
    announce : callable
        Told the address, once, when the first process listens.

    Raises
    ------
    StoreError, InputError, ModelError
        The store, the spectra or the weights are not what they should be.
    ServeError
        The port is in use, or the address is none of this machine's.
    """
    port = _take_port(settings)
    store = Store.open(settings.store)
    check_settings(store, settings)
    if settings.processes == 1:
        begin(store)
    with Desk.temporary() as desk:
        served = _Served(settings, store, desk, port)
        if settings.processes == 1:
            _run(served, None, announce)
        else:
            import_module("datashader")  # once for all processes
            with Leash() as leash:
                _run(served, leash, announce)
    served.close()


class _Served:
    """What a process serves. Made before the fork: no thread starts until a process runs it."""

    def __init__(self, settings: Settings, store: Store, desk: Desk, port: int) -> None:
        import panel as pn

        from . import exporting, health
        from .insights import handler
        from .keeper import Keeper
        from .sending import mend_sending

        pn.extension(notifications=False)
        mend_sending()
        self.settings, self.store, self.desk, self.port = settings, store, desk, port
        self.live = LiveInspector(store, settings)
        self.keeper = Keeper(desk)
        self.secret = _secret()
        self.pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="export")
        exporter = exporting.Exporter(store, desk, self.secret, self.pool)
        insights = handler.InsightsPage(store, str(settings.spectra or ""), settings.is_dark)
        self.routes = [
            (exporting.ROUTE, exporting.ExportHandler, {"exporter": exporter}),
            (health.ROUTE, health.HealthHandler, {"exporter": exporter}),
            (handler.ROUTE, handler.InsightsHandler, {"page": insights, "pool": self.pool}),
        ]

    def listen(self) -> Any:
        """Return the Bokeh server; with several processes, in each that was forked."""
        import panel as pn

        from .app import TITLE

        settings = self.settings
        return pn.io.server.get_server(
            {"/": self._page}, address=settings.address, port=self.port, title=TITLE, show=False,
            start=False, websocket_origin=_origins(settings, self.port), verbose=False,
            num_procs=settings.processes, extra_patterns=self.routes, sign_sessions=True,
            secret_key=self.secret, websocket_compression_level=COMPRESSION_LEVEL,
        )  # fmt: skip

    def _page(self) -> Any:
        import panel as pn
        from panel.io.resources import LOCAL_DIST

        from .app import Explorer
        from .theme import OWN_STYLE

        # Panel says so only where the page is made: elsewhere it would ask the network for styles.
        pn.state.curdoc.template_variables["dist_url"] = LOCAL_DIST
        pn.state.curdoc.theme = OWN_STYLE
        return Explorer(self.store, self.live, self.settings.is_dark, self.keeper).page

    def close(self) -> None:
        """Stop the threads; what still runs after a while is left: it would change nothing."""
        alarm = threading.Timer(_GRACE_SECONDS, os._exit, [0])
        alarm.daemon = True
        alarm.start()
        self.pool.shutdown(cancel_futures=True)
        self.live.close()
        alarm.cancel()


def _run(served: _Served, leash: Leash | None, announce: Callable[[str], None]) -> None:
    """Serve in this process or, on a leash, in each that is forked here, until told to stop."""
    server = served.listen()
    loop = server.io_loop
    signal.signal(signal.SIGTERM, lambda *_: loop.asyncio_loop.call_soon_threadsafe(loop.stop))
    if leash is not None:
        leash.bind(loop)
    server.start()
    prepare(served.live, loop)
    if served.desk.claim("announced"):
        address = f"http://{host_of(served.settings.address)}:{served.port}"
        loop.add_callback(partial(announce, address))
    try:
        loop.start()
    finally:
        served.keeper.close()
        if leash is not None:
            os._exit(0)  # all is kept, and this is a copy: whatever else it holds is its parent's


def host_of(address: str) -> str:
    """Return an address as it stands in a URL: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


def _secret() -> bytes:
    """Return what session ids and tokens are signed with: BOKEH_SECRET_KEY, or a new one."""
    from bokeh.settings import settings
    from bokeh.util.token import generate_secret_key

    return settings.secret_key_bytes() or generate_secret_key().encode()


def _origins(settings: Settings, port: int) -> list[str]:
    """Return the hosts WebSockets may be opened from: this machine's and those named."""
    hosts = ["localhost", "127.0.0.1"]
    if settings.address not in ("", "0.0.0.0", "::", *hosts):
        hosts.append(host_of(settings.address))
    return [*(f"{host}:{port}" for host in hosts), *settings.origins]


def _take_port(settings: Settings) -> int:
    """Return the port asked for if it is free, or a free one when 0 was asked for."""
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as error:
            raise ServeError(
                f"cannot listen on {settings.address}:{settings.port} ({error.strerror}): "
                "choose another with --port"
            ) from None
        return int(probe.getsockname()[1])
