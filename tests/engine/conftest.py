"""A small survey of real files, scanned by a random model, once for all tests of the engine."""

import pytest

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.model.inspection import Inspector
from anomaly_explorer.engine.model.reconstructor import Reconstructor
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.spectra.archive import FileArchive

from .catalog_maker import CPU, place_randomly, save_random_model, scan_into, write_coadds

# Above 2^53 no float64 holds them; the sky bit is 59.
LARGE_ID = 2**62 + 12345


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    return save_random_model(path, training_ids=[LARGE_ID + 2, LARGE_ID + 30])


@pytest.fixture(scope="session")
def survey_folder(tmp_path_factory):
    """Six coadds of 60 objects in all, ids from `LARGE_ID`."""
    return write_coadds(tmp_path_factory.mktemp("survey"), [7, 13, 1, 20, 9, 10], LARGE_ID)


@pytest.fixture(scope="session")
def scanned(tmp_path_factory, survey_folder, weights):
    """The catalog of that survey, in batches of at most 25 rows, with random positions."""
    catalog = tmp_path_factory.mktemp("scanned") / "catalog"
    scan_into(catalog, [survey_folder], weights, batch_rows=25)
    place_randomly(catalog)
    return catalog


@pytest.fixture(scope="session")
def scanned_store(scanned):
    return build_store(scanned, scanned.parent / "store")


@pytest.fixture
def inspector(scanned_store, survey_folder, weights):
    reconstructor = Reconstructor(load_model(weights), CPU)
    archive = FileArchive(survey_folder)
    yield Inspector(scanned_store, archive, reconstructor)
    archive.close()
    reconstructor.close()
