"""The calibrated score on made-up normals: uniform, blind to the unit of flux, and it says why."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import kstest, spearmanr

from anomaly_explorer.engine.calibration.stored import StoredCalibration
from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, normalize_weighed
from anomaly_explorer.engine.scoring import calibrated
from anomaly_explorer.engine.scoring.calibrated import SETS, ScoreCalibration
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.measurer import Measurer, signal_to_noise
from anomaly_explorer.engine.scoring.statistics import NAMES
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm

N_BINS = COMPATIBLE_GRID.n_bins
PLACES = np.linspace(0, 1, N_BINS)
SLOPES = {"GALAXY": 0.4, "QSO": -0.5, "STAR": 1.0}


def make_sums(seed, n):
    """Return sums of ivar × flux and of ivar over bins, of spectra that differ by class and S/N."""
    rng = np.random.default_rng(seed)
    classes = rng.choice(list(SLOPES), n)
    slope = np.array([SLOPES[name] for name in classes]) + rng.normal(0, 0.05, n)
    flux = 1 + slope[:, None] * (PLACES - 0.5)
    snr = np.exp(rng.normal(1.5, 0.8, (n, 1)))
    weight = snr**2 * rng.uniform(0.7, 1.3, (n, N_BINS))
    weight[rng.random((n, N_BINS)) < 0.01] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.where(weight > 0, rng.normal(size=flux.shape) / np.sqrt(weight), 0)
    redshift = np.where(classes == "STAR", np.nan, rng.uniform(0.1, 1, n))
    return weight * (flux + noise), weight, Known(classes, redshift, np.full(len(classes), ""))


@pytest.fixture(scope="module")
def measurer():
    network = Denoiser(N_BINS).eval()
    network.mean.bias.data[:] = 1.0  # an untrained model of a flat spectrum: all must hold for it
    network.log_variance.bias.data[:] = -3.0
    rng = np.random.default_rng(0)
    density = LatentDensity.fit(rng.normal(0, 0.1, (600, 128)))
    sky = np.zeros((1, N_BINS), np.float32)
    sky[0, 330:490:9] = 1
    bare = Measurer(network, density, sky, COMPATIBLE_GRID)
    total, weight, known = make_sums(9, 4000)
    return bare.with_modes(normalize_weighed(total, weight), known)


@pytest.fixture(scope="module")
def calibration(measurer):
    total, weight, known = make_sums(1, 9000)
    measured = measurer.measure(normalize_weighed(total, weight), known)
    return ScoreCalibration.fit(measured, known.classes)


def test_few_normals_make_hardly_more_false_alarms_than_they_say(monkeypatch):
    def draw(rng, n):
        snr, common = np.exp(rng.normal(1.5, 0.8, n)), rng.normal(size=n)
        values = {name: np.exp(0.3 * rng.normal(size=n) + 0.1 * common) * snr**0.2
                  for name in NAMES}  # fmt: skip
        return SimpleNamespace(values=values, snr=snr), np.full(n, "GALAXY")

    def alarms(seed):
        rng = np.random.default_rng(seed)
        calibration = ScoreCalibration.fit(*draw(rng, 3_000))
        fresh, peers = draw(rng, 20_000)
        oddness = calibration._oddness(calibration._p_values(fresh, peers))["astro"]
        return (calibration.combined["astro"].p_values(oddness, peers, fresh.snr) < 0.01).mean()

    by_folds = np.mean([alarms(seed) for seed in range(6)])
    monkeypatch.setattr(calibrated, "_MANY", 0)  # the very normals that statistics are fitted to
    by_all = np.mean([alarms(seed) for seed in range(6)])
    assert abs(by_folds - 0.01) < 0.0025
    assert by_folds < by_all - 0.001


def test_a_statistic_that_nobody_has_survives_on_disk(measurer, tmp_path):
    total, weight, known = make_sums(1, 3000)
    measured = measurer.measure(normalize_weighed(total, weight), known)
    measured.values["sky"] = np.full(len(total), np.nan)
    fitted = ScoreCalibration.fit(measured, known.classes)
    with (tmp_path / "calibration.npz").open("wb") as file:
        StoredCalibration({"DESI": fitted}, "0" * 12).write(file)
    read = StoredCalibration.read(tmp_path / "calibration.npz").surveys["DESI"]
    found, again = (each.score(measured, known.classes) for each in (fitted, read))
    np.testing.assert_array_equal(found.sigma["all"], again.sigma["all"])
    assert np.isfinite(again.sigma["all"]).all()
    assert read.n_fitted == fitted.n_fitted == 3000


def score(measurer, calibration, sums, factor=1.0):
    total, weight, known = sums
    spectra = normalize_weighed(total / factor, weight / factor**2)
    return calibration.score(measurer.measure(spectra, known), known.classes)


def test_sigmas_of_fresh_normals_are_normal_and_do_not_follow_the_noise(measurer, calibration):
    sums = make_sums(2, 5000)
    scores = score(measurer, calibration, sums)
    snr = signal_to_noise(normalize_weighed(*sums[:2]))
    for name in SETS:
        assert kstest(scores.p_value[name], "uniform").statistic < 0.03
        assert abs(spearmanr(scores.sigma[name], snr).statistic) < 0.06
        assert (scores.p_value[name] < 0.01).mean() == pytest.approx(0.01, abs=0.006)
        assert np.isfinite(scores.sigma[name]).all()


def test_another_unit_of_flux_changes_nothing(measurer, calibration):
    sums = make_sums(3, 300)
    first, second = (score(measurer, calibration, sums, factor) for factor in (1.0, 10.0))
    for name in SETS:
        np.testing.assert_allclose(first.sigma[name], second.sigma[name], atol=1e-3)


@pytest.mark.parametrize(
    ("reach", "expected", "of"),
    [(0.1, {"width_0"}, "instrument"), (4, {"width_4"}, "astro")],
)
def test_an_oddity_stands_out_and_is_named(measurer, calibration, reach, expected, of):
    total, weight, known = make_sums(4, 200)
    weight[:, 190:270] = np.median(weight, axis=1)[:, None]
    bump = np.exp(-0.5 * ((np.arange(N_BINS) - 230) / reach) ** 2)
    strength = 25 / np.sqrt((weight * bump**2).sum(axis=1))
    odd = total + weight * strength[:, None] * bump
    scores = score(measurer, calibration, (odd, weight, known))
    assert np.median(scores.sigma[of]) > 3
    is_odd = scores.sigma[of] > 3
    assert np.isin(scores.winner(of)[is_odd], list(expected)).mean() > 0.7
    assert scores.is_extrapolated[of].mean() > 0.3


def test_an_unknown_class_has_no_sigma_and_no_winner(measurer, calibration):
    total, weight, known = make_sums(5, 20)
    known = dataclasses.replace(known, classes=np.full(20, "COMET"))
    scores = score(measurer, calibration, (total, weight, known))
    assert np.isnan(scores.sigma["astro"]).all()
    assert scores.is_extrapolated["astro"].all()
    assert (scores.winner("astro") == "").all()


def test_a_spectrum_without_data_in_two_arms_has_no_score(measurer, calibration):
    total, weight, known = make_sums(6, 3)
    nir, red = (COMPATIBLE_GRID.bins_of(arm) for arm in (Arm.NIR, Arm.RED))
    weight[1:, nir], total[1:, nir] = 0, 0
    weight[2, red], total[2, red] = 0, 0
    spectra = normalize_weighed(total, weight)
    assert (spectra.variance[2, red] == UNKNOWN).all()
    measured = measurer.measure(spectra, known)
    scores = calibration.score(measured, known.classes)
    for name in SETS:  # one dead arm only takes the statistics of that arm
        assert np.isfinite(scores.sigma[name]).tolist() == [True, True, False]
    assert np.isnan(measured.values["fringe"][1])
    assert np.isfinite(measured.values["sky"][0])


def test_a_spectrum_with_no_data_at_all_is_as_faint_as_can_be(measurer):
    empty = normalize_weighed(np.zeros((2, N_BINS)), np.zeros((2, N_BINS)))
    measured = measurer.measure(
        empty, Known(np.array(["STAR"] * 2), np.full(2, np.nan), np.full(2, ""))
    )
    assert all(np.isnan(values).all() for values in measured.values.values())
    assert (measured.snr == 1e-3).all()


def test_what_a_file_does_not_say_is_not_known():
    known = Known.of_columns({
        "target_id": np.arange(3), "spectype": np.array(["GALAXY", "GALAXY", "STAR"]),
        "redshift": np.array([0.5, 0.6, 0.0]), "redshift_warning": np.array([0, 4, 0]),
    })  # fmt: skip
    assert known.redshift.tolist() == [0.5, 0.6, 0.0]
    assert known.take(np.array([2])).classes.tolist() == ["STAR"]
    bare = Known.of_columns({"target_id": np.arange(2)})
    assert np.isnan(bare.redshift).all()
    assert bare.classes.tolist() == ["", ""]
