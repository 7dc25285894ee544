import gzip

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.errors import InputError, NoSpectraError
from anomaly_explorer.engine.spectra.open import open_source


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "x.fits is empty"),
        (b"<!DOCTYPE html><html>404</html>", "x.fits is HTML, not FITS: the server answered"),
        (b"\n <html><body>", "is HTML, not FITS"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"PAR1 something else", "is not FITS: it starts with b'PAR1 some'"),
        (b"SIMPLE  =                    T", "is cut short"),
        (gzip.compress(b"", mtime=0), "x.fits is empty"),
        (gzip.compress(b"<html>", mtime=0), "is HTML, not FITS"),
        (gzip.compress(b"a" * 5000, mtime=0)[:30], "cannot be unpacked"),
    ],
)
def test_what_is_not_a_whole_fits_file_is_named(tmp_path, content, words):
    path = tmp_path / "x.fits"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        open_source(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.fits cannot be opened: No such file"):
        open_source(tmp_path / "none.fits")
    with pytest.raises(InputError, match="cannot be opened: Is a directory"):
        open_source(tmp_path)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("is_packed", [False, True])
def test_a_coadd_cut_anywhere_is_refused(tmp_path, coadd_parts, share, is_packed):
    content = coadd_parts(3).write(tmp_path / "whole.fits").read_bytes()
    content = gzip.compress(content, 1, mtime=0) if is_packed else content
    path = tmp_path / "cut.fits"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"cut\.fits .*(cut short|damaged)"):
        open_source(path)


def test_a_file_cut_inside_a_header_is_refused(tmp_path, coadd_parts):
    parts = coadd_parts(2)
    path = parts.write(tmp_path / "cut.fits")
    with fits.open(path) as hdus:
        start = hdus["Z_FLUX"].fileinfo()["hdrLoc"]
    path.write_bytes(path.read_bytes()[: start + 160])
    with pytest.raises(InputError, match=r"cut\.fits .*(cut short|lacks)"):
        open_source(path)


def test_a_damaged_compressed_mask_is_refused_when_read(tmp_path, coadd_parts):
    parts = coadd_parts(2)
    parts.mask_kind = "GZIP_1"
    path = parts.write(tmp_path / "c.fits")
    content = bytearray(path.read_bytes())
    stream = content.index(b"\x1f\x8b\x08")
    content[stream + 12 : stream + 60] = bytes(48)
    path.write_bytes(content)
    source = open_source(path)
    with pytest.raises(InputError, match=r"c\.fits: B_MASK cannot be unpacked"):
        source.read([0])
    source.close()


@pytest.mark.parametrize("name", ["REDSHIFTS", "QSO_CAT", "ZCATALOG", "EMLINEFIT"])
def test_tables_of_redshifts_hold_no_spectra(tmp_path, name):
    table = fits.BinTableHDU(np.rec.fromarrays([np.arange(3), np.ones(3)], names="TARGETID,Z"))
    table.name = name
    path = tmp_path / "table.fits"
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(path)
    with pytest.raises(NoSpectraError, match="holds redshifts only"):
        open_source(path)


def test_another_layout_is_an_error_that_says_what_is_read(tmp_path):
    path = tmp_path / "image.fits"
    fits.PrimaryHDU(np.ones((4, 4))).writeto(path)
    with pytest.raises(InputError, match="expected a DESI coadd") as caught:
        open_source(path)
    assert not isinstance(caught.value, NoSpectraError)


EXPECTED = {
    # folder: objects, files without spectra, failures
    "desi-coadds": (34, 4, 1),
    "sdss-boss": (199, 0, 1),
    "sdss-sky": (25, 0, 0),
    "lamost": (224, 0, 0),
    "sdss-boss-rm017": (9, 0, 0),
    "other-spectra": (1, 0, 16),
}


@pytest.mark.parametrize("folder", EXPECTED)
def test_every_real_file_is_objects_or_no_spectra_or_a_sentence(real_data, folder):
    objects = without = failures = 0
    for path in sorted((real_data / folder).glob("*.fit*")):
        try:
            source = open_source(path)
        except NoSpectraError:
            without += 1
        except InputError:
            failures += 1
        else:
            objects += sum(len(batch) for batch in source.batches())
            source.close()
    assert (objects, without, failures) == EXPECTED[folder]
