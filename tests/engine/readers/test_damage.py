"""A damaged file is one sentence, or a batch the scan can use: never a traceback, never a wait."""

import errno
import gzip
import time

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.model.preprocess import prepare_input
from anomaly_explorer.engine.spectra.damage import refuse_damage
from anomaly_explorer.engine.spectra.desi import DesiSource
from anomaly_explorer.engine.spectra.grid import BinGrid
from anomaly_explorer.engine.spectra.open import open_source

CARD = 80
# What a flipped bit or a bad copy may leave in a header, with what hurts most said more often.
BYTES = np.frombuffer(b"0123456789-+.' =/TFAEDJKPQXZ\x00\xff9-0'", dtype=np.uint8)
GRID = BinGrid(16)
SENTENCE = r"^a\.fits is damaged \([^\n]*[^.]\): fetch it again\.$"


def written_cards(content):
    """Return the first byte of every card that is not blank, (C,), of a whole FITS file."""
    with fits.open(content) as hdus:
        places = [hdu.fileinfo() for hdu in hdus]
    bytes_of = content.read_bytes()
    starts = np.concatenate([np.arange(p["hdrLoc"], p["datLoc"], CARD) for p in places])
    return np.array([start for start in starts if bytes_of[start : start + 8].strip()])


def read_all(path):
    """Return the sentence of a refused file, None of one that could be read to its last object."""
    try:
        source = open_source(path)
    except InputError as error:
        return str(error)
    try:
        is_desi = isinstance(source, DesiSource)
        for batch in source.stored_batches(8) if is_desi else source.batches(8):
            prepare_input(batch, GRID)
            assert all(values.shape == (len(batch),) for values in batch.columns.values())
        assert len(source.target_ids) == len(source)
    except InputError as error:
        return str(error)
    finally:
        source.close()
    return None


def check_mutations(whole, folder, n, seed):
    """Change one header byte n times; return how many of the files were refused."""
    rng = np.random.default_rng(seed)
    content, cards = whole.read_bytes(), written_cards(whole)
    structure = cards[[content[c : c + 5] in (b"NAXIS", b"BITPI", b"XTENS") for c in cards]]
    path = folder / whole.name
    assert path != whole
    refused = 0
    for case in range(n):
        card = rng.choice(structure if case % 3 == 0 else cards)
        changed = bytearray(content)
        changed[card + rng.integers(0, 32)] = rng.choice(BYTES)
        path.write_bytes(changed)
        start = time.process_time()  # others may hold the cores: a wait of ours is work
        said = read_all(path)
        assert time.process_time() - start < 1, (case, said)
        assert said is None or ("\n" not in said and said.endswith(".")), said
        refused += said is not None
    return refused


@pytest.fixture
def synthetic(tmp_path, coadd_parts, spectra_parts, write_sdss, write_lamost):
    """Return a writer of a small whole file of each layout."""
    folder = tmp_path / "whole"
    folder.mkdir()

    def coadd():
        parts = coadd_parts(3)
        parts.mask_kind = "GZIP_1"
        return parts.write(folder / "coadd-main-dark-9144.fits")

    def rice():
        parts = coadd_parts(2)
        parts.mask_kind = "RICE_1"
        return parts.write(folder / "coadd-main-dark-9145.fits")

    return {
        "coadd": coadd,
        "rice": rice,
        "spectra": lambda: spectra_parts([5, 6, 5]).write(folder / "spectra-1-80693-20210204.fits"),
        "sdss": lambda: write_sdss(folder / "spec.fits", row={"ZWARNING": 4, "Z": 1.0}),
        "lamost": lambda: write_lamost(folder / "lamost.fits", header={"OBSID": 105172}),
    }


# In production numpy's and astropy's remarks on damaged numbers do not stop a scan either.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("layout", "n"), [("coadd", 60), ("rice", 25), ("spectra", 25), ("sdss", 50), ("lamost", 50)]
)
def test_one_wrong_byte_in_a_header_is_a_sentence_or_a_batch(synthetic, tmp_path, layout, n):
    whole = synthetic[layout]()
    assert read_all(whole) is None
    assert 0 < check_mutations(whole, tmp_path, n, seed=5) < n


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("desi-coadds/coadd-sv3-dark-9144.fits", 30),
        ("sdss-boss-rm017/spec-*.fits.gz", 30),
        ("lamost/*.fits.gz", 40),
    ],
)
def test_one_wrong_byte_in_a_real_header_is_a_sentence_or_a_batch(real_data, tmp_path, name, n):
    path = sorted(real_data.glob(name))[0]
    content = path.read_bytes()
    whole = tmp_path / f"whole-{path.name.removesuffix('.gz')}"
    whole.write_bytes(gzip.decompress(content) if path.suffix == ".gz" else content)
    assert read_all(whole) is None
    (tmp_path / "cases").mkdir()
    assert 0 < check_mutations(whole, tmp_path / "cases", n, seed=9) < n


