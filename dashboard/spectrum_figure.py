"""The spectrum as three Bokeh figures on one wavelength axis: line labels, flux, residual.

Built once; afterwards only the columns of its sources, its ranges and its colours change.
"""

from typing import TYPE_CHECKING, Any

from bokeh.layouts import column
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    GlyphRenderer,
    HoverTool,
    LinearColorMapper,
    Range1d,
    Span,
)

from anomaly_explorer.dashboard import spectrum_layers as layers
from anomaly_explorer.dashboard.lighten import lighten
from anomaly_explorer.dashboard.padding import pad_columns
from anomaly_explorer.dashboard.spectrum_layers import Columns, Look
from anomaly_explorer.dashboard.spectrum_panels import new_panel, new_strip, residual_hover
from anomaly_explorer.dashboard.theme import SANS, TRANSPARENT, Palette, style_figure
from anomaly_explorer.dashboard.ticks import steady_labels
from anomaly_explorer.engine.spectra.grid import ARMS

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection

FLUX_LABEL = "Flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)"
RESIDUAL_LABEL = "Residual (normalized)"
_AXIS_LABELS = {
    "observed": "Observed wavelength (Å, vacuum)",
    "rest": "Rest wavelength (Å, vacuum) at z = {:.4f}",
}
_LEAST_WIDTH = 100
_EMPTY: dict[str, Columns] = {
    **{f"flux_{arm.value}": {"x": [], "flux": [], "smooth": []} for arm in ARMS},
    "noise": {"x": [], "y": []},
    "residual": {key: [] for key in layers.RESIDUAL_COLUMNS},
    "masked": {"x0": [], "x1": []},
    "reconstruction": {"x": [], "y": []},
    "peak": {"x": [], "residual": []},
    "lines": {key: [] for key in (*layers.LINE_COLUMNS, "color")},
    "sky_lines": {"x": [], "name": []},
    "bands": {"x0": [], "x1": []},
    "overlaps": {"x0": [], "x1": []},
}
_OF_THE_SPECTRUM = (
    *(f"flux_{arm.value}" for arm in ARMS), "noise", "residual", "masked", "reconstruction", "peak",
)  # fmt: skip


