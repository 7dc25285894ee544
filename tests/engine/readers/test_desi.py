import gzip

import numpy as np
import pytest
from astropy.io import fits

from anomaly_explorer.engine.catalog.schema import BY_NAME, READER_COLUMNS
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.open import open_source
from anomaly_explorer.engine.spectra.signal import median_snr
from anomaly_explorer.engine.spectra.spectrum import concatenate


@pytest.mark.parametrize("mask_kind", ["unsigned", "plain", "GZIP_1", "RICE_1"])
def test_what_was_written_is_what_is_read(tmp_path, coadd_parts, assert_same_images, mask_kind):
    parts = coadd_parts(5)
    parts.mask_kind = mask_kind
    parts.mask[Arm.BLUE][2, 7] = 1 << 30
    source = open_source(parts.write(tmp_path / "coadd-main-dark-9144.fits"))
    whole = concatenate(source.batches(2))
    assert_same_images(whole, parts, slice(None))
    assert_same_images(source.read([4, 0, 1, 1]), parts, [4, 0, 1, 1])
    for arm in ARMS:
        assert whole.flux[arm].dtype == np.dtype(np.float32)
        assert whole.mask[arm].dtype == np.dtype(np.uint32)
    source.close()


def test_a_missing_mask_is_all_good(tmp_path, coadd_parts):
    parts = coadd_parts(2)
    parts.mask_kind = "none"
    batch = open_source(parts.write(tmp_path / "c.fits")).read([1])
    assert all((batch.mask[arm] == 0).all() for arm in ARMS)


def test_a_gzipped_file_reads_the_same(tmp_path, coadd_parts, assert_same_images):
    parts = coadd_parts(3)
    plain = parts.write(tmp_path / "coadd-main-dark-9144.fits")
    packed = tmp_path / "coadd-main-dark-9144.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
    source = open_source(packed)
    assert_same_images(source.read([2, 0]), parts, [2, 0])
    source.close()


def test_columns_carry_our_names_and_types_and_nothing_is_invented(tmp_path, coadd_parts):
    source = open_source(coadd_parts(3).write(tmp_path / "coadd-main-dark-9144.fits"))
    columns = source.read([2]).columns
    assert set(columns) <= READER_COLUMNS
    for name, values in columns.items():
        kind = {"string": "U", "bool": "b"}.get(BY_NAME[name].dtype)
        assert values.dtype.kind == kind if kind else values.dtype == BY_NAME[name].dtype
    assert source.group == "healpix/main/dark/9144"
    assert columns["coadd_group"][0] == source.group
    assert (columns["survey"][0], columns["desi_survey"][0]) == ("DESI", "main")
    assert (columns["program"][0], columns["healpix"][0]) == ("dark", 9144)
    assert (columns["objtype"][0], columns["fiber_status"][0]) == ("TGT", 0)
    assert columns["target_id"][0] == 39627700000000002
    assert columns["row_in_file"][0] == 2
    assert columns["redshift_warning"][0] == -1
    assert "no redrock" in source.notes[0]
    absent = {"redshift", "spectype", "injected_type", "ebv", "tsnr2_elg", "tile_id", "morphtype"}
    assert not absent & set(columns)


def test_what_all_exposures_share_is_kept_and_what_differs_is_said_to(tmp_path, coadd_parts):
    parts = coadd_parts(4)
    path = parts.write(tmp_path / "coadd-main-dark-9144.fits")
    ids = np.asarray(parts.fibermap["TARGETID"], np.int64)
    rows = np.array([3, 0, 1, 0, 1])  # of object 2 there is none
    fits.append(path, fits.BinTableHDU.from_columns([
        fits.Column("TARGETID", "K", array=ids[rows]),
        fits.Column("TILEID", "J", array=[80, 81, 82, 81, 83]),
        fits.Column("LOCATION", "K", array=[9100, 12, 500, 13, 500]),
    ]).data, fits.Header([("EXTNAME", "EXP_FIBERMAP")]))  # fmt: skip
    columns = open_source(path).read(range(4)).columns
    assert columns["tile_id"].tolist() == [81, -1, -1, 80]
    assert columns["location"].tolist() == [-1, 500, -1, 9100]


def test_redshifts_match_by_target_id_and_not_by_row(tmp_path, coadd_parts, write_redrock):
    parts = coadd_parts(4)
    path = parts.write(tmp_path / "coadd-main-dark-9144.fits")
    ids = parts.fibermap["TARGETID"]
    write_redrock(tmp_path / "redrock-main-dark-9144.fits", [*ids[[3, 1, 0]], 5])
    source = open_source(path)
    columns = source.read(range(4)).columns
    wanted = np.where(np.arange(4) == 2, np.nan, ids % 97 / 10.0)
    np.testing.assert_allclose(columns["redshift"], wanted, rtol=1e-6)
    assert columns["redshift_warning"].tolist() == [0, 0, -1, 0]
    assert columns["subtype"].tolist() == ["LOZ", "LOZ", "", "LOZ"]
    assert source.notes == ("redrock-main-dark-9144.fits lists no redshift for 1 objects",)


