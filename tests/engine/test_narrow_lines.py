"""A narrow line where none is known is found where it is, and what everybody has is none."""

import numpy as np
import pytest

from anomaly_explorer.engine.errors import ModelError
from anomaly_explorer.engine.explain.near_line import nearest_line
from anomaly_explorer.engine.scoring import narrow_lines
from anomaly_explorer.engine.scoring.expected_excess import (
    BOXES,
    FIRST_LN,
    N_PLACES,
    SHIPPED_EXCESS,
    STEP_LN,
    ExpectedExcess,
    shipped_excess,
)
from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.narrow_lines import excess_moments, strongest_lines
from anomaly_explorer.engine.scoring.pixels import Pixels
from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM, Arm
from anomaly_explorer.engine.spectra.lines import LINES
from anomaly_explorer.engine.spectra.open import open_source

NOTHING = ExpectedExcess(
    {name: (np.zeros((len(BOXES), N_PLACES), np.float32),) * 2 for name in ("GALAXY", "STAR")}
)


def flat(rng, n=20, line=None, level=5.0):
    """Make N spectra with noise of 1; a line is (Å, σ in Å, peak)."""
    flux = []
    for arm in ARMS:
        values = level + rng.normal(size=(n, arm.n_pixels))
        if line is not None:
            values += line[2] * np.exp(-0.5 * ((arm.wavelength - line[0]) / line[1]) ** 2)
        flux.append(values.astype(np.float32))
    return Pixels(tuple(flux), tuple(np.ones_like(each) for each in flux))


def part_of(pixels, rows):
    sides = (pixels.flux, pixels.ivar)
    return Pixels(*(tuple(each[rows] for each in side) for side in sides))


def known_as(name, n=20, redshift=0.0):
    return Known.of_classes(np.full(n, name), np.full(n, redshift))


@pytest.mark.parametrize("at", [4500.3, 5755.0, 6800.7, 8900.0])
@pytest.mark.parametrize("sigma", [0.8, 2.0, 4.0])
def test_a_line_is_found_where_it_is_and_as_significant_as_it_can_be(rng, at, sigma):
    plain, _ = strongest_lines(flat(rng), known_as("STAR"), NOTHING)
    assert plain.max() < 5.5
    peak = 12.0 / np.sqrt(sigma / STEP_ANGSTROM * np.sqrt(np.pi))
    found, where = strongest_lines(flat(rng, line=(at, sigma, peak)), known_as("STAR"), NOTHING)
    # A matched filter would see 12; a box and a continuum that is measured lose some of it.
    assert 8 < np.median(found) < 12.5
    assert np.abs(where - at).max() < 3 * sigma + STEP_ANGSTROM


def test_a_dip_and_a_broad_bump_are_no_narrow_lines(rng):
    # A dip three times as deep would lift what is beside it above its continuum.
    for line in ((5000.0, 1.5, -10.0), (5000.0, 150.0, 8.0)):
        found, _ = strongest_lines(flat(rng, line=line), known_as("STAR"), NOTHING)
        assert np.median(found) < 5.5


def test_lines_at_the_redshift_are_known(rng):
    halpha = next(line.wavelength for line in LINES if line.name == "Hα") * 1.1
    pixels = flat(rng, line=(halpha, 1.5, 20.0))
    found, _ = strongest_lines(pixels, known_as("GALAXY", redshift=0.1), NOTHING)
    assert found.max() < 5.5
    wrong, where = strongest_lines(pixels, known_as("GALAXY", redshift=0.16), NOTHING)
    assert wrong.min() > 15
    assert np.abs(where - halpha).max() < 5


@pytest.mark.parametrize("level", [0.0, 3e4])
def test_significance_is_in_units_of_the_noise_and_of_what_a_continuum_may_be(rng, level):
    """In bright spectra nothing is known to better than 1 %: noise alone is far below it."""
    found, _ = strongest_lines(flat(rng, level=level), known_as("STAR"), NOTHING)
    assert found.max() < (5.5 if level == 0 else 0.5)


def test_bad_pixels_say_nothing(rng):
    pixels = flat(rng)
    for arm in range(3):
        pixels.ivar[arm][:, 900:960] = 0
        pixels.flux[arm][:, 900:960] = 1e6
        pixels.flux[arm][:, 1200] = np.nan
        pixels.ivar[arm][:, 1201] = np.inf
    found, _ = strongest_lines(pixels, known_as("STAR"), NOTHING)
    assert found.max() < 5.5


def test_where_nothing_can_be_seen_nothing_is_said(rng):
    pixels = flat(rng, 4)
    unclear = [known_as("STAR", 4, z) for z in (np.nan, np.inf, -0.5)]
    for known in (known_as("", 4), known_as("OTHER", 4), *unclear):
        assert all(np.isnan(each).all() for each in strongest_lines(pixels, known, NOTHING))
    for each in pixels.ivar:
        each[:] = 0
    assert all(np.isnan(e).all() for e in strongest_lines(pixels, known_as("STAR", 4), NOTHING))


def test_each_spectrum_is_looked_at_alone(rng):
    pixels, known = flat(rng, 9), known_as("STAR", 9)
    together = strongest_lines(pixels, known)
    for row in range(9):
        alone = part_of(pixels, slice(row, row + 1))
        for one, all_of_them in zip(
            strongest_lines(alone, known.take([row])), together, strict=True
        ):
            assert one[0] == all_of_them[row]


