"""What a scan measures: the columns, where the best bump is, and whether the noise is as said."""

import numpy as np
import pytest

from anomaly_explorer.engine.catalog.measured import MEASURED
from anomaly_explorer.engine.model.noise_scale import noise_scales
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput
from anomaly_explorer.engine.scan.measure import measured_columns, statistic_column
from anomaly_explorer.engine.scoring.statistics import NAMES
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from tests.engine.catalog_maker import random_measurer
from tests.engine.measurer_maker import some_spectra


@pytest.fixture(scope="module")
def measurer():
    return random_measurer().measurer


def columns_of(spectra, known, measurer):
    return measured_columns(measurer.measure(spectra, known), spectra, measurer.grid)


def test_every_statistic_has_its_column():
    named = {column.name for column in MEASURED if column.name.startswith("statistic_")}
    assert named == {statistic_column(name) for name in NAMES}
    assert all("." not in column.name for column in MEASURED)


def test_the_columns_of_the_schema_are_made(measurer):
    spectra, known = some_spectra(40)
    found = columns_of(spectra, known, measurer)
    own = {"measurer_id", "is_measurer_member", "line_wavelength"}  # the scan says them
    assert found.keys() | own == {column.name for column in MEASURED}
    measured = measurer.measure(spectra, known)
    for name in NAMES:
        np.testing.assert_array_equal(found[statistic_column(name)], measured.values[name])
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
    assert (found["snr_bin"] > 0).all()


@pytest.mark.parametrize(("place", "width"), [(40, 1.0), (250, 4.0), (420, 8.0)])
def test_the_best_bump_is_where_one_was_put(measurer, place, width):
    spectra, known = some_spectra(30)
    bins = np.arange(COMPATIBLE_GRID.n_bins)
    bump = 40 * np.exp(-0.5 * ((bins - place) / width) ** 2)
    flux = np.where(spectra.is_known, spectra.flux + bump.astype("f4"), 0)
    with_bump = WeighedInput(flux, spectra.variance, spectra.amplitude)
    found = columns_of(with_bump, known, measurer)
    off = np.abs(found["bump_wavelength"] - COMPATIBLE_GRID.centers[place])
    assert np.median(off) <= width * COMPATIBLE_GRID.bin_width / 2
    assert width / 2 <= np.median(found["bump_width"]) <= 2 * width
    assert not (found["bump_width"] < 0).any()


def test_without_data_there_is_neither_statistic_nor_bump(measurer):
    spectra, known = some_spectra(3)
    flux, variance = np.zeros_like(spectra.flux), np.full_like(spectra.variance, UNKNOWN)
    found = columns_of(WeighedInput(flux, variance, spectra.amplitude), known, measurer)
    for name, values in found.items():
        assert name == "snr_bin" or np.isnan(values).all(), name


@pytest.mark.parametrize("too_large", [1.0, 1.2, 0.5])
def test_the_noise_scale_is_the_variance_over_what_ivar_says(too_large):
    rng = np.random.default_rng(5)
    variance = rng.uniform(0.1, 0.9, (2000, 496)).astype("f4")
    flux = rng.normal(size=variance.shape) * np.sqrt(variance) * too_large
    spectra = WeighedInput(flux.astype("f4"), variance, np.ones(2000, "f4"))
    scales = noise_scales(spectra, COMPATIBLE_GRID)
    np.testing.assert_allclose(np.median(scales, axis=0), too_large**2, rtol=0.03)


def test_a_pair_counts_only_when_both_bins_are_known():
    rng = np.random.default_rng(6)
    variance = np.ones((2, 496), "f4")
    flux = rng.normal(size=variance.shape).astype("f4")
    blue = COMPATIBLE_GRID.bins_of(Arm.BLUE)
    flux[:, blue.start : blue.stop : 2] = 1e6  # an unknown bin may hold anything
    variance[:, blue.start : blue.stop : 2] = UNKNOWN
    scales = noise_scales(WeighedInput(flux, variance, np.ones(2, "f4")), COMPATIBLE_GRID)
    assert np.isnan(scales[:, 0]).all()
    assert np.isfinite(scales[:, 1:]).all()
    pairs = np.diff(flux[0, COMPATIBLE_GRID.bins_of(Arm.NIR)].astype(float)) ** 2 / 2
    assert scales[0, ARMS.index(Arm.NIR)] == pytest.approx(np.median(pairs) / 0.4549364)