def test_a_broken_redrock_file_costs_redshifts_and_not_spectra(tmp_path, coadd_parts):
    path = coadd_parts(2).write(tmp_path / "coadd-main-dark-9144.fits")
    (tmp_path / "redrock-main-dark-9144.fits").write_bytes(b"")
    source = open_source(path)
    assert "is empty" in source.notes[0]
    assert source.read([0]).columns["redshift_warning"][0] == -1


def test_snr_is_taken_from_scores_else_measured_the_same_way(tmp_path, coadd_parts):
    parts = coadd_parts(3)
    parts.ivar[Arm.RED][1] = 0
    measured = open_source(parts.write(tmp_path / "a.fits")).read(range(3)).columns
    for arm in ARMS:
        low, high = {"b": (4000, 5800), "r": (5800, 7600), "z": (7600, 9800)}[arm.value]
        window = (arm.wavelength > low - 0.01) & (arm.wavelength < high - 0.01)
        for row in range(3):
            good = window & (parts.ivar[arm][row] > 0) & (parts.mask[arm][row] == 0)
            snr = (parts.flux[arm][row] * np.sqrt(parts.ivar[arm][row]))[good]
            wanted = np.median(snr) / np.sqrt(0.8) if good.any() else 0
            assert measured[f"snr_{arm.value}"][row] == pytest.approx(wanted, rel=1e-6)
    assert measured["snr_r"][1] == 0
    ids = parts.fibermap["TARGETID"]
    parts.scores = {
        "TARGETID": ids[::-1].copy(),
        "MEDIAN_COADD_SNR_B": np.array([1, 2, 3], dtype=np.float32),
        "TSNR2_LRG": np.array([4, 5, 6], dtype=np.float32),
    }
    scored = open_source(parts.write(tmp_path / "b.fits")).read(range(3)).columns
    assert scored["snr_b"].tolist() == [3, 2, 1]
    assert scored["tsnr2_lrg"].tolist() == [6, 5, 4]
    assert scored["snr_r"].tolist() == measured["snr_r"].tolist()


def test_masked_and_missing_pixels_never_reach_the_measured_snr():
    flux = np.ones((1, Arm.NIR.n_pixels), dtype=np.float32)
    ivar, mask = np.ones_like(flux), np.zeros(flux.shape, dtype=np.uint32)
    flux[0, 300:900], mask[0, 300:900] = 1e6, 4
    flux[0, 1000] = np.nan
    assert median_snr(Arm.NIR, flux, ivar, mask)[0] == pytest.approx(1 / np.sqrt(0.8))


TILE_CARDS = {"TILEID": 7, "NIGHT": 20210204, "PETAL": 3, "SURVEY": "SV1"}


@pytest.mark.parametrize(
    ("path", "header", "wanted"),
    [
        ("healpix/sv3/dark/91/9144/x.fits", {}, ("healpix/sv3/dark/9144", "sv3")),
        ("coadd-main-bright-12.fits", {}, ("healpix/main/bright/12", "main")),
        ("coadd-1-80693-thru20210204.fits", {}, ("tile/80693/20210204/1", None)),
        ("any.fits", TILE_CARDS, ("tile/7/20210204/3", "sv1")),
    ],
)
def test_group_comes_from_header_then_name_then_folders(
    tmp_path, coadd_parts, path, header, wanted
):
    parts = coadd_parts(1)
    parts.header = header
    source = open_source(parts.write(tmp_path / path))
    columns = source.read([0]).columns
    assert (source.group, columns.get("desi_survey", [None])[0]) == wanted
    assert ("tile_id" in columns) == source.group.startswith("tile")


def test_a_file_without_ids_gets_ids_of_its_content(tmp_path, coadd_parts):
    parts = coadd_parts(3)
    parts.fibermap, parts.header = None, {}
    first = open_source(parts.write(tmp_path / "one.fits"))
    again = open_source(parts.write(tmp_path / "copy.fits"))
    parts.flux[Arm.BLUE][0, 0] += 1
    other = open_source(parts.write(tmp_path / "other.fits"))
    ids, copied, changed = (s.read(range(3)).columns["target_id"] for s in (first, again, other))
    assert ids.tolist() == copied.tolist()
    assert len({*ids.tolist(), *changed.tolist()}) == 6
    assert ((ids >= 2**61) & (ids < 2**62)).all()
    assert first.group == again.group != other.group
    assert first.group.startswith("file/")
    assert first.read([0]).columns["id_origin"][0] == "file"


