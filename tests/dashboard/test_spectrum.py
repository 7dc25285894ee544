import dataclasses
import re

import numpy as np
import pytest

from anomaly_explorer.dashboard import spectrum_layers as layers
from anomaly_explorer.dashboard.badge import notes_html
from anomaly_explorer.dashboard.spectrum_figure import FLUX_LABEL
from anomaly_explorer.dashboard.spectrum_layers import Look
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.spectrum import SpectrumView, draw_spectrum
from anomaly_explorer.engine.model.inspection import Inspection, ScoreAgreement
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from anomaly_explorer.engine.spectra.lines import LINES
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, Spectrum

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def inspection(rng):
    grid = COMPATIBLE_GRID
    flux = {arm: (5 + rng.normal(size=arm.n_pixels)).astype(np.float32) for arm in ARMS}
    ivar = {arm: np.ones(arm.n_pixels, np.float32) for arm in ARMS}
    mask = {arm: np.zeros(arm.n_pixels, np.uint32) for arm in ARMS}
    ivar[Arm.BLUE][100:110] = 0
    mask[Arm.RED][40] = 4
    mask[Arm.NIR][-400:] = NOT_COVERED
    flux[Arm.NIR][-400:] = np.nan
    is_covered = np.ones(grid.n_bins, bool)
    is_covered[-25:] = False
    made = np.linspace(0.5, 1.5, grid.n_bins).astype(np.float32)
    residual = np.where(is_covered, rng.normal(size=grid.n_bins), np.nan).astype(np.float32)
    residual[200] = 9.0
    facts = {"target_id": -39633345008634465, "redshift": 0.25, "spectype": "GALAXY"}
    return Inspection(
        row=3,
        facts={**facts, "is_simulated": False, "population": "science"},
        spectrum=Spectrum(flux, ivar, mask),
        grid=grid,
        normalized_flux=made + residual,
        reconstruction=made,
        residual=residual,
        is_covered=is_covered,
        scale=4.0,
        score_mse=0.1,
        score_sum=0.3,
        arm_residuals={Arm.BLUE: 0.1, Arm.RED: 0.4, Arm.NIR: float("nan")},
        worst_arm=Arm.RED,
        peak_wavelength=float(grid.centers[200]),
        agreement=ScoreAgreement(0.1, 0.1000000001, 1e-5),
        notes=(f"odd {EVIL}",),
    )


def drawn(figure, name):
    # What is no longer there stays on, filled up with nothing to see.
    data = figure.sources[name].data
    first = next(iter(data.values()))
    n = len(first)
    while n and not np.isfinite(np.asarray(first[n - 1], dtype=float)).any():
        n -= 1
    return {key: values[:n] for key, values in data.items()}


def test_no_source_ever_shrinks_and_what_is_gone_is_not_seen(inspection):
    figure = draw_spectrum(inspection, Look(redshift=0.5), DARK)
    before = {name: len(next(iter(s.data.values()))) for name, s in figure.sources.items()}
    figure.fill(None, Look())
    for name, source in figure.sources.items():
        lengths = {len(values) for values in source.data.values()}
        assert lengths == {before[name]}
        assert len(next(iter(drawn(figure, name).values()))) == 0
    figure.paint(LIGHT)
    figure.fill(inspection, Look(redshift=0.5))
    again = draw_spectrum(inspection, Look(redshift=0.5), LIGHT)
    assert drawn(figure, "lines")["x"] == drawn(again, "lines")["x"]


def finite(values):
    values = np.asarray(values)
    return values[np.isfinite(values)]


