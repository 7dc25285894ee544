"""The figure of a spectrum shows what the inspection says, in its units."""

import numpy as np
import pytest

from anomaly_explorer.dashboard import spectrum_layers as layers
from anomaly_explorer.dashboard.curves import runs_of
from anomaly_explorer.dashboard.spectrum_figure import FLUX_LABEL
from anomaly_explorer.dashboard.spectrum_layers import Look
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.spectrum import draw_spectrum
from anomaly_explorer.engine.spectra.grid import ARMS, Arm
from anomaly_explorer.engine.spectra.lines import LINES
from tests.dashboard.spectrum_maker import drawn, finite


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
    assert len(drawn(figure, "residual")["x"]) == inspection.is_covered.sum()
    assert (drawn(figure, "residual")["arm"] == 2).sum() == 180 - 25


def test_noise_band_is_one_sigma_around_the_smoothed_flux(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    band = drawn(figure, "noise")
    outlines = runs_of(np.isfinite(band["y"]))
    assert len(outlines) == 2 + 2 + 1  # parted by what is masked in B and in R
    outline = band["y"][outlines[0]]
    n = len(outline) // 2
    low, high = outline[:n], outline[n:][::-1]
    np.testing.assert_allclose(high - low, 2.0, rtol=1e-5)
    smooth = drawn(figure, "flux_b")["smooth"][:n]
    np.testing.assert_allclose((low + high) / 2, smooth, rtol=1e-5)


def test_residuals_of_all_arms_are_the_covered_residuals(inspection):
    figure = draw_spectrum(inspection, Look(), DARK)
    bars = drawn(figure, "residual")
    shown, middle, height = (bars[key] for key in ("residual", "middle", "height"))
    np.testing.assert_array_equal(shown, inspection.residual[inspection.is_covered])
    bins = np.flatnonzero(inspection.is_covered)
    for number, arm in enumerate(ARMS):
        of_arm = np.isin(bins, np.arange(inspection.grid.n_bins)[inspection.grid.bins_of(arm)])
        np.testing.assert_array_equal(bars["arm"] == number, of_arm)
    assert figure.arm_colors.palette == [DARK.arm(arm) for arm in ARMS]
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
            np.testing.assert_allclose(np.asarray(drawn(rest, name)[key], float), there, rtol=1e-6)
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
@pytest.mark.parametrize("frame_width", [300, 560, 1200])
def test_labels_do_not_meet_and_a_wide_frame_names_every_major_line(
    redshift, major_only, frame_width
):
    lines = layers.line_layer(Look(redshift=redshift, major_only=major_only), frame_width)
    angstrom_per_pixel = (layers.X_LIMITS[1] - layers.X_LIMITS[0]) / frame_width
    ends = {}
    for i, label in enumerate(lines["label"]):
        half = 3 * len(label) * angstrom_per_pixel
        if label:
            assert lines["label_x"][i] - half >= ends.get(lines["level"][i], layers.X_LIMITS[0])
            assert lines["label_x"][i] + half <= layers.X_LIMITS[1]
            ends[lines["level"][i]] = lines["label_x"][i] + half
    named = set(lines["label"]) - {""}
    short = {name.rsplit(" ", 1)[0] if name[-1].isdigit() else name for name in lines["name"]}
    assert named <= short
    assert len(named) >= len(short) / 2
    if major_only and frame_width == 1200:
        assert named == short


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


def test_labels_follow_a_frame_that_changes_its_width(inspection):
    figure = draw_spectrum(inspection, Look(redshift=0.1), DARK)

    def named():
        return sum(bool(label) for label in drawn(figure, "lines")["label"])

    figure._on_width("inner_width", 560, 1200)
    wide = named()
    figure._on_width("inner_width", 1200, 200)
    narrow = named()
    assert narrow < wide
    figure._on_width("inner_width", 200, 0)  # hidden: nothing is known of its width
    assert named() == narrow
    figure._on_width("inner_width", 0, 1200)
    assert named() == wide


def test_lines_of_one_name_that_stand_together_are_named_once():
    lines = layers.line_layer(Look(), 1200)
    assert lines["label"].count("Ca II") == 1