def test_a_simulated_file_says_so(tmp_path, coadd_parts):
    parts = coadd_parts(2)
    parts.header |= {"SIMULATD": True, "SIMVER": 3, "SIMSEED": 42}
    ids = parts.fibermap["TARGETID"]
    parts.truth = {"TARGETID": ids[::-1].copy(), "INJECTED_TYPE": np.array(["lens", "    "])}
    source = open_source(parts.write(tmp_path / "coadd-main-dark-9144.fits"))
    columns = source.read([0, 1]).columns
    assert source.simulation == (3, 42)
    assert columns["is_simulated"].all()
    assert columns["survey"][0] == "simulated"
    assert columns["injected_type"].tolist() == ["", "lens"]


def _drop_flux(parts):
    parts.leave_out = ("B_FLUX",)


def _drop_arm(parts):
    parts.leave_out = ("Z_WAVELENGTH", "Z_FLUX", "Z_IVAR", "Z_MASK")


def _shift_wavelength(parts):
    parts.wavelength[Arm.RED] = Arm.RED.wavelength + 0.01


def _cut_pixels(parts):
    parts.flux[Arm.RED] = parts.flux[Arm.RED][:, :-1]


def _cut_wavelength(parts):
    parts.wavelength[Arm.NIR] = Arm.NIR.wavelength[:-1]


def _drop_row(parts):
    parts.ivar[Arm.NIR] = parts.ivar[Arm.NIR][:-1]


def _drop_fibermap_row(parts):
    parts.fibermap = {name: values[:-1] for name, values in parts.fibermap.items()}


def _forget_seed(parts):
    parts.header["SIMULATD"] = True


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_drop_flux, "lacks B_FLUX:"),
        (_drop_arm, "lacks Z_WAVELENGTH, Z_FLUX, Z_IVAR:"),
        (_shift_wavelength, "R_WAVELENGTH is 0.01 Å off"),
        (_cut_pixels, r"R_FLUX has shape \(3, 2325\)"),
        (_cut_wavelength, r"Z_WAVELENGTH has shape \(2880,\)"),
        (_drop_row, r"Z_IVAR has shape \(2, 2881\)"),
        (_drop_fibermap_row, "FIBERMAP has 2 rows and B_FLUX 3"),
        (_forget_seed, "lacks SIMVER"),
    ],
)
def test_a_spoilt_file_is_refused_with_one_sentence(tmp_path, coadd_parts, spoil, words):
    parts = coadd_parts(3)
    spoil(parts)
    with pytest.raises(InputError, match=words) as caught:
        open_source(parts.write(tmp_path / "coadd-main-dark-9144.fits"))
    assert "\n" not in str(caught.value)


def test_reading_after_closing_or_outside_the_file_raises(tmp_path, coadd_parts):
    source = open_source(coadd_parts(2).write(tmp_path / "c.fits"))
    with pytest.raises(IndexError, match="no row 2"):
        source.read([0, 2])
    with pytest.raises(IndexError, match="no row -1"):
        source.read([-1])
    assert len(source.read([])) == 0
    source.close()
    source.close()
    with pytest.raises(ValueError, match="is closed"):
        source.read([0])


def test_exposures_are_coadded_per_target_in_order_of_appearance(tmp_path, spectra_parts):
    parts = spectra_parts([7, 5, 7, 9, 5, 7], [0, 0, 4, 4, 0, 2])
    source = open_source(parts.write(tmp_path / "spectra-1-80693-thru20210204.fits"))
    assert source.kind == "desi spectra"
    whole = source.read(range(3))
    columns = whole.columns
    assert columns["target_id"].tolist() == source.target_ids.tolist() == [7, 5, 9]
    assert columns["coadd_numexp"].tolist() == [2, 2, 0]
    assert columns["coadd_exptime"].tolist() == [200, 200, 0]
    assert columns["fiber_status"].tolist() == [0, 0, 4]
    for arm in ARMS:
        rows = [0, 5]  # row 2 has a broken fiber
        weight = np.where(parts.mask[arm][rows] == 0, parts.ivar[arm][rows], 0).astype(float)
        total = weight.sum(axis=0)
        wanted = (weight * parts.flux[arm][rows]).sum(axis=0) / np.where(total > 0, total, 1)
        at = total > 0
        np.testing.assert_allclose(whole.flux[arm][0][at], wanted[at], rtol=1e-5)
        np.testing.assert_allclose(whole.ivar[arm][0][at], total[at], rtol=1e-6)
        picked = source.read([2, 0])
        np.testing.assert_array_equal(picked.flux[arm], whole.flux[arm][[2, 0]])
        np.testing.assert_array_equal(picked.mask[arm], whole.mask[arm][[2, 0]])


def test_redrock_beside_spectra_is_found_too(tmp_path, spectra_parts, write_redrock):
    path = spectra_parts([7, 5, 7]).write(tmp_path / "spectra-1-80693-thru20210204.fits")
    write_redrock(tmp_path / "redrock-1-80693-thru20210204.fits", [5, 7])
    columns = open_source(path).read([0, 1]).columns
    np.testing.assert_allclose(columns["redshift"], [0.7, 0.5], rtol=1e-6)
