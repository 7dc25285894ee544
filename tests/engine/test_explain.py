"""What is said of a spectrum is where it was put: feature, shares, line, air and verdict."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anomaly_explorer.engine.explain.evidence import evidence_of_residual
from anomaly_explorer.engine.explain.feature import feature_of_residual, fwhm_bins
from anomaly_explorer.engine.explain.leftover import leave
from anomaly_explorer.engine.explain.near_line import nearest_line
from anomaly_explorer.engine.explain.noise_aware import noise_aware_evidence
from anomaly_explorer.engine.explain.shares import share_out, shares_of_difference
from anomaly_explorer.engine.explain.verdict import verdict_of_record
from anomaly_explorer.engine.model.weighing import UNKNOWN
from anomaly_explorer.engine.scoring.filters import filter_bank, match_filters
from anomaly_explorer.engine.scoring.pixel_findings import PixelFindings
from anomaly_explorer.engine.scoring.statistics import MATCHED, NAMES, measure
from anomaly_explorer.engine.spectra.air import AIRGLOW, BRIGHT, air_bins, name_air
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.lines import LINES, RARE_LINES, TELLURIC_BANDS

from .explain_maker import N_BINS, make_calibration, make_flat, make_measurer

CENTERS = COMPATIBLE_GRID.centers
NOISE = np.full(N_BINS, 4.0)


@pytest.fixture(scope="module")
def measurer():
    bare = make_measurer()
    return bare.with_modes(*make_flat(9, 400))


@pytest.fixture(scope="module")
def calibration(measurer):
    return make_calibration(measurer)


def bump_residual(center, sigma, height):
    noise = np.random.default_rng(3).normal(0, 0.02, N_BINS)
    return (noise + height * np.exp(-0.5 * ((np.arange(N_BINS) - center) / sigma) ** 2)).astype(
        np.float32
    )


PLACES = st.sampled_from([(60, 1.0), (100, 2.0), (230, 4.0), (250, 1.0), (400, 2.0), (420, 8.0)])


@given(place=PLACES, height=st.sampled_from([-2.0, 3.0]))
def test_a_bump_of_a_residual_is_named_where_it_is(place, height):
    center, sigma = place
    residual, weight = bump_residual(center, sigma, height), np.full(N_BINS, 4.0)
    found = feature_of_residual(residual, weight, COMPATIBLE_GRID)
    assert abs(found.wavelength - CENTERS[center]) <= COMPATIBLE_GRID.bin_width
    assert abs(found.width_bins - fwhm_bins(sigma)) <= 1.5
    assert found.is_excess is (height > 0)
    assert CENTERS[center] in CENTERS[COMPATIBLE_GRID.bins_of(found.arm)]
    assert found.height == pytest.approx(abs(height), abs=0.1)
    assert found.significance > 2 * abs(height) * 0.7 * np.sqrt(found.width_bins)
    low, high = found.limits
    assert high - low == pytest.approx(found.width_angstrom)


def one(spectra, known, row=0):
    rows = np.array([row])
    return spectra.take(rows), known.take(rows)


@pytest.mark.parametrize("strength", [-40, 40])
@pytest.mark.parametrize("place", [(60, 1.0), (120, 4.0), (250, 2.0), (400, 8.0), (300, 0.0)])
def test_a_bump_of_a_spectrum_is_named_where_it_is(measurer, calibration, place, strength):
    center, sigma = place
    spectra, known = make_flat(5, 4, (center, sigma, strength))
    scores = calibration.score(measurer.measure(spectra, known), known.peers)
    assert (scores.sigma["astro"] > 3).all()
    for row, winner in enumerate(scores.winner("astro")):
        found = noise_aware_evidence(measurer, *one(spectra, known, row), str(winner))
        feature = found.feature
        assert abs(feature.wavelength - CENTERS[center]) <= COMPATIBLE_GRID.bin_width
        assert feature.width_bins / fwhm_bins(sigma) == pytest.approx(1, abs=0.5)
        assert feature.is_excess is (strength > 0)


def test_without_a_winner_the_most_significant_bump_is_named(measurer):
    spectra, known = make_flat(6, 2, (230, 4.0, 60))
    for winner in ("", "misfit", "latent"):
        found = noise_aware_evidence(measurer, *one(spectra, known, 1), winner)
        assert found.feature.width_bins == pytest.approx(fwhm_bins(4.0), rel=0.01)


@pytest.mark.parametrize("bin_number", [30, 200, 480])
def test_where_a_narrow_line_has_won_its_bin_is_looked_at(measurer, bin_number):
    spectra, known = make_flat(6, 2, (230, 4.0, 60))
    at = float(CENTERS[bin_number]) + 4
    feature = noise_aware_evidence(measurer, *one(spectra, known), "line", at).feature
    assert (feature.wavelength, feature.width_bins) == (pytest.approx(CENTERS[bin_number]), 1)
    outside = noise_aware_evidence(measurer, *one(spectra, known), "line", 2000.0).feature
    assert outside.wavelength == pytest.approx(CENTERS[230], abs=2 * COMPATIBLE_GRID.bin_width)


def test_a_winner_is_named_even_where_another_width_is_more_significant(measurer):
    spectra, known = make_flat(6, 1, (230, 4.0, 60))
    narrow = noise_aware_evidence(measurer, spectra, known, MATCHED[0]).feature
    best = noise_aware_evidence(measurer, spectra, known).feature
    assert narrow.width_bins < best.width_bins
    assert narrow.significance < best.significance


def test_what_is_left_is_what_the_statistics_were_made_of(measurer):
    spectra, known = make_flat(7, 12, (100, 2.0, 20))
    known = replace(known, redshift=np.linspace(0.1, 0.5, 12))
    measured, left = measurer.measure(spectra, known), leave(measurer, spectra, known)
    surprise = measurer.density.surprise(measured.latents)
    pixels = PixelFindings.unknown(12)
    values, filters = measure(left, surprise, pixels, measurer.sky, COMPATIBLE_GRID)
    np.testing.assert_array_equal(filters, measured.filters)
    for name in NAMES:
        np.testing.assert_allclose(values[name], measured.values[name], rtol=1e-5, err_msg=name)


def test_the_strength_and_the_shares_are_those_of_the_statistics(measurer):
    spectra, known = make_flat(8, 3, (230, 4.0, 30))
    measured, left = measurer.measure(spectra, known), leave(measurer, spectra, known)
    significance, _ = match_filters(left.values, left.weight, filter_bank(COMPATIBLE_GRID))
    for row in range(3):
        found = noise_aware_evidence(measurer, *one(spectra, known, row))
        assert found.feature.significance == pytest.approx(significance[row].max(), rel=1e-4)
        squares = np.minimum(left.values[row] ** 2 * left.weight[row], 25)
        red = squares[COMPATIBLE_GRID.bins_of(Arm.RED)].sum() / squares.sum()
        shares = shares_of_difference(left, row, COMPATIBLE_GRID)
        assert shares.arms[Arm.RED] == pytest.approx(red, rel=1e-5)
        n_known = (left.weight[row] > 0).sum()
        assert squares.sum() / n_known == pytest.approx(measured.values["misfit"][row], rel=1e-4)


def test_a_class_that_nobody_knows_has_evidence_too(measurer):
    spectra, known = make_flat(6, 1, (230, 1.0, 40))
    known = replace(known, classes=np.array(["COMET"]))
    found = noise_aware_evidence(measurer, spectra, known)
    assert abs(found.feature.wavelength - CENTERS[230]) <= COMPATIBLE_GRID.bin_width


def test_a_spectrum_without_data_has_no_feature_and_no_shares(measurer):
    spectra, known = make_flat(6, 1)
    empty = replace(spectra, variance=np.full_like(spectra.variance, UNKNOWN))
    found = noise_aware_evidence(measurer, empty, known, MATCHED[0])
    assert found.feature is None
    assert found.shares is None


@given(
    hnp.arrays(np.float64, N_BINS, elements=st.floats(0, 1e6) | st.just(float("nan"))),
)
def test_shares_are_shares(contributions):
    shares = share_out(contributions, COMPATIBLE_GRID)
    if not np.nansum(contributions) > 0:
        assert shares is None
        return
    parts = (shares.sky_lines, shares.telluric, shares.elsewhere)
    assert sum(parts) == pytest.approx(1)
    assert sum(shares.arms.values()) == pytest.approx(1)
    assert all(
        0 <= part <= 1 + 1e-9 for part in (*parts, *shares.arms.values(), shares.bins_on_air)
    )
    assert shares.on_air == shares.sky_lines + shares.telluric


def test_a_score_on_a_sky_line_is_all_on_sky_lines():
    strongest = max(AIRGLOW, key=lambda line: line[1])[0]
    here = np.abs(CENTERS - strongest) < COMPATIBLE_GRID.bin_width / 2
    shares = share_out(here.astype(float), COMPATIBLE_GRID)
    assert shares.sky_lines == 1
    residual = np.where(here, -3.0, 0.01).astype(np.float32)
    evidence = evidence_of_residual(residual, NOISE, COMPATIBLE_GRID, float("nan"))
    assert "night-sky line" in evidence.air
    assert not evidence.feature.is_excess
    assert evidence.line is None


def test_every_bright_line_and_every_band_is_in_the_bins_of_the_air():
    air = air_bins(COMPATIBLE_GRID)
    for wavelength, strength in AIRGLOW:
        nearest = np.abs(CENTERS - wavelength).argmin()
        if strength >= BRIGHT:
            assert air.has_line[nearest]
            assert name_air(wavelength - 3, wavelength + 3).startswith("night-sky line")
    for band in TELLURIC_BANDS:
        inside = (band.low <= CENTERS) & (band.high >= CENTERS)
        assert air.has_band[inside].all()
    assert not air.has_band[CENTERS < 6800].any()


@given(
    line=st.sampled_from((*LINES, *RARE_LINES)), redshift=st.floats(0, 5), offset=st.floats(-40, 40)
)
def test_a_wavelength_on_a_line_is_nearest_to_it_or_to_one_as_near(line, redshift, offset):
    at = line.wavelength * (1 + redshift) * (1 + offset / 299792.458)
    near = nearest_line(at, redshift)
    assert abs(near.offset_kms) <= abs(offset) + 1e-6
    assert near.observed_wavelength == pytest.approx(near.line.wavelength * (1 + redshift))
    assert at / near.observed_wavelength - 1 == pytest.approx(near.offset_kms / 299792.458)


@pytest.mark.parametrize("redshift", [float("nan"), float("inf"), -1.0])
def test_without_a_redshift_there_is_no_near_line(redshift):
    assert nearest_line(5000.0, redshift) is None


def test_nothing_covered_is_no_evidence():
    evidence = evidence_of_residual(
        np.full(N_BINS, np.nan, np.float32), NOISE, COMPATIBLE_GRID, 0.1
    )
    assert (evidence.feature, evidence.shares, evidence.line, evidence.air) == (None,) * 3 + ("",)


def test_a_store_may_carry_a_verdict():
    assert verdict_of_record({"sigma_astro": None}) is None
    assert verdict_of_record({"target_id": 5}) is None
    record = {
        "sigma_astro": 4.5, "p_astro": 3e-6, "winning_statistic": "width_2",
        "is_extrapolated": True, "bump_wavelength": 6000.0,
    }  # fmt: skip
    found = verdict_of_record(record)
    assert (found.sigma_astro, found.p_value, found.winner) == (4.5, 3e-6, "width_2")
    assert (found.wavelength, found.is_extrapolated) == (6000.0, True)
    line = verdict_of_record({**record, "winning_statistic": "line", "line_wavelength": 7000.5})
    assert line.wavelength == 7000.5
    other = verdict_of_record({**record, "winning_statistic": "latent", "is_extrapolated": None})
    assert np.isnan(other.wavelength)
    assert other.is_extrapolated is None
    assert other.instrument_winner == ""
    assert verdict_of_record({**record, "winning_instrument_statistic": "sky"}).instrument_winner
