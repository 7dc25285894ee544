import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.columns import match_rows, take_matched
from anomaly_explorer.engine.spectra.fitsfile import FitsFile

COLUMNS = [
    fits.Column("FLAG", "L", array=[True, False, True]),
    fits.Column("BYTE", "B", array=[1, 2, 255]),
    fits.Column("SHORT", "I", array=[-1, 2, 3]),
    fits.Column("INT", "J", array=[-1, 2, 3]),
    fits.Column("LONG", "K", array=[-(2**62), 2, 3]),
    fits.Column("FLOAT", "E", array=[1.5, np.nan, 3]),
    fits.Column("DOUBLE", "1D", array=[1.5, 2, 3]),
    fits.Column("VECTOR", "3D", array=np.arange(9.0).reshape(3, 3)),
    fits.Column("TEXT", "6A", array=["a b", " c", ""]),
    fits.Column("UNSIGNED", "J", bzero=2**31, array=np.array([0, 1, 2**32 - 1], dtype=np.uint32)),
    fits.Column("BITS", "11X", array=np.zeros((3, 11), dtype=bool)),
    fits.Column("COMPLEX", "M", array=np.zeros(3, dtype=complex)),
    fits.Column("LAST", "E", array=[7, 8, 9]),
]


def test_every_column_reads_as_astropy_reads_it(tmp_path):
    path = tmp_path / "t.fits"
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(COLUMNS)]).writeto(path)
    file = FitsFile(path)
    with fits.open(path) as hdus:
        for name in file.column_names(1):
            if name in ("BITS", "COMPLEX"):
                with pytest.raises(InputError, match=f"column {name} of 1 cannot be read"):
                    file.column(1, name)
                continue
            ours, theirs = file.column(1, name), np.asarray(hdus[1].data[name])
            if name == "TEXT":
                theirs = np.char.strip(theirs)
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
            assert ours.dtype.isnative
    with pytest.raises(InputError, match="column NONE of 1"):
        file.column(1, "NONE")
    file.close()


def test_bytes_that_are_no_ascii_spoil_their_text_only(tmp_path):
    path = tmp_path / "t.fits"
    column = fits.Column("TEXT", "4A", array=["QSO", "STAR", " a b"])
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns([column])]).writeto(path)
    path.write_bytes(path.read_bytes().replace(b"STAR", b"ST\xe9R"))
    file = FitsFile(path)
    assert file.column(1, "TEXT").tolist() == ["QSO", "ST\ufffdR", "a b"]
    file.close()


@given(
    st.lists(st.integers(-5, 5), max_size=8),
    st.lists(st.integers(-5, 5), max_size=8),
)
def test_matching_is_a_look_up_of_the_first_equal_id(wanted, have):
    match = match_rows(np.array(wanted, dtype=np.int64), np.array(have, dtype=np.int64))
    assert match.tolist() == [have.index(i) if i in have else -1 for i in wanted]
    values = np.array(have, dtype=np.float64) * 10
    taken = take_matched(values, match)
    np.testing.assert_array_equal(taken, [i * 10 if i in have else np.nan for i in wanted])
