"""Laws of the simulated survey: purity, the class mix, the noise, the injected anomalies."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from anomaly_explorer.engine.catalog.schema import BY_NAME, READER_COLUMNS
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.facts import N_FACTS, Fact
from anomaly_explorer.engine.simulation.population import CLASSES, INJECTED_TYPES
from anomaly_explorer.engine.simulation.random import normal, object_key, uniform
from anomaly_explorer.engine.simulation.survey import GENERATOR_VERSION, SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS, Arm

SURVEY = SimulatedSurvey(seed=42)
N_MANY = 6000


@pytest.fixture(scope="module")
def whole():
    """The first 40 spectra, made in one call: what every other way of asking must reproduce."""
    ids = SURVEY.target_ids(40)
    return ids, SURVEY.spectra(ids)


@pytest.fixture(scope="module")
def truth():
    return SURVEY.truth(SURVEY.target_ids(N_MANY))


@pytest.fixture(scope="module")
def columns():
    return SURVEY.spectra(SURVEY.target_ids(1500)).columns


def assert_same(got, expected):
    for arm in ARMS:
        for name in ("flux", "ivar", "mask"):
            assert getattr(got, name)[arm].tobytes() == getattr(expected, name)[arm].tobytes()
    assert got.columns.keys() == expected.columns.keys()
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(got.columns[name], values)


@given(st.lists(st.integers(0, 39), min_size=1, max_size=12))
@settings(max_examples=25)
def test_a_spectrum_has_the_same_bits_in_any_subset_and_order(whole, rows):
    ids, batch = whole
    assert_same(SURVEY.spectra(ids[rows]), batch.take(rows))


def test_a_spectrum_has_the_same_bits_in_another_thread_and_another_object(whole):
    ids, batch = whole
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(SimulatedSurvey(42).spectra, [ids[:20], ids[20:], ids[::-1]]))
    assert_same(answers[0], batch.take(range(20)))
    assert_same(answers[1], batch.take(range(20, 40)))
    assert_same(answers[2], batch.take(range(39, -1, -1)))


def test_another_seed_gives_other_spectra(whole):
    ids, batch = whole
    other = SimulatedSurvey(43)
    elsewhere = other.spectra(other.target_ids(40))
    assert not set(other.target_ids(40)[other.target_ids(40) > 0]) & set(ids)
    assert not np.isclose(elsewhere.flux[Arm.RED], batch.flux[Arm.RED]).all(axis=1).any()


@given(
    st.integers(0, 2**63 - 1),
    st.lists(st.integers(0, identity.capacity() - 1), min_size=1, max_size=50),
)
def test_index_and_target_id_are_each_others_inverse(seed, indices):
    indices = np.array(indices)
    ids = identity.target_ids(seed, GENERATOR_VERSION, indices)
    np.testing.assert_array_equal(identity.indices_of(seed, GENERATOR_VERSION, ids), indices)


def test_target_ids_have_desi_bits_and_are_distinct():
    ids = SURVEY.target_ids(N_MANY)
    kinds = SURVEY.truth(ids)["class"]
    assert len(np.unique(ids)) == N_MANY
    is_sky, is_empty = kinds == "SKY", kinds == "UNASSIGNED"
    assert (ids[is_empty] < 0).all()
    assert ((ids[is_sky] >> 59) & 1 == 1).all()
    science = ids[~is_sky & ~is_empty]
    assert (science // 10**15 == 39).all()


@given(st.integers(-(2**63), 2**63 - 1) | st.integers(-30_000_000, 0))
def test_a_number_is_refused_or_is_the_id_at_its_index(target_id):
    try:
        index = SURVEY.indices([target_id])
    except InputError:
        return
    assert identity.target_ids(42, GENERATOR_VERSION, index).tolist() == [target_id]


@pytest.mark.parametrize("target_id", [0, 1, 39_627_000_000_000_000, 2**63 - 1, -(2**63), -5])
def test_a_foreign_id_is_refused(target_id):
    with pytest.raises(InputError, match=r"is no object of the simulated survey with seed 42"):
        SURVEY.spectra([target_id])


def test_ids_of_another_seed_are_refused():
    ids = SimulatedSurvey(43).target_ids(300)
    for target_id in ids[ids > 0]:
        with pytest.raises(InputError, match="is no object"):
            SURVEY.indices([target_id])


def test_bad_surveys_are_refused():
    for version in (1, 99):
        with pytest.raises(InputError, match=f"version {version}, and this"):
            SimulatedSurvey(1, version=version)
    with pytest.raises(InputError, match="seed is a number"):
        SimulatedSurvey(-1)
    for n in (0, identity.capacity() + 1):
        with pytest.raises(InputError, match="holds 1 to"):
            SURVEY.target_ids(n)


def test_random_numbers_follow_their_laws():
    key = object_key(np.uint64(7), np.uint64(1), np.int64(-5))
    uniforms = np.array([uniform(key, i) for i in range(20_000)])
    normals = np.array([normal(key, i) for i in range(20_000)])
    assert stats.kstest(uniforms, "uniform").pvalue > 1e-3
    assert stats.kstest(normals, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(normals[1:], normals[:-1])[0, 1]) < 0.03


def test_positions_lie_in_the_cell_of_the_object(columns):
    from astropy_healpix import healpy

    cells = healpy.ang2pix(64, columns["ra_deg"], columns["dec_deg"], nest=True, lonlat=True)
    np.testing.assert_array_equal(cells, columns["healpix"])


def test_the_footprint_is_compact_and_large_enough():
    assert identity.capacity() > 22_504_897  # the published catalog
    assert len(np.unique(identity.footprint())) == len(identity.footprint())


def test_columns_are_those_of_a_reader_with_the_types_of_the_schema(columns):
    assert columns.keys() <= READER_COLUMNS
    for name, values in columns.items():
        if BY_NAME[name].dtype != "string":
            assert values.dtype == np.dtype(BY_NAME[name].dtype), name
    assert columns.keys() == READER_COLUMNS


def test_the_class_mix_is_that_of_dr1(truth):
    share = {kind: float((truth["class"] == kind).mean()) for kind in CLASSES}
    science = 1.0 - share["SKY"] - share["UNASSIGNED"]
    assert science == pytest.approx(0.82, abs=0.02)
    expected = {"BGS": 0.33, "LRG": 0.155, "ELG": 0.19, "QSO": 0.11, "STAR": 0.195, "WD": 0.018}
    for kind, wanted in expected.items():
        assert share[kind] / science == pytest.approx(wanted, abs=0.02), kind


def test_redshifts_have_the_medians_of_their_classes(truth):
    for kind, median in {"BGS": 0.20, "LRG": 0.75, "ELG": 1.1, "QSO": 1.75, "STAR": 0.0}.items():
        ordinary = (truth["class"] == kind) & (truth["injected_type"] != "high_z")
        assert np.median(truth["redshift"][ordinary]) == pytest.approx(median, abs=0.08), kind


def test_the_pipeline_is_mostly_right_and_says_when_it_is_not(columns):
    ids = columns["target_id"]
    truth = SURVEY.truth(ids)
    science = columns["objtype"] == "TGT"
    assert ((ids > 0) & (ids < 2**59))[science].all()
    right = np.abs(columns["redshift"] - truth["redshift"]) < 0.01
    warned = columns["redshift_warning"] != 0
    assert right[science].mean() > 0.95
    assert 0.002 < warned[science].mean() < 0.08
    assert warned[~science].all()
    assert (columns["fiber_status"][science] == 0).all()
    assert (columns["fiber_status"][ids < 0] != 0).all()


def test_redshifts_get_surer_with_signal(columns):
    bgs = (columns["program"] == "bright") & (columns["spectype"] == "GALAXY")
    good = bgs & (columns["deltachi2"] > 0) & (columns["snr_r"] > 0)
    rho = stats.spearmanr(columns["snr_r"][good], columns["deltachi2"][good]).statistic
    assert rho > 0.3


def test_noise_is_what_ivar_says(truth):
    ids = truth["target_id"][(truth["class"] != "UNASSIGNED")][:400]
    batch = SURVEY.spectra(ids)
    models, sigmas = SURVEY.noiseless(ids)
    for arm in ARMS:
        pull = (batch.flux[arm] - models[arm]) / sigmas[arm]
        assert np.mean(pull) == pytest.approx(0.0, abs=0.01)
        assert np.std(pull) == pytest.approx(1.0, abs=0.01)
        assert stats.kurtosis(pull.ravel()) == pytest.approx(0.0, abs=0.05)
        lag = np.mean(pull[:, 1:] * pull[:, :-1])
        assert lag == pytest.approx(0.0, abs=0.01)
        good = batch.good(arm)
        reported = (batch.flux[arm] - models[arm])[good] * np.sqrt(batch.ivar[arm][good])
        assert np.std(reported) == pytest.approx(1.0, abs=0.05)
        assert 1.0 - good.mean() == pytest.approx(0.004, abs=0.002)
        np.testing.assert_array_equal(batch.ivar[arm] == 0, batch.mask[arm] != 0)


def test_noise_per_pixel_is_that_of_a_real_dark_coadd():
    ids = SURVEY.target_ids(2000)
    batch = SURVEY.spectra(ids[::2])  # the dark program
    seconds = batch.columns["coadd_exptime"]
    typical = (batch.columns["objtype"] == "SKY") & (batch.columns["coadd_numexp"] == 1)
    # Noise of a real 1,309 s coadd at 5100, 6600 and 9000 Å (1e-17 erg s⁻¹ cm⁻² Å⁻¹).
    for arm, wavelength, real in ((Arm.BLUE, 5100, 0.469), (Arm.RED, 6600, 0.288)):
        pixel = round((wavelength - arm.first_wavelength) / 0.8)
        ivar = batch.ivar[arm][typical][:, pixel - 10 : pixel + 10]
        sigma = np.sqrt(seconds[typical].mean() / 1309.0 / np.median(ivar))
        assert sigma == pytest.approx(real, rel=0.12)


def test_sky_fibers_hold_nothing_but_residues_of_the_sky_lines(truth):
    ids = truth["target_id"][truth["class"] == "SKY"][:60]
    models, _ = SURVEY.noiseless(ids)
    lines = np.abs(models[Arm.NIR]).max(axis=1)
    assert np.median(lines) > 0.1
    quiet = (Arm.BLUE.wavelength > 4100) & (Arm.BLUE.wavelength < 4300)
    assert np.abs(models[Arm.BLUE][:, quiet]).max() < 0.05


def test_broken_fibers_have_no_ivar(columns):
    broken = columns["objtype"] == "BAD"
    batch = SURVEY.spectra(columns["target_id"][broken][:5])
    assert broken.sum() > 5
    for arm in ARMS:
        assert not batch.ivar[arm].any()
        assert not batch.flux[arm].any()
    assert (columns["snr_r"][broken] == 0).all()


def test_snr_is_the_median_over_the_window_of_desi(whole):
    _, batch = whole
    windows = {Arm.BLUE: (4000, 5800), Arm.RED: (5800, 7600), Arm.NIR: (7600, 9800)}
    for arm, (low, high) in windows.items():
        inside = (arm.wavelength >= low - 0.1) & (arm.wavelength < high - 0.1)
        if arm is Arm.BLUE:
            inside |= arm.wavelength > 5799
        for row in range(len(batch)):
            use = inside & (batch.ivar[arm][row] > 0)
            if not use.any():
                continue
            snr = batch.flux[arm][row][use] * np.sqrt(batch.ivar[arm][row][use].astype(float))
            wanted = np.median(snr) / np.sqrt(0.8)
            assert batch.columns[f"snr_{arm.value}"][row] == pytest.approx(wanted, abs=1e-5)


def test_at_least_two_percent_of_five_thousand_objects_are_labelled(truth):
    assert (truth["injected_type"][:5000] != "").mean() >= 0.02


def test_every_injected_type_occurs_and_changes_its_spectrum():
    truth = SURVEY.truth(SURVEY.target_ids(20_000))
    injected = truth["injected_type"] != ""
    assert set(truth["injected_type"][injected]) == set(INJECTED_TYPES) - {""}
    for name in INJECTED_TYPES[1:]:
        strengths = truth["strength"][truth["injected_type"] == name]
        assert np.median(strengths) > 3.0, name
        assert (strengths > 0).all(), name
    assert (truth["strength"][~injected] == 0).all()
    assert np.isfinite(truth["peak_wavelength"]).sum() == injected.sum()


def test_high_redshift_quasars_are_black_blueward_of_lyman_alpha(truth):
    chosen = truth["injected_type"] == "high_z"
    models, _ = SURVEY.noiseless(truth["target_id"][chosen])
    for row, z in enumerate(truth["redshift"][chosen]):
        assert 5.8 <= z <= 6.45
        edge = 1215.67 * (1 + z)
        trough = np.abs(Arm.NIR.wavelength - edge + 60) < 20
        red = np.abs(Arm.NIR.wavelength - edge - 80) < 40
        assert np.median(models[Arm.NIR][row][trough]) < 0.1 * models[Arm.NIR][row][red].mean()


def test_every_fact_has_its_place():
    assert sorted(Fact) == list(range(N_FACTS))
