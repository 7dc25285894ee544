import holoviews as hv
import numpy as np
import panel_material_ui as pmui
import pytest
from bokeh.document import Document
from bokeh.plotting import figure
from panel.io.state import set_curdoc

from anomaly_explorer.dashboard.stack_figure import draw_stack
from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.dashboard.views.stack import StackView, title_html
from anomaly_explorer.engine.model.stack import Stack
from anomaly_explorer.engine.spectra.grid import COMPATIBLE_GRID


@pytest.fixture
def stack(rng):
    def percentiles():
        values = np.sort(rng.normal(size=(3, COMPATIBLE_GRID.n_bins)), axis=0).astype(np.float32)
        values[:, 50:60] = np.nan
        return values

    return Stack(
        n_objects=1180,
        n_selected=2145,
        wavelength=COMPATIBLE_GRID.centers,
        flux=percentiles(),
        reconstruction=percentiles(),
        residual=percentiles(),
        n_agree=1179,
        failures=("<b>coadd.fits</b> is missing",),
    )


def elements(layout, kind, name):
    # Area is a subclass of Curve.
    found = [e for e in layout.traverse(lambda e: e, [kind]) if type(e) is kind]
    return [e for e in found if e.vdims[0].name.startswith(name)]


@pytest.mark.parametrize("name", ["flux", "reconstruction", "residual"])
def test_median_and_band_are_the_stack_without_what_nobody_covers(stack, name):
    layout = hv.Layout(draw_stack(stack, DARK))
    values = getattr(stack, name)
    covered = np.isfinite(values[1])
    curves = elements(layout, hv.Curve, name)
    # Three arms, the blue one broken by the bins without data.
    assert len(curves) == 4
    x = np.concatenate([c.dimension_values(0) for c in curves])
    np.testing.assert_allclose(x, stack.wavelength[covered])
    median = np.concatenate([c.dimension_values(1) for c in curves])
    np.testing.assert_array_equal(median, values[1][covered])
    bands = elements(layout, hv.Area, name)
    low = np.concatenate([band.dimension_values(1) for band in bands])
    high = np.concatenate([band.dimension_values(2) for band in bands])
    np.testing.assert_array_equal(low, values[0][covered])
    np.testing.assert_array_equal(high, values[2][covered])


def test_wavelength_never_goes_back_within_a_curve(stack):
    for curve in hv.Layout(draw_stack(stack, DARK)).traverse(lambda e: e, [hv.Curve]):
        assert np.all(np.diff(curve.dimension_values(0)) > 0)


def test_the_picture_renders_with_units_and_palette(stack):
    plot = hv.render(hv.Layout(draw_stack(stack, LIGHT)).cols(1), backend="bokeh")
    figures = [model for model in plot.references() if type(model).__name__ == "figure"]
    assert {f.yaxis[0].axis_label for f in figures} == {
        "Normalized flux",
        "Residual (normalized)",
    }
    lower = next(f for f in figures if "Residual" in f.yaxis[0].axis_label)
    assert lower.xaxis[0].axis_label == "Observed wavelength (Å, vacuum)"
    assert {f.background_fill_color for f in figures} == {LIGHT.panel}
    assert lower.y_range.start <= np.nanmin(stack.residual)
    assert lower.y_range.end >= np.nanmax(stack.residual)


def test_the_title_counts_what_is_stacked_and_what_agrees(stack):
    html = title_html(stack)
    assert "1,180 of 2,145 selected objects, normalized, observed frame" in html
    assert "agrees with the catalog for 1,179 of 1,180" in html
    assert "1 failed" in html


def test_failures_and_messages_are_escaped(stack):
    view = StackView()
    view.show(stack, "<i>reading</i>")
    assert "<b>coadd" not in view._title.object
    assert "<i>" not in view._title.object
    assert "&lt;b&gt;coadd.fits" in view._title.object


def test_the_view_hides_the_picture_without_a_stack(stack):
    view = StackView()
    assert not view._frame.visible
    view.show(None, "12 of 300 read")
    assert "12 of 300 read" in view._title.object
    assert not view._frame.visible
    view.show(stack)
    assert view._frame.visible
    before = view._frame[0].object
    view.palette = LIGHT
    assert view._frame[0].object is not before


def test_a_stack_on_a_page_of_material_can_be_cleared_and_shown_again(stack):
    document = Document()
    with set_curdoc(document):
        view = StackView()
        pmui.Page(main=[view]).server_doc(document)
        for shown in (stack, None, stack, None):
            view.show(shown)
            figures = list(document.select({"type": figure}))
            assert len(figures) == (0 if shown is None else 2)
