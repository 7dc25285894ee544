"""What commands and views are tried on: a small survey, an empty folder, an inspection."""

import shutil

import pytest

from anomaly_explorer.dashboard import cli
from anomaly_explorer.dashboard.turn import Turn
from anomaly_explorer.engine.catalog.build import build_store
from tests.engine.catalog_maker import (
    place_randomly,
    save_random_model,
    scan_into,
    write_coadds,
)
from tests.engine.measurer_maker import save_random_measurer

from .loop import Loop
from .spectrum_maker import make_inspection

# Above 2^53 no float64 holds it.
FIRST_ID = 2**62 + 17


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder with weights, spectra, their catalog (not embedded), and their store."""
    folder = tmp_path_factory.mktemp("cli")
    save_random_model(folder / "w.safetensors")
    save_random_measurer(folder / "m.safetensors")  # what `scan_into` measures by
    write_coadds(folder / "spectra", [25, 5], FIRST_ID)
    scan_into(folder / "catalog", [folder / "spectra"], folder / "w.safetensors")
    embedded = shutil.copytree(folder / "catalog", folder / "embedded")
    place_randomly(embedded)
    build_store(embedded, folder / "store")
    return folder


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; return exit code, lines said and lines on stderr."""
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments):
        try:
            code = cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run_command


@pytest.fixture
def inspection(rng):
    return make_inspection(rng)


@pytest.fixture
def loop(monkeypatch):
    """The loop of a session: answers wait until the test lets them be delivered."""
    loop = Loop()
    monkeypatch.setattr(Turn, "of_session", lambda: loop)
    return loop
