"""Serves a store: one process, one read-only store, any number of sessions."""

import socket
from typing import Any

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ServeError
from anomaly_explorer.engine.plane.raster import warm_up

from .live import LiveInspector, check_settings
from .settings import Settings


def make_server(settings: Settings) -> tuple[Any, LiveInspector]:
    """Open the store and start listening; the caller runs the loop.

    Returns
    -------
    bokeh.server.server.Server
        Started; `server.port` is the port taken.
    LiveInspector
        To be closed when the loop ends.

    Raises
    ------
    StoreError, InputError
        The store or the spectra are not what they should be.
    ServeError
        The port is in use, or the address is none of this machine's.
    """
    port = _take_port(settings)
    store = Store.open(settings.store)
    check_settings(store, settings)
    import panel as pn

    from .app import TITLE, Explorer
    from .theme import OWN_STYLE

    pn.extension(notifications=False)
    live = LiveInspector(store, settings)
    for name in ("umap", "score_snr"):
        warm_up(store.plane(name))

    def page() -> Any:
        pn.state.curdoc.theme = OWN_STYLE
        return Explorer(store, live, settings.is_dark).page

    server = pn.io.server.get_server(
        {"/": page}, address=settings.address, port=port, title=TITLE, show=False,
        start=False, websocket_origin=_origins(settings, port), verbose=False,
    )  # fmt: skip
    server.start()
    live.load()
    return server, live


def host_of(address: str) -> str:
    """Return an address as it stands in a URL: IPv6 in brackets."""
    return f"[{address}]" if ":" in address else address


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
