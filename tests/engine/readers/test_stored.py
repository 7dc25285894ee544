"""Pixels as they lie in a file give what unpacked ones give, to the last bit."""

import numpy as np
import pytest

from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.model.weighing import weigh_bins
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch


def assert_same_spectra(unpacked, stored):
    """The same columns, and the same input of both networks to the last bit."""
    assert stored.columns.keys() == unpacked.columns.keys()
    for name, values in unpacked.columns.items():
        np.testing.assert_array_equal(stored.columns[name], values)
    one, other = prepare_input(unpacked, COMPATIBLE_GRID), prepare_input(stored, COMPATIBLE_GRID)
    for name in ("normalized_flux", "scale", "is_covered", "has_data"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    one, other = weigh_bins(unpacked, COMPATIBLE_GRID), weigh_bins(stored, COMPATIBLE_GRID)
    for name in ("flux", "variance", "amplitude"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


def assert_stored_is_unpacked(source, kind):
    n = 0
    for unpacked, stored in zip(source.batches(3), source.stored_batches(3), strict=True):
        assert type(stored) is kind
        assert_same_spectra(unpacked, stored)
        odd = np.arange(1, len(unpacked), 2)
        assert_same_spectra(unpacked.take(odd), stored.take(odd))
        n += len(stored)
    assert n == len(source)
    source.close()
    with pytest.raises(ValueError, match="closed"):
        next(source.stored_batches())


SNR = {f"MEDIAN_COADD_SNR_{arm}": np.arange(5, dtype=np.float32) for arm in "BRZ"}


@pytest.mark.parametrize("mask_kind", ["unsigned", "plain", "none", "GZIP_1", "RICE_1"])
def test_pixels_as_they_lie_in_the_file_give_the_same_bits(tmp_path, coadd_parts, mask_kind):
    parts = coadd_parts(5)
    parts.mask_kind, parts.scores = mask_kind, SNR
    parts.mask[Arm.BLUE][2, 7] = 1 << 30
    parts.flux[Arm.RED][1, 100:200] = np.nan
    parts.ivar[Arm.NIR][3] = 0
    parts.flux[Arm.NIR][3] = 0
    source = open_source(parts.write(tmp_path / "coadd-main-dark-9144.fits"))
    assert_stored_is_unpacked(source, StoredBatch)


def test_images_of_another_type_are_converted(tmp_path, coadd_parts):
    parts = coadd_parts(5)
    parts.scores = SNR
    parts.flux = {arm: values.astype(np.float64) for arm, values in parts.flux.items()}
    parts.ivar = {arm: (4 * values).astype(np.int32) for arm, values in parts.ivar.items()}
    assert_stored_is_unpacked(open_source(parts.write(tmp_path / "c.fits")), StoredBatch)


def test_exposures_and_files_without_signal_to_noise_are_unpacked(
    tmp_path, coadd_parts, spectra_parts
):
    parts = coadd_parts(4)
    parts.scores = None
    assert_stored_is_unpacked(open_source(parts.write(tmp_path / "c.fits")), SpectrumBatch)
    exposures = spectra_parts([5, 6, 5]).write(tmp_path / "spectra-1-80693-20210204.fits")
    assert_stored_is_unpacked(open_source(exposures), SpectrumBatch)


def test_real_coadds_as_they_lie_in_the_file_give_the_same_bits(real_data):
    found = 0
    for path in sorted((real_data / "desi-coadds").glob("coadd-*.fits")):
        source = open_source(path)
        for unpacked, stored in zip(source.batches(), source.stored_batches(), strict=True):
            assert_same_spectra(unpacked, stored)
            found += isinstance(stored, StoredBatch)
        source.close()
    assert found >= 2  # the others state no S/N