def changed_card(whole, path, name, card):
    """Write a copy of a file whose first card of that name is another one."""
    content = whole.read_bytes()
    at = content.index(name.ljust(8).encode() + b"=")
    path.write_bytes(content[:at] + card.ljust(CARD).encode() + content[at + CARD :])
    return path


@pytest.mark.parametrize(
    ("name", "card", "words"),
    [
        ("NAXIS1", "NAXIS1  =                 -326", "NAXIS1 is -326, expected 0 or more"),
        ("NAXIS1", "NAXIS1  =                 3x26", "NAXIS1 is '3x26', expected a whole number"),
        ("NAXIS", "NAXIS   =                 2000", "NAXIS is 2000, expected 0 to 999"),
        ("NAXIS2", "NAXIS3  =                    5", "NAXIS2 is None, expected 0 or more"),
        ("BITPIX", "BITPIX  =                  -82", "BITPIX is -82, expected one of"),
        ("COEFF1", "COEFF1  = 'x'", "is damaged"),
        ("COEFF0", "COEFF0  =!", "is damaged"),
        ("OBSID", "OBSID   = 'about'", "is damaged"),
    ],
)
def test_a_wrong_card_is_named_at_once(synthetic, tmp_path, name, card, words):
    lamost = synthetic["lamost"]()
    with fits.open(lamost, mode="update") as hdus:
        hdus[0].header["EXTEN0"] = "Flux"  # so that COEFF0 and COEFF1 count
    path = changed_card(lamost, tmp_path / "a.fits", name, card)
    start = time.process_time()
    with pytest.raises(InputError, match=SENTENCE) as caught:
        open_source(path)
    assert words in str(caught.value)
    assert time.process_time() - start < 1


def test_a_damaged_redrock_file_costs_redshifts_and_is_named(tmp_path, coadd_parts, write_redrock):
    parts = coadd_parts(2)
    path = parts.write(tmp_path / "coadd-main-dark-9144.fits")
    whole = write_redrock(tmp_path / "whole.fits", parts.fibermap["TARGETID"])
    changed_card(whole, tmp_path / "redrock-main-dark-9144.fits", "TFORM2", "TFORM2  = '3D'")
    source = open_source(path)
    said = "redshifts are unknown: redrock-main-dark-9144.fits is damaged"
    assert source.notes[0].startswith(said)
    assert source.read([0]).columns["redshift_warning"].tolist() == [-1]
    source.close()


def test_a_table_with_several_numbers_for_one_fact_is_refused_when_read(tmp_path, coadd_parts):
    whole = coadd_parts(2).write(tmp_path / "whole.fits")  # column 3 is TARGET_RA, 'D'
    source = open_source(changed_card(whole, tmp_path / "c.fits", "TFORM3", "TFORM3  = '2E'"))
    with pytest.raises(InputError, match=r"c\.fits is damaged \(ValueError: column ra_deg has"):
        source.read([0])
    source.close()


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, SystemExit])
def test_an_interrupt_and_want_of_memory_are_no_damage(tmp_path, error):
    with pytest.raises(error), refuse_damage(tmp_path):
        raise error


@pytest.mark.parametrize("error", [AttributeError("x\ny."), fits.VerifyError(), SystemError("z")])
def test_any_other_exception_becomes_one_sentence(tmp_path, error):
    with pytest.raises(InputError, match=SENTENCE), refuse_damage(tmp_path / "a.fits"):
        raise error


def test_a_failing_disk_is_not_called_damage(tmp_path):
    words = r"^a\.fits cannot be read \(Input/output error\): try again, or fetch it again\.$"
    with pytest.raises(InputError, match=words), refuse_damage(tmp_path / "a.fits"):
        raise OSError(errno.EIO, "Input/output error")
