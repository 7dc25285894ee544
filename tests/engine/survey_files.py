"""Writers of small survey files, so that every fault of a file can be made on purpose."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

from anomaly_explorer.engine.spectra.grid import ARMS


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


def make_coadd(rng, n=4, first_id=39627700000000000, **header):
    """Parts of a healpix coadd of n objects; `header` adds to or replaces its keywords."""
    fibermap = {
        "TARGETID": first_id + np.arange(n, dtype=np.int64),
        "COADD_FIBERSTATUS": np.zeros(n, dtype=np.int32),
        "TARGET_RA": np.linspace(150, 151, n),
        "TARGET_DEC": np.linspace(2, 3, n),
        "OBJTYPE": np.array(["TGT"] * n),
        "FLUX_R": np.arange(n, dtype=np.float32),
        "COADD_NUMEXP": np.full(n, 2, dtype=np.int16),
    }
    header = {"SURVEY": "main", "PROGRAM": "dark", "HPXPIXEL": 9144, **header}
    return DesiParts(*random_images(rng, n), fibermap, header)
