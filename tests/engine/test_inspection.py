"""One object or a stack, read and reconstructed again: what the catalog said, or a sentence."""

import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from anomaly_explorer.engine.catalog.build import build_store
from anomaly_explorer.engine.errors import InputError, ModelError
from anomaly_explorer.engine.model import stack as stack_module
from anomaly_explorer.engine.model.inspection import Inspector, ScoreAgreement
from anomaly_explorer.engine.model.reconstructor import Reconstructor
from anomaly_explorer.engine.model.stack import PERCENTILES, stack_rows
from anomaly_explorer.engine.model.weights import load_model
from anomaly_explorer.engine.plane.mask import Mask
from anomaly_explorer.engine.spectra.archive import FileArchive
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.open import open_source

from .catalog_maker import CPU, batch_files, place_randomly, save_random_model, scan_into
from .survey_files import make_coadd


@pytest.fixture
def lossy(inspector, survey_folder, tmp_path):
    """An inspector whose second file is gone and whose third is now another."""
    root = tmp_path / "survey"
    shutil.copytree(survey_folder, root)
    (root / "dark/9001/coadd-main-dark-9001.fits").unlink()
    wrong = root / "dark/9002/coadd-main-dark-9002.fits"
    shutil.copy(root / "dark/9000/coadd-main-dark-9000.fits", wrong)
    archive = FileArchive(root)
    yield Inspector(inspector.store, archive, inspector.reconstructor)
    archive.close()


def test_an_inspection_agrees_with_catalog_file_and_itself(inspector, survey_folder):
    for row in (0, 17, 59):
        seen = inspector.inspect(row)
        record = inspector.store.records([row])[0]
        assert seen.facts == record
        assert seen.agreement.agrees
        assert seen.agreement.catalog == record["score_mse"]
        assert seen.score_mse == pytest.approx(record["score_mse"], rel=1e-5)
        assert seen.score_sum == pytest.approx(sum(seen.arm_residuals.values()), rel=1e-5)
        assert seen.worst_arm is max(ARMS, key=seen.arm_residuals.get)
        assert seen.worst_arm.value.upper() == record["worst_arm"]
        assert seen.peak_wavelength == pytest.approx(record["peak_wavelength"])
        np.testing.assert_allclose(seen.residual, seen.normalized_flux - seen.reconstruction)
        assert np.mean(np.square(seen.residual)) == pytest.approx(seen.score_mse, rel=1e-5)
        source = open_source(survey_folder / record["source_file"])
        spectrum = source.read([record["row_in_file"]])
        source.close()
        for arm in ARMS:
            np.testing.assert_array_equal(seen.spectrum.flux[arm], spectrum.flux[arm][0])
        assert seen.notes == ()


def test_scale_turns_normalized_flux_into_flux(inspector):
    seen = inspector.inspect(4)
    arm, bins = Arm.BLUE, inspector.reconstructor.grid.bins_of(Arm.BLUE)
    good = seen.spectrum.good(arm)[: 171 * 16].reshape(171, 16)
    flux = seen.spectrum.flux[arm][: 171 * 16].reshape(171, 16)
    clean = good.all(axis=1)
    assert clean.any()
    expected = flux.astype(np.float64).mean(axis=1)[clean]
    np.testing.assert_allclose((seen.normalized_flux * seen.scale)[bins][clean], expected, 1e-4)


@pytest.mark.parametrize(
    ("catalog", "recomputed", "agrees"),
    [
        (2.0, 2.0 * (1 + 9e-6), True),
        (2.0, 2.0 * (1 + 2e-5), False),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (1.0, float("nan"), False),
        (0.0, 0.0, True),
        (0.0, 1e-3, False),
    ],
)
def test_agreement_is_relative_and_two_unknowns_agree(catalog, recomputed, agrees):
    assert ScoreAgreement(catalog, recomputed, 1e-5).agrees is agrees


def test_a_stack_is_the_percentiles_of_its_parts(inspector, rng):
    rows = rng.choice(inspector.store.n_objects, 37, replace=False)
    seen = []
    stack = stack_rows(inspector, rows, lambda *now: seen.append(now) or True)
    parts = [inspector.inspect(int(row)) for row in rows]
    for name in ("reconstruction", "residual"):
        values = np.array([getattr(part, name) for part in parts])
        expected = np.percentile(values, PERCENTILES, axis=0)
        np.testing.assert_allclose(getattr(stack, name), expected, rtol=1e-4, atol=1e-5)
    flux = np.array([part.normalized_flux for part in parts])
    np.testing.assert_allclose(stack.flux, np.percentile(flux, PERCENTILES, axis=0), 1e-5, 1e-6)
    np.testing.assert_array_equal(stack.wavelength, inspector.reconstructor.grid.centers)
    assert (stack.n_objects, stack.n_selected, stack.n_agree) == (37, 37, 37)
    assert stack.failures == ()
    assert seen == [(37, 37)]


