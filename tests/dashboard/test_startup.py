"""What a server imports before it listens, and when it looks for garbage again."""

import gc
import subprocess
import sys

import pytest

from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.dashboard.startup import look_once, settle
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.explain import note

# Seconds each, and no page is made of them.
LATER = (
    "dask", "datashader", "holoviews", "pandas", "scipy.ndimage", "scipy.stats", "torch", "vaex",
    "xarray",
)  # fmt: skip
LISTEN = """
import pathlib, sys
from anomaly_explorer.dashboard.app import Explorer
from anomaly_explorer.dashboard.desk import Desk
from anomaly_explorer.dashboard.serve import _Served
from anomaly_explorer.dashboard.settings import Settings
from anomaly_explorer.engine.catalog.store import Store
path = pathlib.Path(sys.argv[1])
with Desk.temporary() as desk:
    served = _Served(Settings(path), Store.open(path), desk, 0)
    served.listen().stop()
    print(*sys.modules)
    served.close()
"""


@pytest.fixture
def no_gc():
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_a_server_listens_before_anything_heavy_is_imported(random_store):
    command = [sys.executable, "-c", LISTEN, random_store.path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not set(LATER) & set(done.stdout.split())


def test_garbage_is_looked_for_again_once_all_is_loaded(no_gc):
    settle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_what_a_first_click_needs_is_there_before_it(made, monkeypatch):
    written = []
    monkeypatch.setattr(note, "write_note", written.append)
    settings = Settings(made / "store", made / "spectra", made / "w.safetensors")
    live = LiveInspector(Store.open(made / "store"), settings)
    look_once(live)
    assert live._is_asked  # whether it has a measurer
    assert len(written) == 1
    live.close()
    gone = LiveInspector(
        live.store, Settings(made / "store", made / "spectra", made / "no.weights")
    )
    look_once(gone)  # who clicks is told
    assert len(written) == 1
    gone.close()
