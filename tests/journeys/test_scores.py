"""The score on demand is the scan's, for every object of the demo, in any company."""

import numpy as np

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.model.inspection import Inspector
from anomaly_explorer.engine.model.reconstructor import Reconstructor
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.archive import FileArchive
from anomaly_explorer.engine.spectra.simulated import SimulatedArchive


def shuffled_groups(rng, n):
    """All rows once, in groups of very different size."""
    order, start = rng.permutation(n), 0
    while start < n:
        size = int(rng.choice([1, 2, 7, 60, 300, 700]))
        yield order[start : start + size].tolist()
        start += size


def relative_differences(inspector, rng):
    stored = inspector.store.column("score_mse").astype(np.float64)
    worst = 0.0
    for rows in shuffled_groups(rng, inspector.store.n_objects):
        _, made = inspector.reconstruct_rows(rows)
        assert (np.isnan(made.scores.score_mse) == np.isnan(stored[rows])).all()
        difference = np.abs(made.scores.score_mse - stored[rows]) / stored[rows]
        worst = max(worst, float(np.nanmax(difference, initial=0.0)))
    return worst


def test_every_score_from_files_and_from_the_simulator(demo, rng):
    store = Store.open(demo.store)
    reconstructor = Reconstructor(load_model())
    simulated = store.manifest.simulated
    survey = SimulatedSurvey(simulated["seed"], version=simulated["generator_version"])
    archives = FileArchive(demo.spectra), SimulatedArchive(survey)
    try:
        for archive in archives:
            inspector = Inspector(store, archive, reconstructor)
            assert relative_differences(inspector, rng) <= 1e-5
    finally:
        reconstructor.close()
        for archive in archives:
            archive.close()
