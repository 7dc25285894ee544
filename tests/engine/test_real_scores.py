"""The pages about real spectra: what they are made of, and a handful of real files scored."""

import importlib
import shutil
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.model.denoiser import Denoiser
from anomaly_explorer.engine.model.weighing import UNKNOWN, WeighedInput, weigh_bins
from anomaly_explorer.engine.scoring.crosswise import fit_few_modes, folds, measure_crosswise
from anomaly_explorer.engine.scoring.density import LatentDensity
from anomaly_explorer.engine.scoring.empirical import EmpiricalCalibration
from anomaly_explorer.engine.scoring.gate import GATED
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.learn import rounded
from anomaly_explorer.engine.scoring.measurer import Measurer
from anomaly_explorer.engine.scoring.measurer_file import save_measurer
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm

B = COMPATIBLE_GRID.n_bins


@pytest.fixture(scope="module")
def part_of():
    """Import a part of the benchmarks, which are in the checkout and not in the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).resolve().parents[2]))
        yield lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture(scope="module")
def measurer():
    density = LatentDensity.fit(np.random.default_rng(0).normal(0, 0.1, (600, 128)))
    sky = np.zeros((1, B), np.float32)
    sky[0, 330:490:9] = 1
    return Measurer(Denoiser(B).eval(), density, sky, COMPATIBLE_GRID)


def make_spectra(n, seed=0):
    rng = np.random.default_rng(seed)
    variance = rng.uniform(0.01, 0.1, (n, B)).astype(np.float32)
    variance[rng.random((n, B)) < 0.1] = UNKNOWN
    flux = np.where(variance < UNKNOWN, 1, 0).astype(np.float32)
    return WeighedInput(flux, variance, np.ones(n, np.float32))


@pytest.mark.parametrize("kind", ["narrow line", "broad dip"])
def test_a_plant_has_the_strength_it_says_and_stays_in_one_arm(part_of, kind):
    planting = part_of("real.planting")
    spectra = make_spectra(40)
    planted, at = planting.plant(spectra, kind, np.random.default_rng(1))
    change = planted.flux - spectra.flux
    strength = np.sqrt((change**2 / spectra.variance).sum(axis=1))
    assert strength == pytest.approx(planting.PLANTED[kind][2], rel=1e-3)
    assert (change[~spectra.is_known] == 0).all()
    touched = [(change[:, COMPATIBLE_GRID.bins_of(arm)] != 0).any(axis=1) for arm in ARMS]
    assert (np.sum(touched, axis=0) == 1).all()
    assert np.isin(at, COMPATIBLE_GRID.centers).all()


def test_light_is_added_in_proportion_and_at_the_redshift(part_of):
    spectra = make_spectra(3)
    rest = np.linspace(3000, 7000, 500)
    rows = np.ones((3, 500))
    redshift = np.array([0.0, 0.3, np.nan])
    lit = part_of("real.planting").add_light(spectra, (rest, rows), redshift, 0.5)
    gained = lit.flux - spectra.flux
    at = COMPATIBLE_GRID.centers
    assert gained[0, (at > 3650) & (at < 6950)] == pytest.approx(0.5, rel=1e-3)
    assert (gained[0, at > 7050] == 0).all()
    assert (gained[1, at < 3890] == 0).all()
    assert (gained[2] == 0).all()


@given(st.floats(3700, 9500))
def test_vacuum_is_longer_than_air_by_the_index_of_air(part_of, air):
    longer = part_of("real.libraries").to_vacuum(np.array([air]))[0] / air - 1
    assert 2.7e-4 < longer < 2.9e-4


def test_a_library_spectrum_keeps_its_shape_and_its_noise_in_wide_windows(part_of):
    at = np.arange(3500.0, 9000.0, 4.0)
    noise = np.full(len(at), 0.5)
    batch = part_of("real.libraries").to_arms(at, 100 + 0.01 * (at - 6000), noise)
    weighed = weigh_bins(batch, COMPATIBLE_GRID)
    flux = weighed.flux[0] * weighed.amplitude[0]
    inside = weighed.is_known[0]
    scale = np.median(100 + 0.01 * (at - 6000))
    expected = (100 + 0.01 * (COMPATIBLE_GRID.centers - 6000)) / scale
    assert flux[inside] == pytest.approx(expected[inside], rel=1e-3)
    assert not inside[COMPATIBLE_GRID.centers > 9020].any()
    sigma = np.sqrt(weighed.variance[0, inside]) * weighed.amplitude[0] * scale
    assert np.median(sigma) == pytest.approx(0.5 * np.sqrt(4.0 / 12.8), rel=0.02)


def test_a_measurer_that_is_kept_is_loaded_and_not_trained_again(part_of, measurer, tmp_path):
    path = tmp_path / "m.safetensors"
    kept = replace(measurer, network=rounded(measurer.network))
    save_measurer(path, kept, np.zeros(0, np.int64), {"training_survey": "x", "training": {}})
    again = part_of("real.network").measurer_of(path)
    spectra = make_spectra(5)
    known = Known.of_classes(np.full(5, "STAR"), np.full(5, np.nan))
    before, after = (each.measure(spectra, known) for each in (kept, again))
    for name, values in before.values.items():
        assert np.array_equal(values, after.values[name], equal_nan=True)


def test_a_chart_is_svg_that_says_what_it_shows(part_of):
    chart = part_of("chart")
    panel = chart.Panel("a < b", chart.Axis("x, Å", 1, 1000, True), chart.Axis("y & z", -1, 1))
    x = np.geomspace(1, 1000, 30)
    panel.points(x, np.sin(x), chart.RED, "dots")
    panel.line(x, np.where(x > 30, np.nan, 0.5), chart.BLUE, "line", "1;0.5;4,3")
    panel.band(x, np.zeros(30), np.full(30, 9.0), chart.SKY, "band")
    panel.steps(np.array([1.0, 10.0, 100.0]), np.array([0.2, 0.4]), chart.GREEN, "steps")
    drawn = chart.chart([panel, panel, panel], 2)
    assert drawn == chart.chart([panel, panel, panel], 2)
    tree = ElementTree.fromstring(drawn)
    words = [each.text for each in tree.iter() if each.tag.endswith("text")]
    for word in ("a < b", "x, Å", "y & z", "dots", "line", "band", "steps", "1,000"):
        assert words.count(word) == 3, word


WORDS = st.lists(st.text("abcß,.", min_size=1, max_size=12), min_size=1, max_size=80)


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_wrapped_pages_keep_their_words_and_a_width(part_of, paragraphs):
    prose = part_of("prose")
    page = "\n\n".join("\n".join(words) for words in paragraphs) + "\n\n| a | " + "b" * 150 + " |\n"
    once = prose.wrapped(page)
    assert once.split() == page.split()
    assert prose.wrapped(once) == once
    assert all(len(line) <= prose.WIDTH or line.startswith("|") for line in once.splitlines())


@pytest.fixture(scope="module")
def few(part_of, real_data, tmp_path_factory):
    """Thirty real stars and five real sky fibers."""
    folder = tmp_path_factory.mktemp("real")
    for name, n in (("lamost", 30), ("sdss-sky", 5)):
        (folder / name).mkdir()
        for path in sorted((real_data / name).glob("*.fits.gz"))[:n]:
            shutil.copy(path, folder / name)
    read = part_of("real.collections").read_folder
    return read("LAMOST", folder / "lamost", {}), read("sky", folder / "sdss-sky", {}), folder


def test_real_spectra_are_ranked_among_their_own(few, measurer):
    stars, _, _ = few
    assert len(stars) == 30
    assert set(stars.known.classes) == {"STAR"}
    found = measure_crosswise(
        lambda spectra, known: fit_few_modes(measurer, spectra, known),
        (stars.weighed,), stars.known, folds(30, 5),
    )[0]  # fmt: skip
    scores = EmpiricalCalibration.fit(found, stars.known.classes).score(
        found, stars.known.classes, np.arange(30)
    )
    ranks = np.sort(scores.p_value["astro"]) * 30
    assert ranks.min() > 0.99
    assert (ranks >= np.arange(1, 31) - 1e-6).all()
    assert np.unique(ranks).size > 20


def test_real_sky_fibers_are_gated_by_their_own_columns(few):
    _, sky, _ = few
    assert set(sky.gates) == {f"{GATED}:fiber on sky or bad, not on a target"}


def test_the_pixels_of_real_stars_scatter_as_far_as_they_say_within_a_factor(few, part_of):
    stars, _, folder = few
    native = part_of("real.native")
    pixels = native.pixels_of_files([folder / "lamost" / name for name in stars.files])
    assert set(pixels) == set(ARMS)
    for _, noise in native.arms_with_noise(pixels):
        assert 0.3 < noise.scale < 3
        assert noise.low <= noise.scale <= noise.high
    assert pixels[Arm.RED].flux.shape[0] == 30