def test_reconstruction_is_steps_on_the_bins_in_flux_units(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    covered = inspection.is_covered
    y = finite(drawn(figure, "reconstruction")["y"])
    np.testing.assert_allclose(y, np.repeat(inspection.reconstruction[covered] * 4.0, 2))
    middles = finite(drawn(figure, "reconstruction")["x"]).reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(middles, inspection.grid.centers[covered])


def test_masked_flux_is_drawn_and_hatched_but_never_smoothed(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    blue = drawn(figure, "flux_b")
    assert np.isfinite(blue["flux"]).all()
    assert np.isnan(blue["smooth"][100:110]).all()
    assert np.isfinite(np.delete(blue["smooth"], slice(100, 110))).all()
    hatched = drawn(figure, "masked")
    edges = list(zip(hatched["x0"], hatched["x1"], strict=True))
    assert edges == [pytest.approx((3679.6, 3687.6)), pytest.approx((5791.6, 5792.4))]


def test_pixels_the_survey_has_not_are_a_gap_and_not_hatched(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    assert np.isnan(drawn(figure, "flux_z")["flux"][-400:]).all()
    assert max(drawn(figure, "masked")["x1"]) < 7000
    assert len(drawn(figure, "residual_z")["x"]) == 180 - 25


def test_noise_band_is_one_sigma_around_the_smoothed_flux(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    band = drawn(figure, "noise_b")
    assert len(band["ys"]) == 2
    n = len(band["ys"][0]) // 2
    low, high = band["ys"][0][:n], band["ys"][0][n:][::-1]
    np.testing.assert_allclose(high - low, 2.0, rtol=1e-5)
    smooth = drawn(figure, "flux_b")["smooth"][:n]
    np.testing.assert_allclose((low + high) / 2, smooth, rtol=1e-5)


def test_residuals_of_all_arms_are_the_covered_residuals(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    shown = np.concatenate([drawn(figure, f"residual_{arm.value}")["residual"] for arm in ARMS])
    np.testing.assert_array_equal(shown, inspection.residual[inspection.is_covered])
    middle, height = (
        np.concatenate([drawn(figure, f"residual_{arm.value}")[key] for arm in ARMS])
        for key in ("middle", "height")
    )
    np.testing.assert_allclose(np.maximum(shown, 0), middle + height / 2, atol=1e-6)
    np.testing.assert_allclose(np.minimum(shown, 0), middle - height / 2, atol=1e-6)
    assert figure.residual.y_range.end > 9.0
    assert drawn(figure, "peak")["x"] == [inspection.peak_wavelength]


def test_rest_frame_divides_every_wavelength_and_no_flux(inspection):
    observed = draw_spectrum(inspection, Look(redshift=0.25), DARK)
    rest = draw_spectrum(inspection, Look(redshift=0.25, frame="rest"), DARK)
    for name, source in observed.sources.items():
        for key in {"x", "x0", "x1", "label_x", "width"} & set(source.data):
            there = np.asarray(source.data[key], float) / 1.25
            np.testing.assert_allclose(np.asarray(drawn(rest, name)[key], float), there)
    np.testing.assert_array_equal(drawn(rest, "flux_r")["flux"], drawn(observed, "flux_r")["flux"])
    by_name = {line.name: line.wavelength for line in LINES}
    lines = drawn(rest, "lines")
    expected = [by_name[name] for name in lines["name"]]
    np.testing.assert_allclose(lines["x"], expected)
    assert "at z = 0.2500" in rest.residual.xaxis[0].axis_label


def test_axes_carry_units(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    assert figure.flux.yaxis[0].axis_label == FLUX_LABEL
    assert "erg s⁻¹ cm⁻² Å⁻¹" in FLUX_LABEL
    assert figure.residual.xaxis[0].axis_label == "Observed wavelength (Å, vacuum)"
    assert figure.flux.x_range is figure.residual.x_range is figure.strip.x_range


def test_one_cosmic_ray_does_not_move_the_limits(inspection):
    before = layers.flux_limits(inspection, Look())
    inspection.spectrum.flux[Arm.RED][1000] = 1e5
    assert layers.flux_limits(inspection, Look()) == pytest.approx(before, rel=0.02)
    assert layers.flux_limits(inspection, Look(is_full_range=True))[1] > 1e5


@pytest.mark.parametrize("redshift", [0.0, 0.3, 2.5])
@pytest.mark.parametrize("major_only", [True, False])
def test_labels_on_one_level_do_not_meet(redshift, major_only):
    lines = layers.line_layer(Look(redshift=redshift, major_only=major_only))
    ends = {}
    n_meeting = 0
    labelled = [i for i, label in enumerate(lines["label"]) if label]
    for i in labelled:
        half = 31 * len(lines["label"][i])
        n_meeting += lines["x"][i] - half < ends.get(lines["level"][i], 0)
        ends[lines["level"][i]] = lines["x"][i] + half
        assert layers.X_LIMITS[0] <= lines["label_x"][i] - half
        assert lines["label_x"][i] + half <= layers.X_LIMITS[1]
    # Four levels cannot part every line of the long list; the short one fits.
    assert n_meeting <= (0 if major_only else 5)


def test_a_new_theme_changes_colours_and_no_figure(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    ids = [part.id for part in (figure.strip, figure.flux, figure.residual)]
    glyph = figure.renderers["reconstruction"][0].glyph
    assert glyph.line_color == DARK.reconstruction
    figure.paint(LIGHT)
    assert glyph.line_color == LIGHT.reconstruction
    assert figure.flux.background_fill_color == LIGHT.panel
    assert set(drawn(figure, "lines")["color"]) <= {LIGHT.emission, LIGHT.absorption}
    assert [part.id for part in (figure.strip, figure.flux, figure.residual)] == ids


def html_of(view, name):
    return view._panes[name].object


def test_showing_another_object_keeps_the_figure(inspection):
    view = SpectrumView()
    layout = view._figure.layout
    view.show(inspection)
    view.show(dataclasses.replace(inspection, scale=8.0))
    assert view._figure.layout is layout is view._plot.object
    assert finite(drawn(view._figure, "reconstruction")["y"])[0] == pytest.approx(0.5 * 8.0)
    view.show(None, f"reading {EVIL}")
    assert len(drawn(view._figure, "reconstruction")["y"]) == 0
    assert html_of(view, "spectrum-title") == ""
    assert "&lt;script&gt;" in html_of(view, "spectrum-message")


def test_scores_are_exact_in_the_page(inspection):
    view = SpectrumView(device="cuda: H100")
    view.show(inspection)
    for name, value in (("score-catalog", 0.1), ("score-recomputed", 0.1000000001)):
        found = re.search(r'data-value="([^"]+)"', html_of(view, name))
        assert float(found[1]) == value
        assert view._panes[name].css_classes == [name]
    assert "on cuda: H100" in html_of(view, "score-recomputed")
    assert 'class="agree"' in html_of(view, "score-agreement")


def test_notes_are_escaped(inspection):
    assert "<script>" not in notes_html(inspection.notes)
    assert "odd &lt;script&gt;" in notes_html(inspection.notes)


def test_redshift_follows_the_object_the_sliders_and_reset(inspection):
    view = SpectrumView()
    view.show(inspection)
    assert view.redshift == 0.25
    view._coarse.value = 0.5
    assert view.redshift == pytest.approx(0.5)
    view._fine.value = 0.0012
    assert view.redshift == pytest.approx(0.5012)
    view.redshift = 1.2345
    assert view._coarse.value + view._fine.value == pytest.approx(1.2345)
    assert abs(view._fine.value) <= 0.005 + 1e-9
    x = dict(zip(*(drawn(view._figure, "lines")[k] for k in ("name", "x")), strict=True))
    assert x["[O II] 3726"] == pytest.approx(3727.09 * 2.2345)
    view.reset_redshift()
    assert view.redshift == 0.25


def test_what_is_typed_is_kept_in_bounds_and_an_empty_field_changes_nothing(inspection):
    view = SpectrumView()
    view.show(inspection)
    view._typed.value = 2.5
    assert view.redshift == 2.5
    view._typed.value = None
    assert view.redshift == view._typed.value == 2.5
    view._typed.value = -3.0
    assert view.redshift == view._typed.value == -0.02
    view._typed.value = 1e9
    assert view.redshift == view._typed.value == 10.0


def test_an_object_without_redshift_is_at_zero(inspection):
    view = SpectrumView()
    view.show(dataclasses.replace(inspection, facts={"target_id": 1, "redshift": None}))
    assert view.redshift == 0.0


def test_toggles_and_parameters_are_one(inspection):
    view = SpectrumView()
    view.show(inspection)
    view.show_noise = False
    assert "noise" not in view._toggles.value
    assert not any(r.visible for r in view._figure.renderers["noise"])
    view._toggles.value = ["noise", "full range"]
    assert view.show_noise
    assert view.is_full_range
    assert not view.show_lines
    assert not view.major_only
    assert len(drawn(view._figure, "lines")["x"]) > 20


def test_smoothing_redraws_the_flux(inspection):
    view = SpectrumView(smoothing=0)
    view.show(inspection)
    rough = np.nanstd(drawn(view._figure, "flux_r")["smooth"])
    view.smoothing = 20
    assert np.nanstd(drawn(view._figure, "flux_r")["smooth"]) < rough / 3


def test_next_and_previous_line_zoom(inspection):
    view = SpectrumView()
    view.show(inspection)
    x_range = view._figure.flux.x_range
    at = drawn(view._figure, "lines")["x"]
    view.focus_line(1)
    assert (x_range.start + x_range.end) / 2 == pytest.approx(at[0])
    view.focus_line(1)
    assert (x_range.start + x_range.end) / 2 == pytest.approx(at[1])
    view.focus_line(-1)
    assert (x_range.start + x_range.end) / 2 == pytest.approx(at[0])
    view.focus_line(-1)
    assert (x_range.start + x_range.end) / 2 == pytest.approx(at[-1])


def test_nothing_covered_still_draws(inspection):
    empty = dataclasses.replace(
        inspection,
        is_covered=np.zeros(496, bool),
        residual=np.full(496, np.nan, np.float32),
        worst_arm=None,
        arm_residuals=dict.fromkeys(ARMS, float("nan")),
    )
    view = SpectrumView()
    view.show(empty)
    assert drawn(view._figure, "peak")["x"] == []
    assert "no data" in html_of(view, "arm-residuals")
