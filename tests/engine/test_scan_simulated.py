"""A catalog made straight from the simulator: same scores as from full spectra, resumable."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from anomaly_explorer.engine.catalog.schema import COLUMNS, PUBLISHED
from anomaly_explorer.engine.errors import InputError, StoreError
from anomaly_explorer.engine.model.forward import forward_blocks
from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.scan.batch import batch_path
from anomaly_explorer.engine.scan.run import run_scan_with
from anomaly_explorer.engine.scan.scorer import Scorer
from anomaly_explorer.engine.scan.simulated import Simulator, plan_simulation
from anomaly_explorer.engine.scoring.residual import score_residuals
from anomaly_explorer.engine.simulation.population import CLASSES, INJECTED_TYPES
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS

SURVEY = SimulatedSurvey(seed=5)
N_OBJECTS = 10_000


@pytest.fixture(scope="module")
def scorer():
    return Scorer.load()


def simulate(catalog, scorer, n_objects, batch_rows):
    plan = plan_simulation(SURVEY, n_objects, batch_rows)
    return run_scan_with(Simulator(SURVEY, scorer), plan, catalog, scorer.cards)


def read(catalog):
    """All batches as one table, in order."""
    return pa.concat_tables(pq.read_table(path) for path in sorted(catalog.glob("*.parquet")))


def assert_same(got, expected):
    """Bit for bit; NaN equals NaN."""
    pd.testing.assert_frame_equal(got.to_pandas(), expected.to_pandas(), check_exact=True)


@pytest.fixture(scope="module")
def catalog(scorer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("simulated") / "catalog"
    simulate(folder, scorer, N_OBJECTS, 3_500)
    return folder


def test_scores_are_those_of_the_full_spectra_for_every_class_and_injection(catalog, scorer):
    table, model = read(catalog), scorer.model
    ids = table["targetid"].to_numpy()
    truth = SURVEY.truth(ids)
    assert set(truth["class"]) == set(CLASSES)
    assert set(truth["injected_type"]) == set(INJECTED_TYPES)
    rows = np.random.default_rng(3).permutation(len(ids))
    score = np.empty(len(ids), np.float32)
    for part in np.array_split(rows, 29):  # in groups and an order the catalog never saw
        made = prepare_input(SURVEY.spectra(ids[part]), model.card.grid)
        network, device = model.network, torch.device("cpu")
        reconstruction, _ = forward_blocks(network, made.normalized_flux, device)
        score[part] = score_residuals(
            made.normalized_flux, reconstruction, made.is_covered, model.card.grid
        ).score_mse
    np.testing.assert_allclose(score, table["anomaly_score"].to_numpy(), rtol=1e-5)


def test_bins_are_the_means_of_the_native_pixels(scorer):
    model = scorer.model
    (batch,) = SURVEY.stream(range(64), 64)
    made = prepare_input(batch, model.card.grid)
    for arm in ARMS:
        n_bins = model.card.grid.n_bins_of(arm)
        means = batch.flux[arm][:, : 16 * n_bins].reshape(64, n_bins, 16).mean(axis=2)
        found = made.normalized_flux[:, model.card.grid.bins_of(arm)]
        seen = made.is_covered[:, model.card.grid.bins_of(arm)] & (np.abs(found) < 10)
        expected = means / made.scale[:, None]
        np.testing.assert_allclose(found[seen], expected[seen], rtol=1e-6, atol=1e-7)


def test_a_stream_gives_the_spectra_that_asking_for_them_gives():
    ids = SURVEY.target_ids(700)[450:]
    expected, start = SURVEY.spectra(ids), 0
    for batch in SURVEY.stream(range(450, 700), 60):
        part = slice(start, start + len(batch))
        start = part.stop
        for arm in ARMS:
            for name in ("flux", "ivar", "mask"):
                assert np.array_equal(getattr(batch, name)[arm], getattr(expected, name)[arm][part])
        for name, values in batch.columns.items():
            np.testing.assert_array_equal(values, expected.columns[name][part])
    assert start == 250


def test_what_nobody_computed_is_null_and_the_rest_is_whole(catalog):
    table = read(catalog)
    assert table.column_names == [column.catalog_name for column in COLUMNS]
    assert len(PUBLISHED) == 173
    empty = {name for name in table.column_names if table[name].null_count == len(table)}
    assert empty == {"classification", "discovery_potential", "source_file"}
    assert table["targetid"].to_pylist() == SURVEY.target_ids(N_OBJECTS).tolist()
    assert table["is_simulated"].to_numpy(zero_copy_only=False).all()
    said = json.loads((catalog / "scan.json").read_text())
    assert said["simulated"] == {"generator_version": SURVEY.version, "seed": 5}
    assert said["counts"]["objects"] == N_OBJECTS
    assert said["counts"]["files"] == 0
    assert len(said["batches"]) == 3
    assert len(said["notes"]) == 1


def test_it_goes_on_where_it_was(catalog, scorer):
    path = batch_path(catalog, 1)
    before = {p.name: p.stat().st_mtime_ns for p in catalog.glob("*.parquet")}
    content = pq.read_table(path)
    path.unlink()
    result = simulate(catalog, scorer, N_OBJECTS, 3_500)
    assert (result.n_made, result.n_ready) == (1, 2)
    assert_same(pq.read_table(path), content)
    after = {p.name: p.stat().st_mtime_ns for p in catalog.glob("*.parquet")}
    assert {name for name in before if before[name] != after[name]} == {path.name}


def test_a_folder_of_another_survey_is_refused(catalog, scorer):
    plan = plan_simulation(SimulatedSurvey(6), N_OBJECTS, 3_500)
    with pytest.raises(StoreError, match="other spectra"):
        run_scan_with(Simulator(SimulatedSurvey(6), scorer), plan, catalog, scorer.cards)


def test_a_survey_holds_no_more_than_it_holds():
    with pytest.raises(InputError, match="1 to"):
        plan_simulation(SURVEY, 10**9)
