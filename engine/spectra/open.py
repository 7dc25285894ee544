"""Which reader a file needs, decided by its content and never by its name."""

from pathlib import Path

from anomaly_explorer.engine.errors import InputError, NoSpectraError

from .damage import refuse_damage
from .desi import DesiSource
from .desi_exposures import DesiExposureSource, is_exposure_file
from .fitsfile import FitsFile
from .lamost import is_lamost, open_lamost
from .sdss import is_sdss, open_sdss
from .source import SpectrumSource

_ARM_HDUS = {f"{arm}_{content}" for arm in "BRZ" for content in ("FLUX", "IVAR", "WAVELENGTH")}
# One of these columns makes a table a catalog or index of a survey: DESI and SDSS data models.
_CATALOG_COLUMNS = {"TARGETID", "TILEID", "EXPID", "HEALPIX", "FIBERID", "SPECOBJID"}


def open_source(path: Path) -> SpectrumSource:
    """Open a file of spectra with the reader it needs.

    Raises
    ------
    NoSpectraError
        When the file is a redrock file, a catalog or an index.
    InputError
        When it is no FITS, damaged, incomplete, or of no layout known here.
    """
    with refuse_damage(path):
        return _open(path)


def _open(path: Path) -> SpectrumSource:
    file = FitsFile(path)
    try:
        if not _ARM_HDUS.isdisjoint(file.names):
            return DesiExposureSource(file) if is_exposure_file(file) else DesiSource(file)
        source = _read_single(file)
    except BaseException:
        file.close()
        raise
    file.close()
    return source


def _read_single(file: FitsFile) -> SpectrumSource:
    if is_sdss(file):
        return open_sdss(file)
    if is_lamost(file):
        return open_lamost(file)
    hdus = ", ".join(name or "unnamed" for name in file.names)
    if _is_catalog(file):
        raise NoSpectraError(
            f"{file.path.name} holds redshifts only or another catalog (HDUs {hdus}), no spectra; "
            "give the coadd files beside it."
        )
    raise InputError(
        f"{file.path.name} has HDUs {hdus}, expected a DESI coadd or spectra file, an SDSS spec "
        "file or a LAMOST low-resolution spectrum."
    )


def _is_catalog(file: FitsFile) -> bool:
    images = [name for name in file.names if "FLUX" in name or "WAVE" in name]
    columns = {c.upper() for hdu in range(len(file.names)) for c in file.column_names(hdu)}
    return not images and not columns.isdisjoint(_CATALOG_COLUMNS)
