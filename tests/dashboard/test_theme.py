import dataclasses
import re

import numpy as np
import pytest
from bokeh.plotting import figure
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.dashboard.theme import (
    DARK,
    LIGHT,
    OWN_STYLE,
    TRANSPARENT,
    blend,
    style_figure,
)
from anomaly_explorer.engine.spectra.grid import ARMS

THEMES = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda p: p.name)
colors = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


def luminance(color):
    # WCAG 2.1 relative luminance.
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def deuteranope(color):
    # Viénot, Brettel and Mollon 1999, in linear light.
    linear = (np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255) ** 2.2
    matrix = np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]])
    return (matrix @ linear).clip(0) ** (1 / 2.2)


@THEMES
def test_every_colour_is_a_full_hex(palette):
    for field in dataclasses.fields(palette):
        value = getattr(palette, field.name)
        for color in value if isinstance(value, tuple) else [value]:
            assert field.name == "name" or re.fullmatch(r"#[0-9a-f]{6}", color), field.name


@THEMES
@pytest.mark.parametrize("name", ["text", "muted", "accent", "good", "warning", "bad"])
def test_words_are_readable_on_the_panel(palette, name):
    assert contrast(getattr(palette, name), palette.panel) >= 4.5


@THEMES
def test_curves_stand_out_from_the_panel(palette):
    for name in ("reconstruction", "anomaly", "emission", "absorption", "selected"):
        assert contrast(getattr(palette, name), palette.panel) >= 3
    assert all(contrast(palette.arm(arm), palette.panel) >= 3 for arm in ARMS)


@THEMES
def test_neighbouring_arms_differ_for_a_deuteranope(palette):
    blue, red, nir = (deuteranope(palette.arm(arm)) for arm in ARMS)
    assert np.linalg.norm(blue - red) > 0.2
    assert np.linalg.norm(red - nir) > 0.2


@THEMES
def test_density_ramp_is_empty_at_zero_and_monotone_in_lightness(palette):
    assert len(palette.density) == 256
    assert palette.density[0] == TRANSPARENT
    steps = np.diff([luminance(color) for color in palette.density[1:]])
    assert np.all(steps > -1e-3) if palette.is_dark else np.all(steps < 1e-3)
    assert len(set(palette.density)) > 200


def test_dark_is_dark_and_light_is_light():
    assert DARK.is_dark
    assert not LIGHT.is_dark


@given(colors, colors, st.floats(0, 1))
def test_a_blend_lies_between_its_ends(start, end, share):
    assert blend(start, end, 0.0) == start
    assert blend(start, end, 1.0) == end
    mixed = blend(start, end, share)
    for i in (1, 3, 5):
        low, high = sorted([int(start[i : i + 2], 16), int(end[i : i + 2], 16)])
        assert low <= int(mixed[i : i + 2], 16) <= high


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match=r"got 1\.5"):
        blend("#000000", "#ffffff", 1.5)


@THEMES
def test_a_figure_is_dressed_in_place(palette):
    drawn = figure(title="t")
    drawn.line([0, 1], [0, 1], legend_label="a", line_color="#123456")
    style_figure(drawn, LIGHT)
    style_figure(drawn, palette)
    assert drawn.background_fill_color == palette.panel
    assert {axis.major_label_text_color for axis in drawn.axis} == {palette.muted}
    assert drawn.legend[0].label_text_color == palette.muted
    assert drawn.renderers[0].glyph.line_color == "#123456"


def test_material_design_is_told_to_leave_figures_alone():
    assert {"Axis", "Grid", "Figure"} <= set(OWN_STYLE._json["attrs"])


@THEMES
def test_the_style_sheet_carries_the_palette(palette):
    assert f"--text:{palette.text};" in palette.variables()
    assert f"--nir-arm:{palette.nir_arm};" in palette.variables()
