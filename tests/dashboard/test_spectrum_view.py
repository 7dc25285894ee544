"""The view of a spectrum follows the object in focus, its redshift and its switches."""

import dataclasses
import re

import numpy as np
import pytest

from anomaly_explorer.dashboard.badge import notes_html
from anomaly_explorer.dashboard.views.spectrum import SpectrumView
from anomaly_explorer.engine.spectra.grid import ARMS
from tests.dashboard.spectrum_maker import EVIL, drawn, finite


def html_of(view, name):
    return view._panes[name].object


def block_of(view, name):
    """Return one block of the heading, up to the next one; empty where there is none."""
    found = re.search(f'<div class="{name}">(.*?)(?=<div class="spectrum-|<div class="score-|$)',
                      html_of(view, "spectrum-heading"), re.S)  # fmt: skip
    return found[1] if found else ""


def test_showing_another_object_keeps_the_figure(inspection):
    view = SpectrumView()
    layout = view._figure.layout
    view.show(inspection)
    view.show(dataclasses.replace(inspection, scale=8.0))
    assert view._figure.layout is layout is view._plot.object
    assert finite(drawn(view._figure, "reconstruction")["y"])[0] == pytest.approx(0.5 * 8.0)
    view.show(None, f"reading {EVIL}")
    assert len(drawn(view._figure, "reconstruction")["y"]) == 0
    assert block_of(view, "spectrum-title") == ""
    assert "&lt;script&gt;" in block_of(view, "spectrum-message")


def test_scores_are_exact_in_the_page(inspection):
    view = SpectrumView(device="cuda: H100")
    view.show(inspection)
    for name, value in (("score-catalog", 0.1), ("score-recomputed", 0.1000000001)):
        found = re.search(r'data-value="([^"]+)"', block_of(view, name))
        assert float(found[1]) == value
    assert "on cuda: H100" in block_of(view, "score-recomputed")
    assert 'class="agree"' in block_of(view, "score-agreement")


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
