"""Fixtures that make small survey files."""

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.spectra.grid import Arm
from tests.engine.survey_files import DesiParts, make_coadd, random_images, table_hdu


@pytest.fixture(scope="session")
def coadd_parts():
    """Return a maker of the parts of a healpix coadd with n objects, new ones at each call."""
    rng = np.random.default_rng(7)

    def make(n=4):
        return make_coadd(rng, n)

    return make


@pytest.fixture
def spectra_parts(rng):
    """Return a maker of the parts of an uncoadded file from the target id of each exposure."""

    def make(target_ids, fiber_status=None):
        n = len(target_ids)
        fibermap = {
            "TARGETID": np.asarray(target_ids, dtype=np.int64),
            "FIBERSTATUS": np.zeros(n, dtype=np.int32)
            if fiber_status is None
            else np.asarray(fiber_status, dtype=np.int32),
            "EXPTIME": np.full(n, 100.0),
            "TARGET_RA": np.full(n, 150.0),
            "TARGET_DEC": np.full(n, 2.0),
        }
        header = {"TILEID": 80693, "NIGHT": 20210204, "PETAL": 1}
        return DesiParts(*random_images(rng, n), fibermap, header)

    return make


@pytest.fixture
def write_redrock():
    """Return a writer of a redrock file for some target ids."""

    def write(path, target_ids):
        n = len(target_ids)
        columns = {
            "TARGETID": np.asarray(target_ids, dtype=np.int64),
            "Z": np.asarray(target_ids) % 97 / 10.0,
            "ZERR": np.full(n, 1e-4),
            "ZWARN": np.zeros(n, dtype=np.int64),
            "SPECTYPE": np.array(["QSO"] * n),
            "SUBTYPE": np.array(["LOZ   "] * n),
            "DELTACHI2": np.full(n, 99.0),
        }
        fits.HDUList([fits.PrimaryHDU(), table_hdu("REDSHIFTS", columns)]).writeto(path)
        return path

    return write


@pytest.fixture
def write_sdss(rng):
    """Return a writer of an SDSS spec file; `row` changes or adds columns of SPECOBJ."""

    def write(path, n=3800, row=None, header=None, upper=False):
        loglam = np.float32(3.58) + np.float32(1e-4) * np.arange(n, dtype=np.float32)
        columns = {
            "flux": rng.normal(5, 1, n).astype(np.float32),
            "loglam": loglam,
            "ivar": np.ones(n, dtype=np.float32),
            "and_mask": np.zeros(n, dtype=np.int32),
        }
        if upper:
            columns = {name.upper(): values for name, values in columns.items()}
        facts = {"PLATE": 266, "MJD": 51630, "FIBERID": 7, "PLUG_RA": 150.0, "PLUG_DEC": 2.0}
        facts |= row or {}
        primary = fits.PrimaryHDU()
        primary.header.update(header or {})
        table = table_hdu("SPECOBJ", {name: np.array([value]) for name, value in facts.items()})
        fits.HDUList([primary, table_hdu("COADD", columns), table]).writeto(path)
        return path

    return write


@pytest.fixture
def write_lamost(rng):
    """Return a writer of a LAMOST spectrum in its old or new layout."""

    def write(path, is_new=True, header=None, n=3900):
        wavelength = 10 ** (3.5682 + 1e-4 * np.arange(n))
        third = wavelength if is_new else np.ones(n)
        flux = rng.normal(100, 1, n)
        image = np.stack([flux, np.ones(n), third, np.zeros(n), np.zeros(n)])
        primary = fits.PrimaryHDU(image.astype(np.float32))
        rows = "Flux, Inverse, Wavelength" if is_new else "Flux Inverse Subcontinuum"
        primary.header.update({"TELESCOP": "LAMOST", "EXTEN0": rows, "COEFF0": 3.5682})
        primary.header.update({"COEFF1": 1e-4, "CLASS": "STAR", "SUBCLASS": "G3", "Z": 1e-4})
        primary.header.update({"RA": 332.0, "DEC": -0.3, "LMJD": 55859, "PLANID": "F5902"})
        primary.header.update({"SPID": 5, **(header or {})})
        primary.writeto(path)
        return path

    return write


@pytest.fixture
def assert_same_images():
    """Return an exact comparison of a batch with the rows of written images."""

    def check(batch, parts, rows):
        for arm in (Arm.BLUE, Arm.RED, Arm.NIR):
            np.testing.assert_array_equal(batch.flux[arm], parts.flux[arm][rows])
            np.testing.assert_array_equal(batch.ivar[arm], parts.ivar[arm][rows])
            np.testing.assert_array_equal(batch.mask[arm], parts.mask[arm][rows])

    return check
