"""Two peaks in the emission lines of a galaxy, seen on pixels that bins cannot resolve."""

import numpy as np
import pytest

from anomaly_explorer.engine.scoring.known import Known
from anomaly_explorer.engine.scoring.line_profile import second_components
from anomaly_explorer.engine.scoring.pixels import Pixels
from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.lines import LINES
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch
from anomaly_explorer.engine.spectra.stored import StoredBatch, StoredRows

LIGHT = 299792.458
REST = {line.name: line.wavelength for line in LINES}
STRENGTHS = {
    "[O II] 3726": 0.8, "[O II] 3729": 1.0, "Hβ": 0.6, "[O III] 4959": 0.5, "[O III] 5007": 1.5,
    "[N II] 6548": 0.2, "Hα": 1.8, "[N II] 6584": 0.6, "[S II] 6716": 0.4, "[S II] 6731": 0.3,
}  # fmt: skip


def galaxy(rng, components, height=20.0, n=40, width=70.0):
    """Make N spectra with noise of 1 at a redshift of 0.25; components are (km/s, share)."""
    redshift = 0.25
    flux, ivar, mask = {}, {}, {}
    for arm in ARMS:
        wavelength = arm.wavelength
        lines = np.zeros(arm.n_pixels)
        for name, strength in STRENGTHS.items():
            for velocity, share in components:
                at = REST[name] * (1 + redshift) * (1 + velocity / LIGHT)
                sigma = np.hypot(at * width / LIGHT, 0.7)
                lines += height * strength * share * np.exp(-0.5 * ((wavelength - at) / sigma) ** 2)
        continuum = 3 + 2e-4 * (wavelength - 6000)
        flux[arm] = (continuum + lines + rng.normal(size=(n, arm.n_pixels))).astype(np.float32)
        ivar[arm] = np.ones((n, arm.n_pixels), np.float32)
        mask[arm] = np.zeros((n, arm.n_pixels), np.uint32)
    columns = {"target_id": np.arange(n), "spectype": np.full(n, "GALAXY"),
               "redshift": np.full(n, redshift)}  # fmt: skip
    return SpectrumBatch(flux, ivar, mask, columns)


def found(batch, **changed):
    return second_components(Pixels.of_batch(batch), Known.of_columns({**batch.columns, **changed}))


@pytest.mark.parametrize("split", [250, 400, 620])
@pytest.mark.parametrize("share", [0.5, 0.3])
@pytest.mark.parametrize("center", [0, 150])
def test_two_velocities_stand_out_wherever_the_redshift_sits(rng, split, share, center):
    single = found(galaxy(rng, [(0, 1.0)]))
    parts = [(center - split * share, 1 - share), (center + split * (1 - share), share)]
    double = found(galaxy(rng, parts))
    assert single.max() < 1.5
    assert np.median(double) > 2.5
    assert double.min() > single.max()


@pytest.mark.parametrize("width", [25.0, 70.0, 160.0, 300.0])
@pytest.mark.parametrize("shift", [0, 60])
def test_single_lines_of_any_width_and_strength_do_not(rng, width, shift):
    for height in (5.0, 50.0, 500.0):
        single = found(galaxy(rng, [(shift, 1.0)], height=height, width=width))
        assert np.nanmedian(single) < 2.5


def test_scale_changes_nothing_and_bad_pixels_do_not_count(rng):
    batch = galaxy(rng, [(-200, 0.5), (200, 0.5)])
    expected = found(batch)
    scaled = SpectrumBatch(
        {arm: 10 * batch.flux[arm] for arm in ARMS}, {arm: batch.ivar[arm] / 100 for arm in ARMS},
        batch.mask, batch.columns,
    )  # fmt: skip
    np.testing.assert_allclose(found(scaled), expected, rtol=1e-3)
    spoilt = {arm: batch.flux[arm].copy() for arm in ARMS}
    mask = {arm: batch.mask[arm].copy() for arm in ARMS}
    ivar = {arm: batch.ivar[arm].copy() for arm in ARMS}
    for arm in ARMS:
        mask[arm][:, 100::97], ivar[arm][:, 50::101] = 4, 0
    flat = SpectrumBatch(batch.flux, ivar, mask, batch.columns)
    for arm in ARMS:
        spoilt[arm][:, 100::97], spoilt[arm][:, 50::101] = 1e6, np.nan
    np.testing.assert_array_equal(
        found(SpectrumBatch(spoilt, ivar, mask, batch.columns)), found(flat)
    )


def test_pixels_as_they_lie_in_a_file_say_the_same(rng):
    batch = galaxy(rng, [(-200, 0.5), (200, 0.5)], n=5)
    batch.mask[ARMS[1]][:, 300:320] = 2

    def image(values, flipped=0):
        words = np.ascontiguousarray(values).view(np.uint32) ^ np.uint32(flipped)
        return StoredRows(words.byteswap(), is_swapped=True, flipped=flipped)

    arms = {arm: (image(batch.flux[arm]), image(batch.ivar[arm]), image(batch.mask[arm], 1 << 31))
            for arm in ARMS}  # fmt: skip
    np.testing.assert_array_equal(found(StoredBatch(arms, batch.columns)), found(batch))


def test_without_lines_a_redshift_or_a_galaxy_there_is_no_profile(rng):
    quiet = galaxy(rng, [(0, 1.0)], height=0.0)
    assert np.isnan(found(quiet)).mean() > 0.9
    loud = galaxy(rng, [(0, 1.0)], n=2)
    assert np.isfinite(found(loud)).all()
    for changed in ({"spectype": np.full(2, "QSO")}, {"redshift": np.full(2, np.nan)},
                    {"redshift": np.full(2, 6.0)}):  # fmt: skip
        assert np.isnan(found(loud, **changed)).all()


def test_double_peaks_of_the_simulated_survey_rise(rng):
    survey = SimulatedSurvey(77)
    ids = identity.target_ids(survey.seed, survey.version, np.arange(60_000))
    ids = ids[survey.fiber_uses(ids) == identity.SCIENCE]
    types = survey.injected_types(ids)
    normal, _ = survey.spectra_with_truth(ids[types == ""][:1200])
    double, strengths = survey.spectra_with_truth(ids[types == "double_peak"][:60])
    known = Known.of_columns(normal.columns)
    typical = np.nan_to_num(
        second_components(Pixels.of_batch(normal), known)[known.classes == "GALAXY"]
    )
    rising = second_components(Pixels.of_batch(double), Known.of_columns(double.columns))
    plain = strengths["strength"] > 50
    assert plain.sum() > 10
    assert (rising[plain] > np.quantile(typical, 0.99)).mean() > 0.6