def test_what_normals_have_is_expected(rng):
    """A bump that every star has is learned, with its scatter, and no line any more."""
    at = 6000.0

    def stars(n):
        pixels = flat(rng, n, level=100.0)
        height = rng.normal(12, 2, n)[:, None]
        shape = np.exp(-0.5 * ((Arm.RED.wavelength - at) / 3) ** 2)
        pixels.flux[1][:] += (height * shape).astype(np.float32)
        return pixels

    known = known_as("STAR", 200)
    naive, _ = strongest_lines(stars(200), known, NOTHING)
    moments = excess_moments(stars(200), known, "STAR")
    expected = ExpectedExcess.fit({"STAR": moments})
    found, _ = strongest_lines(stars(200), known, expected)
    assert np.median(naive) > 8
    assert np.quantile(found, 0.9) < 5.5
    mean, variance = expected.by_class["STAR"]
    place = int((np.log(at) - FIRST_LN) / STEP_LN)
    assert 0.08 < mean[0, place - 1 : place + 2].max() < 0.13
    assert 0.01 < np.sqrt(variance[0, place]) < 0.03


def test_moments_of_parts_are_those_of_the_whole(rng):
    pixels, known = flat(rng, 8), known_as("STAR", 8)
    whole = excess_moments(pixels, known, "STAR")
    halves = [known.take(np.arange(4)), known.take(np.arange(4, 8))]
    parts = sum(
        excess_moments(part_of(pixels, rows), half, "STAR")
        for rows, half in zip((slice(0, 4), slice(4, 8)), halves, strict=True)
    )
    np.testing.assert_allclose(parts, whole, rtol=1e-12)
    assert not excess_moments(pixels, known, "QSO").any()


def test_a_table_on_disk_is_the_one_that_was_made(tmp_path, rng):
    moments = np.abs(rng.normal(1, 0.2, (len(BOXES), N_PLACES, 3))) * (50, 1, 1)
    made = ExpectedExcess.fit({"STAR": moments, "QSO": 2 * moments})
    made.save(tmp_path / "table.safetensors")
    read = ExpectedExcess.load(tmp_path / "table.safetensors")
    assert read.by_class.keys() == made.by_class.keys()
    for name, tables in made.by_class.items():
        for one, other in zip(tables, read.by_class[name], strict=True):
            np.testing.assert_array_equal(one, other)
    (tmp_path / "other.safetensors").write_bytes(b"<html>")
    with pytest.raises(ModelError, match="not a safetensors file"):
        ExpectedExcess.load(tmp_path / "other.safetensors")


def test_the_shipped_table_knows_every_class_and_is_small():
    assert set(shipped_excess().by_class) == {"GALAXY", "QSO", "STAR"}
    assert SHIPPED_EXCESS.stat().st_size < 4e6
    for mean, variance in shipped_excess().by_class.values():
        assert mean.shape == variance.shape == (len(BOXES), N_PLACES)
        assert np.isfinite(mean).all()
        assert (variance >= 0).all()


def test_lensed_lines_stand_out_of_simulated_galaxies():
    """The oddities it is for, against normals of their class: half are beyond 1 % of these."""
    survey = SimulatedSurvey(77)
    ids = survey.target_ids(120_000)
    ids = ids[survey.fiber_uses(ids) == identity.SCIENCE]
    types = survey.injected_types(ids)
    batch = survey.spectra(ids[types == "lensed_line"][:60])
    odd, _ = strongest_lines(Pixels.of_batch(batch), Known.of_columns(batch.columns))
    batch = survey.spectra(ids[types == ""][:1500])
    known = Known.of_columns(batch.columns)
    normal, _ = strongest_lines(Pixels.of_batch(batch), known)
    limit = np.quantile(normal[known.classes == "GALAXY"], 0.99)
    assert np.mean(odd > limit) > 0.5


def test_hidden_widths_are_there_for_every_class_of_the_table():
    assert set(narrow_lines._HIDDEN_KMS) == set(shipped_excess().by_class)


# Emitters of coronal lines: their spectra in SDSS, and where the strongest unexpected line lies.
CORONAL = {
    "spec-0854-52373-0369": "[Fe XI] 7892",
    "spec-0907-52373-0419": "[Fe VII] 6087",
    "spec-1372-53062-0072": "[Fe VII] 6087",
    "spec-2114-53848-0443": "[Fe XI] 7892",
    "spec-2295-53734-0017": "[Fe VII] 6087",
    "spec-2580-54092-0470": "[Fe VII] 6087",
}


@pytest.mark.parametrize("name", CORONAL)
def test_iron_of_a_hot_corona_is_found_in_real_galaxies(name, real_data):
    (path,) = (real_data / "sdss-boss").glob(f"{name}*")
    batch = open_source(path).read([0])
    known = Known.of_columns(batch.columns)
    significance, at = strongest_lines(Pixels.of_batch(batch), known)
    near = nearest_line(float(at[0]), float(known.redshift[0]))
    assert near.line.name == CORONAL[name]
    assert abs(near.offset_kms) < 150
    assert significance[0] > 5