class SpectrumFigure:
    """Hold the figures, their sources (by layer name) and their renderers (by layer name)."""

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self._stretch: float | None = None
        self._frame_width = layers.FRAME_WIDTH
        self._line_look: Look | None = None
        self.sources = {
            name: ColumnDataSource(columns, name=f"{name}-source")
            for name, columns in _EMPTY.items()
        }
        self.renderers: dict[str, list[GlyphRenderer]] = {}
        self.arm_colors = LinearColorMapper(low=-0.5, high=len(ARMS) - 0.5, palette=["black"])
        self.zero = Span(location=0, dimension="width")
        self.crosshair = Span(dimension="height", line_alpha=0.5, line_dash="dotted")
        x_range = Range1d(*layers.X_LIMITS)
        self.strip = new_strip(x_range)
        self.strip.on_change("inner_width", self._on_width)
        self.flux = new_panel(x_range, 270)
        self.residual = new_panel(x_range, 172)
        self._draw_backdrop()
        self._draw_flux()
        self._draw_residual()
        self._draw_lines()
        self._label()
        for part in (self.strip, self.flux, self.residual):
            lighten(part)
        self.paint(palette)
        self.layout = column(
            self.strip, self.flux, self.residual, sizing_mode="stretch_width", spacing=0
        )

    def fill(self, inspection: "Inspection | None", look: Look) -> None:
        """Show one inspection, or nothing."""
        self.fill_flux(inspection, look)
        self.fill_lines(look if inspection else None)
        self._fill_backdrop(look if inspection else None)
        self._set_ranges(inspection, look)

    def fill_flux(self, inspection: "Inspection | None", look: Look) -> None:
        """Redraw what depends on the spectrum and the smoothing."""
        if inspection is None:
            for name in _OF_THE_SPECTRUM:
                self._put(name, None)
            return
        fluxes = {arm: layers.flux_layer(inspection, arm, look) for arm in ARMS}
        for arm, flux in fluxes.items():
            self._put(f"flux_{arm.value}", flux)
        self._put("noise", layers.noise_layer(inspection, fluxes))
        self._put("residual", layers.residual_layer(inspection, look))
        self._put("masked", layers.masked_layer(inspection, look))
        self._put("reconstruction", layers.reconstruction_layer(inspection, look))
        self._put("peak", layers.peak_layer(inspection, look))

    def fill_lines(self, look: Look | None) -> None:
        """Redraw the lines alone, which is all that a redshift moves in the observed frame."""
        self._line_look = look
        if look is None:
            self._put("lines", None)
            return
        columns = layers.line_layer(look, self._frame_width)
        self._put("lines", {**columns, "color": self._line_colors(columns["kind"])})

    def _fill_backdrop(self, look: Look | None) -> None:
        """Redraw what is the same for every object, when wavelengths are drawn elsewhere."""
        stretch = None if look is None else look.stretch
        if stretch == self._stretch:
            return
        self._stretch = stretch
        for name, layer in (
            ("bands", layers.band_layer), ("overlaps", layers.overlap_layer),
            ("sky_lines", layers.sky_line_layer),
        ):  # fmt: skip
            self._put(name, layer(look) if look else None)

    def set_visible(self, name: str, is_visible: bool) -> None:
        """Show or hide one of "lines", "reconstruction", "noise", "sky"."""
        for renderer in self.renderers[name]:
            renderer.visible = is_visible

    def paint(self, palette: Palette) -> None:
        """Wear another palette, in place."""
        self.palette = palette
        for part in (self.strip, self.flux, self.residual):
            style_figure(part, palette)
        self.strip.grid.visible = False
        self.arm_colors.palette = [palette.arm(arm) for arm in ARMS]
        self.zero.line_color = self.crosshair.line_color = palette.muted
        for name, renderers in self.renderers.items():
            for renderer in renderers:
                _recolor(renderer.glyph, _color_of(name, palette))
        lines = self.sources["lines"]
        lines.data = {**lines.data, "color": self._line_colors(lines.data["kind"])}

    def zoom(self, low: float, high: float) -> None:
        """Show the drawn wavelengths from low to high (Å); reset goes back to all of them."""
        self.flux.x_range.update(start=low, end=high)

    def _put(self, name: str, columns: Columns | None) -> None:
        source = self.sources[name]
        n_now = max(len(values) for values in source.data.values())
        source.data = pad_columns(_EMPTY[name] if columns is None else columns, n_now)

    def _line_colors(self, kinds: Any) -> list[str]:
        palette = self.palette
        by_kind = {"absorption": palette.absorption, "": TRANSPARENT}
        return [by_kind.get(kind, palette.emission) for kind in kinds]

    def _set_ranges(self, inspection: "Inspection | None", look: Look) -> None:
        _set_range(self.flux.x_range, layers.x_limits(look))
        self.residual.xaxis.axis_label = _AXIS_LABELS[look.frame].format(look.redshift)
        if inspection:
            _set_range(self.flux.y_range, layers.flux_limits(inspection, look))
            _set_range(self.residual.y_range, layers.residual_limits(inspection))

    def _keep(self, name: str, *renderers: GlyphRenderer) -> None:
        self.renderers.setdefault(name, []).extend(renderers)

    def _draw_backdrop(self) -> None:
        for part in (self.flux, self.residual):
            for name, alpha in (("overlaps", 0.10), ("bands", 0.13)):
                strip = part.vstrip(
                    source=self.sources[name], x0="x0", x1="x1", fill_alpha=alpha, line_color=None
                )
                self._keep("sky" if name == "bands" else name, strip)
            self._keep(
                "sky",
                part.vspan(source=self.sources["sky_lines"], x="x", line_width=3, line_alpha=0.30),
            )
        hatch = self.flux.vstrip(
            source=self.sources["masked"],
            x0="x0",
            x1="x1",
            fill_color=None,
            line_color=None,
            hatch_pattern="right_diagonal_line",
            hatch_alpha=0.55,
            hatch_scale=7,
        )
        self._keep("masked", hatch)

    def _draw_flux(self) -> None:
        band = self.flux.patch(
            source=self.sources["noise"], x="x", y="y", fill_alpha=0.30, line_color=None
        )
        self._keep("noise", band)
        for arm in ARMS:
            source, key = self.sources[f"flux_{arm.value}"], f"arm_{arm.value}"
            raw = self.flux.line(source=source, x="x", y="flux", line_alpha=0.22, line_width=0.6)
            self._keep(key, raw)
            self._keep(key, self.flux.line(source=source, x="x", y="smooth", line_width=1.2))
        steps = self.flux.line(source=self.sources["reconstruction"], x="x", y="y", line_width=1.3)
        self._keep("reconstruction", steps)

    def _draw_residual(self) -> None:
        bars = self.residual.rect(
            source=self.sources["residual"],
            x="x",
            y="middle",
            width="width",
            height="height",
            fill_color={"field": "arm", "transform": self.arm_colors},
            fill_alpha=0.75,
            line_color=None,
        )
        self._keep("residual", bars)
        self.residual.add_tools(residual_hover(bars))
        self._keep(
            "peak",
            self.residual.scatter(
                source=self.sources["peak"], x="x", y="residual", size=9, fill_color=None
            ),
        )
        self.residual.add_layout(self.zero)

    def _draw_lines(self) -> None:
        source = self.sources["lines"]
        style = {"line_color": "color", "line_width": 1}
        dashed = {**style, "line_dash": [2, 3], "line_alpha": 0.75}
        self._keep("lines", *(p.vspan("x", source=source, **dashed) for p in self._panels()))
        ticks = self.strip.segment(
            "x", 0, "x", "level", source=source, line_alpha=0.6, line_color="color"
        )
        labels = self.strip.text(
            "label_x",
            "level",
            "label",
            source=source,
            text_color="color",
            text_font={"value": SANS},
            text_font_size="10.5px",
            text_align="center",
        )
        self._keep("lines", ticks, labels)
        tooltip = [("", "@name"), ("rest, vacuum", "@wavelength{0.00} Å"), ("shown", "@x{0.0} Å")]
        self.strip.add_tools(HoverTool(renderers=[ticks, labels], tooltips=tooltip))

    def _on_width(self, attr: str, old: Any, new: Any) -> None:
        """Place the labels for a frame of another width; of one that is not shown it is nothing."""
        if new < _LEAST_WIDTH or new == self._frame_width:
            return
        self._frame_width = int(new)
        if self._line_look is not None:
            self.fill_lines(self._line_look)

    def _panels(self) -> tuple[Any, Any]:
        return self.flux, self.residual

    def _label(self) -> None:
        self.flux.yaxis.axis_label = FLUX_LABEL
        self.residual.yaxis.axis_label = RESIDUAL_LABEL
        self.residual.yaxis.ticker.desired_num_ticks = 4
        self.flux.xaxis.visible = False
        for part in self._panels():
            steady_labels(part.yaxis)
            part.add_tools(CrosshairTool(overlay=self.crosshair, dimensions="height"))


def _set_range(target: Range1d, limits: tuple[float, float]) -> None:
    low, high = limits
    target.update(start=low, end=high, reset_start=low, reset_end=high)


def _color_of(name: str, palette: Palette) -> str | None:
    by_arm = {f"arm_{arm.value}": palette.arm(arm) for arm in ARMS}
    by_name = {
        "overlaps": palette.overlap,
        "sky": palette.sky,
        "masked": palette.muted,
        "noise": palette.noise,
        "reconstruction": palette.reconstruction,
        "peak": palette.anomaly,
    }
    return {**by_arm, **by_name}.get(name)


def _recolor(glyph: Any, color: str | None) -> None:
    if color is None:
        return
    for prop in ("line_color", "fill_color", "hatch_color"):
        if prop in glyph.properties() and getattr(glyph, prop) is not None:
            setattr(glyph, prop, color)
