"""The inspector all sessions share: loaded in the background, after the first picture."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from anomaly_explorer.engine.catalog.store import Store

from .settings import Settings

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspector
    from anomaly_explorer.engine.scoring.measurer import Measurer
    from anomaly_explorer.engine.spectra.source import SpectrumArchive


class LiveInspector:
    """Loads torch, the model and the archive once, in a thread, for every session.

    Parameters
    ----------
    store : Store
    settings : Settings
        Names weights and spectra.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.is_closed = False
        self.pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="inspect")
        # Stacks are long: they must not keep anybody's click waiting.
        self.stack_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack")
        # A pool of its own: jobs that wait for the model must not hold the place it loads in.
        self._loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="load")
        self._loading: Future[Inspector] | None = None
        self._lock, self._measuring = threading.Lock(), threading.Lock()
        self._measurer: Measurer | None = None
        self._is_asked = False

    def load(self) -> "Future[Inspector]":
        """Start loading, or return what was started."""
        with self._lock:
            if self._loading is None:
                self._loading = self._loader.submit(load_inspector, self.store, self.settings)
            return self._loading

    def inspector(self) -> "Inspector":
        """Return the inspector, waiting until it is loaded; raises what loading raised."""
        return self.load().result()

    def measurer(self) -> "Measurer | None":
        """Return what measured the store, where it is at hand: loaded when first asked for."""
        with self._measuring:
            if not self._is_asked:
                self._measurer, self._is_asked = measurer_of(self.store, self.settings), True
            return self._measurer

    def close(self) -> None:
        """Let running jobs finish, drop waiting ones, and stop the threads."""
        self.is_closed = True
        for pool in (self.pool, self.stack_pool, self._loader):
            pool.shutdown(cancel_futures=True)
        loading = self._loading
        if loading is not None and not loading.cancelled() and loading.exception() is None:
            loading.result().reconstructor.close()

    @property
    def device(self) -> str:
        """Return the text of the device badge."""
        loading = self._loading
        if loading is None or not loading.done():
            return "loading the model…"
        return "no model" if loading.exception() else loading.result().reconstructor.device


def load_inspector(store: Store, settings: Settings) -> "Inspector":
    """Load the weights onto the best device and open the archive.

    Raises
    ------
    ModelError
        The weights do not match their card, or did not make this catalog.
    InputError
        The root of the spectra does not exist.
    """
    from anomaly_explorer.engine.model.card import SHIPPED
    from anomaly_explorer.engine.model.inspection import Inspector
    from anomaly_explorer.engine.model.reconstructor import Reconstructor
    from anomaly_explorer.engine.model.weights import load_model

    model = load_model(settings.weights or SHIPPED)
    return Inspector(store, open_archive(store, settings), Reconstructor(model))


def measurer_of(store: Store, settings: Settings) -> "Measurer | None":
    """Load what measured a store: the file that was named, or the shipped one if it was that.

    Raises
    ------
    ModelError
        The file that was named is another one, or none.
    """
    from anomaly_explorer.engine.errors import ModelError

    from .remeasuring import load_measurer_of

    try:
        trained = load_measurer_of(store, settings.measurer)
    except ModelError:
        if settings.measurer is not None:
            raise
        return None
    return None if trained is None else trained.measurer


def check_settings(store: Store, settings: Settings) -> None:
    """Check what a session will need before the port opens, without torch.

    A store whose spectra nobody named can be browsed without weights.

    Raises
    ------
    ModelError
        The weights do not match their card, or did not make this catalog.
    InputError
        The root of the spectra does not exist.
    """
    from anomaly_explorer.engine.model.card import SHIPPED, check_card, check_made_by

    archive = open_archive(store, settings)
    if archive is not None:
        archive.close()
        check_made_by(check_card(settings.weights or SHIPPED), store.manifest.model.get("id"))
        if settings.measurer is not None:
            measurer_of(store, settings)


def open_archive(store: Store, settings: Settings) -> "SpectrumArchive | None":
    """Open the spectra behind a store: files below a root, or the simulator itself."""
    from anomaly_explorer.engine.errors import InputError

    if settings.spectra is not None:
        from anomaly_explorer.engine.spectra.archive import FileArchive

        if not settings.spectra.is_dir():
            raise InputError(f"{settings.spectra} is no folder: name the root of the spectra")
        return FileArchive(settings.spectra)
    simulated = store.manifest.simulated
    if not simulated:
        return None
    from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
    from anomaly_explorer.engine.spectra.simulated import SimulatedArchive

    return SimulatedArchive(
        SimulatedSurvey(simulated["seed"], version=simulated["generator_version"])
    )
