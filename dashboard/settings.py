"""What the server was started with."""

from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 5006
DEFAULT_ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Settings:
    """How to serve one store.

    Parameters
    ----------
    store : Path
        The store's folder.
    spectra : Path, optional
        Root the catalog's source files are relative to; without it a simulated store makes its
        spectra anew, and any other opens no spectra.
    weights : Path, optional
        Weights file; default: the shipped one.
    measurer : Path, optional
        Measurer file; default: the shipped one, where the store was measured by it.
    address : str
        Network address to listen on.
    port : int
        Port; 0 takes a free one.
    origins : tuple of str
        Further ``host[:port]`` values a browser may open WebSockets from.
    is_dark : bool
        Theme a session opens with.
    processes : int
        How many serve: all share the store in the page cache, and one port.
    """

    store: Path
    spectra: Path | None = None
    weights: Path | None = None
    measurer: Path | None = None
    address: str = DEFAULT_ADDRESS
    port: int = DEFAULT_PORT
    origins: tuple[str, ...] = ()
    is_dark: bool = True
    processes: int = 1
