"""Writers of small survey files, so that every fault of a file can be made on purpose."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.spectra.grid import ARMS, Arm


@dataclass
class DesiParts:
    """The content of a DESI file, to be changed before it is written."""

    flux: dict
    ivar: dict
    mask: dict
    fibermap: dict | None
    header: dict = field(default_factory=dict)
    scores: dict | None = None
    truth: dict | None = None
    wavelength: dict = field(default_factory=lambda: {arm: arm.wavelength for arm in ARMS})
    mask_kind: str = "unsigned"  # "unsigned", "plain", "none" or a compression
    leave_out: tuple = ()

    def hdus(self) -> fits.HDUList:
        hdus = [fits.PrimaryHDU()]
        hdus[0].header.update(self.header)
        for name, columns in (
            ("FIBERMAP", self.fibermap),
            ("SCORES", self.scores),
            ("TRUTH", self.truth),
        ):
            if columns is not None:
                hdus.append(table_hdu(name, columns))
        for arm in ARMS:
            letter = arm.value.upper()
            hdus.append(fits.ImageHDU(self.wavelength[arm], name=f"{letter}_WAVELENGTH"))
            hdus.append(fits.ImageHDU(self.flux[arm], name=f"{letter}_FLUX"))
            hdus.append(fits.ImageHDU(self.ivar[arm], name=f"{letter}_IVAR"))
            hdus.extend(self._mask_hdus(letter, self.mask[arm]))
        return fits.HDUList([hdu for hdu in hdus if hdu.name not in self.leave_out])

    def _mask_hdus(self, letter, mask):
        name = f"{letter}_MASK"
        if self.mask_kind == "none":
            return []
        if self.mask_kind == "plain":
            return [fits.ImageHDU(mask.astype(np.int32), name=name)]
        if self.mask_kind in ("GZIP_1", "RICE_1"):
            return [fits.CompImageHDU(mask, name=name, compression_type=self.mask_kind)]
        return [fits.ImageHDU(mask, name=name)]

    def write(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.hdus().writeto(path)
        return path


def table_hdu(name, columns):
    data = fits.BinTableHDU(np.rec.fromarrays(list(columns.values()), names=list(columns)))
    data.name = name
    return data


def random_images(rng, n):
    """Flux, ivar and mask of n rows: 2 % of pixels without ivar, 1 % masked."""
    flux = {a: rng.normal(3, 1, (n, a.n_pixels)).astype(np.float32) for a in ARMS}
    ivar = {a: rng.uniform(0.5, 2, (n, a.n_pixels)).astype(np.float32) for a in ARMS}
    mask = {a: np.zeros((n, a.n_pixels), dtype=np.uint32) for a in ARMS}
    for arm in ARMS:
        ivar[arm][rng.random((n, arm.n_pixels)) < 0.02] = 0
        mask[arm][rng.random((n, arm.n_pixels)) < 0.01] = 1 << 2
    return flux, ivar, mask


@pytest.fixture(scope="session")
def coadd_parts():
    """Return a maker of the parts of a healpix coadd with n objects, new ones at each call."""
    rng = np.random.default_rng(7)

    def make(n=4):
        fibermap = {
            "TARGETID": 39627700000000000 + np.arange(n, dtype=np.int64),
            "COADD_FIBERSTATUS": np.zeros(n, dtype=np.int32),
            "TARGET_RA": np.linspace(150, 151, n),
            "TARGET_DEC": np.linspace(2, 3, n),
            "OBJTYPE": np.array(["TGT"] * n),
            "FLUX_R": np.arange(n, dtype=np.float32),
            "COADD_NUMEXP": np.full(n, 2, dtype=np.int16),
        }
        header = {"SURVEY": "main", "PROGRAM": "dark", "HPXPIXEL": 9144}
        return DesiParts(*random_images(rng, n), fibermap, header)

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
