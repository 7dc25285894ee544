"""What a server imports before it listens, and when it looks for garbage again."""

import gc
import subprocess
import sys

import pytest

from anomaly_explorer.dashboard.startup import settle

# Seconds each, and no page is made of them.
LATER = ("dask", "datashader", "holoviews", "pandas", "torch", "vaex", "xarray")
LISTEN = """
import sys
import anomaly_explorer.dashboard.serve, anomaly_explorer.dashboard.app
import anomaly_explorer.dashboard.exporting, anomaly_explorer.dashboard.keeper
print(*sys.modules)
"""


@pytest.fixture
def no_gc():
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


def test_a_server_listens_before_anything_heavy_is_imported():
    done = subprocess.run([sys.executable, "-c", LISTEN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not set(LATER) & set(done.stdout.split())


def test_garbage_is_looked_for_again_once_all_is_loaded(no_gc):
    settle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
