import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.scoring.gate import gate_objects
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.open import open_source


def test_both_layouts_give_the_same_wavelengths(tmp_path, write_lamost):
    new = write_lamost(tmp_path / "new.fits", is_new=True)
    old = write_lamost(tmp_path / "old.fits", is_new=False)
    with fits.open(old, mode="update") as hdus, fits.open(new) as other:
        hdus[0].data[0] = other[0].data[0]
    ours, theirs = (open_source(path).read([0]) for path in (new, old))
    for arm in ARMS:
        np.testing.assert_allclose(ours.flux[arm], theirs.flux[arm], rtol=0.01)
        np.testing.assert_array_equal(ours.mask[arm] == 0, theirs.mask[arm] == 0)


def test_identity_is_obsid_or_made_of_the_content(tmp_path, write_lamost):
    source = open_source(write_lamost(tmp_path / "a.fits", header={"OBSID": 105172}))
    columns = source.read([0]).columns
    assert (columns["target_id"][0], columns["id_origin"][0]) == (105172, "survey")
    assert source.target_ids.tolist() == [105172]
    assert source.group == "lamost/55859/F5902/5"
    columns = open_source(write_lamost(tmp_path / "b.fits")).read([0]).columns
    assert columns["id_origin"][0] == "file"
    assert 2**61 <= columns["target_id"][0] < 2**62


@pytest.mark.parametrize(
    ("fiber_type", "objtype"),
    [
        ("Sky", "SKY"),
        ("SKY     ", "SKY"),
        ("Unused", "BAD"),
        ("PosErr", "BAD"),
        ("Dead", "BAD"),
        ("Obj", None),
        ("F-Std", None),
        ("", None),
        ("Laser", None),
    ],
)
def test_a_fiber_on_no_target_says_so(tmp_path, write_lamost, fiber_type, objtype):
    path = write_lamost(tmp_path / "a.fits", header={"FIBERTYP": fiber_type})
    columns = open_source(path).read([0]).columns
    assert "fiber_status" not in columns
    assert (str(columns["objtype"][0]) if "objtype" in columns else None) == objtype
    population = gate_objects(columns, np.ones(1, np.float32))[0][0]
    assert population == ("unknown" if objtype is None else "gated")


def test_every_real_lamost_object_stays_unknown(real_data):
    paths = sorted((real_data / "lamost").glob("*.fits.gz"))
    batches = [open_source(path).read([0]) for path in paths]
    found = [gate_objects(b.columns, np.ones(1, np.float32))[0][0] for b in batches]
    assert (len(found), set(found)) == (224, {"unknown"})


def test_lamost_has_no_fiber_status_and_notes_its_relative_flux(tmp_path, write_lamost):
    source = open_source(write_lamost(tmp_path / "a.fits"))
    columns = source.read([0]).columns
    assert not {"objtype", "fiber_status", "redshift_warning"} & set(columns)
    assert (columns["spectype"][0], columns["subtype"][0]) == ("STAR", "G3")
    assert len(source.notes) == 1
    assert "flux is relative" in source.notes[0]
    assert "no fiber status" in source.notes[0]


def test_filling_of_zero_flux_is_not_data(tmp_path, write_lamost):
    path = write_lamost(tmp_path / "a.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[0, 2000:2100] = 0
        middle = hdus[0].data[2, 2050]
    batch = open_source(path).read([0])
    pixel = round((middle - 5760) / 0.8)
    assert (batch.ivar[Arm.RED][0, pixel - 20 : pixel + 20] == 0).all()


def test_no_wavelengths_at_all_is_refused(tmp_path, write_lamost):
    path = write_lamost(tmp_path / "a.fits", is_new=False)
    with fits.open(path, mode="update") as hdus:
        del hdus[0].header["COEFF0"]
    with pytest.raises(InputError, match=r"a\.fits has neither a wavelength row"):
        open_source(path)


def test_real_lamost_spectra_of_both_layouts_are_good_stars(real_data):
    paths = sorted((real_data / "lamost").glob("*.fits.gz"))
    origins, good_share = set(), []
    for path in paths[::15]:
        batch = open_source(path).read([0])
        origins.add(str(batch.columns["id_origin"][0]))
        assert batch.columns["snr_r"][0] > 1
        good_share.append(batch.good(Arm.RED).mean())
        assert not batch.good(Arm.NIR)[0, Arm.NIR.wavelength > 9110].any()
    assert origins == {"survey", "file"}
    assert np.median(good_share) > 0.95  # some have no ivar in half of the red