def test_objects_whose_score_the_catalog_has_otherwise_do_not_agree(inspector, scanned, tmp_path):
    catalog = shutil.copytree(scanned, tmp_path / "catalog")
    path = batch_files(catalog)[0]
    table = pq.read_table(path)
    scores = table["anomaly_score"].to_numpy().copy()
    scores[:3] *= 1 + 1e-4
    place = table.schema.get_field_index("anomaly_score")
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array(scores)), path)
    looking = Inspector(
        build_store(catalog, tmp_path / "store"), inspector.archive, inspector.reconstructor
    )
    stack = stack_rows(looking, range(60))
    assert (stack.n_objects, stack.n_agree) == (60, 57)
    (row,) = looking.store.rows_of_target(table["targetid"][0].as_py())
    agreement = looking.inspect(int(row)).agreement
    assert not agreement.agrees
    assert agreement.relative_difference == pytest.approx(1e-4, rel=0.1)


def test_a_missing_and_a_changed_file_are_sentences_and_the_rest_is_stacked(lossy):
    rows = np.arange(lossy.store.n_objects)
    names = [r["source_file"] for r in lossy.store.records(rows, ["source_file"])]
    lost = np.array([("9001" in name) or ("9002" in name) for name in names])
    stack = stack_rows(lossy, rows)
    assert (stack.n_objects, stack.n_selected) == ((~lost).sum(), len(rows)) == (46, 60)
    assert len(stack.failures) == 2
    assert {"9001" in failure for failure in stack.failures} == {True, False}
    assert any("is not in" in failure for failure in stack.failures)
    assert any("changed since" in failure for failure in stack.failures)
    rest = stack_rows(lossy, rows[~lost])
    np.testing.assert_allclose(stack.flux, rest.flux, rtol=1e-5)
    with pytest.raises(InputError, match="is not in"):
        lossy.inspect(int(np.flatnonzero(["9001" in name for name in names])[0]))


def test_a_stack_of_nothing_readable_says_so_without_numbers(lossy):
    names = lossy.store.records(range(60), ["source_file"])
    lost = [row for row, record in enumerate(names) if "9001" in record["source_file"]]
    stack = stack_rows(lossy, lost)
    assert (stack.n_objects, stack.n_selected, stack.n_agree) == (0, 13, 0)
    assert np.isnan(stack.flux).all()
    assert len(stack.failures) == 1


def test_a_large_selection_is_thinned_evenly_and_says_so(inspector, rng, monkeypatch):
    monkeypatch.setattr(stack_module, "MAX_OBJECTS", 10)
    monkeypatch.setattr(stack_module, "BLOCK", 4)
    seen = []
    rows = rng.permutation(60)[:41]
    read = inspector.reconstruct_rows
    monkeypatch.setattr(inspector, "reconstruct_rows", lambda r: seen.extend(r) or read(r))
    stack = stack_rows(inspector, rows)
    assert (stack.n_objects, stack.n_selected) == (10, 41)
    assert set(seen) <= set(rows.tolist())
    assert len(set(seen)) == 10
    places = np.searchsorted(np.sort(rows), np.sort(seen))
    assert (places[0], places[-1]) == (0, 40)
    assert set(np.diff(places)) <= {4, 5}
    mask = Mask.of_rows(rows, inspector.store.n_objects)
    for same in (rows[::-1], mask):
        again = stack_rows(inspector, same)
        np.testing.assert_array_equal(again.flux, stack.flux)
        assert again.n_selected == 41


def test_a_stack_can_be_stopped_early(inspector, monkeypatch):
    monkeypatch.setattr(stack_module, "BLOCK", 20)
    stack = stack_rows(inspector, range(60), lambda done, total: done < 40)
    assert (stack.n_objects, stack.n_selected) == (40, 60)
    with pytest.raises(ValueError, match="at least one"):
        stack_rows(inspector, Mask.none(60))


def test_another_model_is_refused(inspector, tmp_path):
    other = save_random_model(tmp_path / "other.safetensors", seed=1)
    reconstructor = Reconstructor(load_model(other), CPU)
    try:
        with pytest.raises(ModelError, match=r"was scored by model .* with --weights"):
            Inspector(inspector.store, None, reconstructor)
    finally:
        reconstructor.close()


def test_without_spectra_an_object_cannot_be_looked_at(inspector):
    blind = Inspector(inspector.store, None, inspector.reconstructor)
    with pytest.raises(InputError, match="start the explorer with --spectra ROOT"):
        blind.inspect(0)
    stack = stack_rows(blind, [0, 1, 2])
    assert stack.n_objects == 0
    assert len(stack.failures) == 1


def test_missing_arms_and_nan_are_described(inspector, tmp_path, rng, weights):
    parts = make_coadd(rng, 3)
    for arm in ARMS:
        parts.ivar[arm][0] = 0
    parts.ivar[Arm.RED][1] = 0
    parts.flux[Arm.NIR][2, :8] = np.nan
    parts.write(tmp_path / "spectra" / "coadd.fits")
    scan_into(tmp_path / "catalog", [tmp_path / "spectra"], weights)
    place_randomly(tmp_path / "catalog")
    store = build_store(tmp_path / "catalog", tmp_path / "store")
    archive = FileArchive(tmp_path / "spectra")
    looking = Inspector(store, archive, inspector.reconstructor)
    places = {r["row_in_file"]: i for i, r in enumerate(store.records(range(3), ["row_in_file"]))}
    seen = [looking.inspect(places[row]) for row in range(3)]
    archive.close()
    assert "No data" in seen[0].notes[0]
    assert seen[1].notes == ("Arm R has no data: every pixel has inverse variance 0.",)
    assert seen[2].notes[0].startswith("8 pixels are NaN")
    assert all(one.agreement.agrees for one in seen)
