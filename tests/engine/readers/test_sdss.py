import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.catalog.schema import READER_COLUMNS
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED


def facts_of(path):
    return {name: values[0] for name, values in open_source(path).read([0]).columns.items()}


@pytest.mark.parametrize("upper", [False, True])
def test_identity_and_redshift_of_a_spec_file(tmp_path, write_sdss, upper):
    row = {"Z": 1.5, "Z_ERR": 0.1, "ZWARNING": 4, "CLASS": "QSO ", "SUBCLASS": "BROADLINE"}
    source = open_source(write_sdss(tmp_path / "spec.fits", row=row, upper=upper))
    facts = {name: values[0] for name, values in source.read([0]).columns.items()}
    assert set(facts) <= READER_COLUMNS
    assert facts["target_id"] == 266_51630_0007
    assert (facts["id_origin"], facts["survey"]) == ("survey", "SDSS")
    assert source.group == facts["coadd_group"] == "sdss/266-51630"
    assert (facts["redshift"], facts["redshift_warning"]) == (1.5, 4)
    assert (facts["spectype"], facts["subtype"]) == ("QSO", "BROADLINE")
    assert (facts["ra_deg"], facts["dec_deg"]) == (150.0, 2.0)
    assert facts["fiber_status"] == 0
    assert "objtype" not in facts


@pytest.mark.parametrize(
    ("row", "objtype"),
    [
        ({"TARGETTYPE": "SKY", "SOURCETYPE": "SKY"}, "SKY"),
        ({"TARGETTYPE": "SCIENCE", "SOURCETYPE": "QSO"}, "TGT"),
        ({"OBJTYPE": "SPECTROPHOTO_STD"}, "TGT"),
        ({"OBJTYPE": "SKY             "}, "SKY"),
        ({"OBJTYPE": "NA"}, None),
        ({"OBJTYPE": "   "}, None),
        ({}, None),
    ],
)
def test_what_the_fiber_was_put_on(tmp_path, write_sdss, row, objtype):
    assert facts_of(write_sdss(tmp_path / "spec.fits", row=row)).get("objtype") == objtype


@pytest.mark.parametrize(
    ("warning", "status"), [(0, 0), (5, 0), (1 << 7, 1 << 7), (5 | 1 << 9, 1 << 9)]
)
def test_warning_bits_of_the_fiber_become_its_status(tmp_path, write_sdss, warning, status):
    path = write_sdss(tmp_path / "spec.fits", row={"ZWARNING": warning})
    assert facts_of(path)["fiber_status"] == status


def test_no_warning_column_means_no_fiber_status(tmp_path, write_sdss):
    assert "fiber_status" not in facts_of(write_sdss(tmp_path / "spec.fits"))


def test_pixels_outside_the_survey_are_marked_and_silent(tmp_path, write_sdss):
    batch = open_source(write_sdss(tmp_path / "spec.fits")).read([0])  # 3802-9120 Å
    for arm in ARMS:
        outside = (arm.wavelength < 3800) | (arm.wavelength > 9122)
        assert (batch.mask[arm][0][outside] == NOT_COVERED).all()
        assert (batch.ivar[arm][0][outside] == 0).all()
        assert (batch.flux[arm][0][outside] == 0).all()
        inside = (arm.wavelength > 3804) & (arm.wavelength < 9117)
        assert (batch.ivar[arm][0][inside] > 0).all()
    assert batch.columns["snr_r"][0] == pytest.approx(5 / np.sqrt(6700 * 1e-4 * np.log(10)), 0.1)


def test_a_truncated_wavelength_table_is_refused(tmp_path, write_sdss):
    path = write_sdss(tmp_path / "spec.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["loglam"][100:] += 0.01
    with pytest.raises(
        InputError, match=r"spec\.fits cannot be resampled: wavelengths have a hole"
    ):
        open_source(path)


def test_no_finite_snr_of_a_fiber_without_ivar(tmp_path, write_sdss):
    path = write_sdss(tmp_path / "spec.fits")
    with fits.open(path, mode="update") as hdus:
        hdus[1].data["ivar"][:] = 0
    facts = facts_of(path)
    assert [facts[f"snr_{arm.value}"] for arm in ARMS] == [0, 0, 0]


def test_resampled_sdss_keeps_the_integral_of_a_real_quasar(real_data):
    path = sorted((real_data / "sdss-boss-rm017").glob("spec-*.fits.gz"))[0]
    batch = open_source(path).read([0])
    with fits.open(path) as hdus:
        data = hdus[1].data
        wavelength, flux = 10 ** data["loglam"].astype(float), data["flux"].astype(float)
    inside = (wavelength > 6000) & (wavelength < 7000)
    theirs = (flux * wavelength * np.log(10) * 1e-4)[inside].sum()
    window = (Arm.RED.wavelength > 6000) & (Arm.RED.wavelength < 7000)
    ours = batch.flux[Arm.RED][0][window].sum() * 0.8
    assert ours == pytest.approx(theirs, rel=0.003)


def test_real_sky_fibers_say_sky(real_data):
    paths = sorted((real_data / "sdss-sky").glob("spec-*.fits.gz"))
    assert {facts_of(path)["objtype"] for path in paths} == {"SKY"}


def test_every_real_spec_file_opens_with_its_index_redshift(real_data):
    paths = sorted((real_data / "sdss-boss").glob("spec-*.fits.gz"))[::20]
    for path in paths:
        facts = facts_of(path)
        plate, mjd, fiber = (int(part) for part in path.name.split(".")[0].split("-")[1:])
        assert facts["target_id"] == plate * 10**9 + mjd * 10**4 + fiber
        with fits.open(path) as hdus:
            names = {name.upper(): name for name in hdus[2].columns.names}
            assert facts["redshift"] == pytest.approx(float(hdus[2].data[names["Z"]][0]), rel=1e-6)
