"""The spectrum of the object in focus: flux, reconstruction, residual, lines and both scores."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.io import hold

from anomaly_explorer.dashboard import badge, controls
from anomaly_explorer.dashboard.overlays import Curve, Overlays, key_of
from anomaly_explorer.dashboard.spectrum_figure import SpectrumFigure
from anomaly_explorer.dashboard.spectrum_layers import X_LIMITS, Look
from anomaly_explorer.dashboard.theme import BASE_CSS, DARK, Palette
from anomaly_explorer.dashboard.tick import Tick
from anomaly_explorer.engine.spectra.lines import lines_at

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection

MAX_SMOOTHING = 26
COARSE_STEP = 0.01
FINE_STEP = 0.0001
_ZOOM_ANGSTROM = 160.0
_TOGGLES = {
    "lines": "show_lines",
    "reconstruction": "show_reconstruction",
    "noise": "show_noise",
    "sky": "show_sky",
    "major only": "major_only",
    "full range": "is_full_range",
}
_PANES = ("spectrum-heading", "spectrum-key", "arm-residuals")


def draw_spectrum(inspection: "Inspection | None", look: Look, palette: Palette) -> SpectrumFigure:
    """Draw one inspection; `.layout` of the answer is the Bokeh model to show or export."""
    figure = SpectrumFigure(palette)
    figure.fill(inspection, look)
    return figure


class SpectrumView(pn.viewable.Viewer):
    """Show one inspection at a time, with its controls; every control is a parameter too.

    `redshift` starts at the catalog's value for each object and is free to move afterwards.
    `on_show` is told the inspection that is now on screen, or None.
    """

    smoothing = param.Integer(3, bounds=(0, MAX_SMOOTHING), doc="Gaussian sigma in pixels.")
    frame = param.Selector(default="observed", objects=["observed", "rest"], doc="Frame of x.")
    redshift = param.Number(0.0, bounds=(-0.02, 10.0), doc="Where the lines are drawn.")
    show_lines = param.Boolean(True, doc="Draw the line list.")
    show_reconstruction = param.Boolean(True, doc="Draw the reconstruction.")
    show_noise = param.Boolean(True, doc="Draw the band of ±1σ.")
    show_sky = param.Boolean(True, doc="Shade sky lines and telluric bands.")
    major_only = param.Boolean(True, doc="Leave minor lines out.")
    is_full_range = param.Boolean(False, doc="Show every flux instead of 0.5 to 99.5 %.")
    device = param.String("cpu", doc="What the score is recomputed on.")
    palette = param.ClassSelector(class_=Palette, default=DARK, doc="Colours.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.on_show: Callable[[Inspection | None], None] = lambda _: None
        self._inspection: Inspection | None = None
        self._filled: Inspection | None = None
        self._is_syncing = False
        self._tick = Tick()
        self._curves: dict[str, Curve] = {}
        self._figure = draw_spectrum(None, self.look, self.palette)
        self._overlays = Overlays(self._figure.flux)
        self._panes = {
            name: pn.pane.HTML(
                "",
                css_classes=[name],
                margin=(1, 8),
                min_height=0,
                sizing_mode="stretch_width",
                stylesheets=[BASE_CSS + badge.BADGE_CSS],
            )
            for name in _PANES
        }
        self._plot = pn.pane.Bokeh(self._figure.layout, sizing_mode="stretch_width", margin=0)
        self._make_controls()
        self._watch()
        self._repaint()
        self.show(None)

    @property
    def look(self) -> Look:
        """Return how the spectrum is looked at now."""
        return Look(self.smoothing, self.redshift, self.frame, self.major_only, self.is_full_range)

    def show(self, inspection: "Inspection | None", message: str = "") -> None:
        """Show an inspection, or a message in its place; the figure is filled, never rebuilt."""

        def job() -> None:
            is_first, self._inspection = self._inspection is None, inspection
            self._curves = {}
            self.reset_redshift()
            self._fill()
            # Panes that appear bring their style sheets, for each of which Bokeh walks the page.
            with hold(freeze=True) if is_first else nullcontext():
                self._write(message)
            self.on_show(inspection)

        self._tick.soon("show", job)

    def lay(self, name: str, curve: Curve | None) -> None:
        """Lay a curve of `overlays.COLORS` over the reconstruction, or take it away."""
        kept = {key: known for key, known in self._curves.items() if key != name}
        self._curves = kept if curve is None else {**kept, name: curve}
        self._tick.soon("curves", self._draw_curves)

    def zoom_to(self, wavelength: float, reach: float = _ZOOM_ANGSTROM) -> None:
        """Show what is around an observed wavelength, so many Å to either side."""
        stretch = self.look.stretch
        low, high = ((wavelength + edge) * stretch for edge in (-reach, reach))
        self._tick.soon("zoom", lambda: self._figure.zoom(low, high))

    def reset_redshift(self) -> None:
        """Go back to the redshift of the catalog (0 where it has none)."""
        facts = self._inspection.facts if self._inspection else {}
        known = facts.get("redshift")
        self._move_to(float(known) if badge.is_number(known) else 0.0)

    def nudge(self, step: float) -> None:
        """Move the redshift by a step."""
        self._move_to(self.redshift + step)

    def reset_view(self) -> None:
        """Show the whole spectrum again, with robust limits."""
        self._tick.soon("fill", self._fill)

    def focus_line(self, step: int) -> None:
        """Zoom to the next line (step 1) or the one before (step -1) of those in view."""
        placed = lines_at(self.redshift, *X_LIMITS, major_only=self.major_only)
        if not placed:
            return
        stretch = self.look.stretch
        x_range = self._figure.flux.x_range
        is_whole = x_range.end - x_range.start > 4 * _ZOOM_ANGSTROM
        middle = (x_range.start + x_range.end) / 2 / stretch
        at = [item.observed_wavelength for item in placed]
        ahead = [a for a in at if (a - middle) * step > 0.5] if not is_whole else at
        target = (min(ahead) if step > 0 else max(ahead)) if ahead else at[0 if step > 0 else -1]
        self.zoom_to(target)

    def __panel__(self) -> pn.viewable.Viewable:
        panes = self._panes
        return pn.Column(
            panes["spectrum-heading"],
            self._controls,
            panes["spectrum-key"],
            self._plot,
            panes["arm-residuals"],
            sizing_mode="stretch_width",
            margin=0,
        )

    def _make_controls(self) -> None:
        slim = {"margin": (2, 6), "size": "small"}
        slider = {**slim, "width": 112, "sx": controls.SLIDER}
        chips = {**slim, "label": "", "sx": controls.CHIPS}
        self._coarse = pmui.FloatSlider(
            label="z", start=-0.02, end=7.0, step=COARSE_STEP, format="0.00", **slider
        )
        self._fine = pmui.FloatSlider(
            label="fine", start=-COARSE_STEP, end=COARSE_STEP, step=FINE_STEP,
            format="0.0000", **slider,
        )  # fmt: skip
        self._typed = pmui.FloatInput(
            label="redshift", value=self.redshift, step=FINE_STEP, format="0.00000", width=84,
            sx=controls.FIELD, **slim,
        )  # fmt: skip
        self._toggles = pmui.CheckButtonGroup(
            options=list(_TOGGLES), value=self._toggled(), **chips
        )
        reset = pmui.Button(label="reset", variant="text", sx=controls.BUTTON, **slim)
        reset.on_click(lambda _: self.reset_redshift())
        self._controls = pn.FlexBox(
            pmui.RadioButtonGroup.from_param(self.param.frame, description="", **chips),
            self._typed,
            self._coarse,
            self._fine,
            reset,
            pmui.IntSlider.from_param(
                self.param.smoothing, label="smooth (px)", description="", **slider
            ),
            self._toggles,
            sizing_mode="stretch_width",
            align_items="center",
            gap="0px",
        )  # fmt: skip

    def _watch(self) -> None:
        watch, soon = self.param.watch, self._tick.soon
        watch(self._on_redshift, "redshift")
        watch(lambda *_: soon("fill", self._fill), ["frame", "is_full_range"])
        watch(lambda *_: soon("lines", self._refill_lines), "major_only")
        watch(lambda *_: soon("flux", self._refill_flux), "smoothing")
        watch(lambda *_: soon("layers", self._show_layers), list(_TOGGLES.values()))
        watch(lambda *_: soon("paint", self._repaint), "palette")
        self._toggles.param.watch(self._on_toggle, "value")
        self._typed.param.watch(self._on_typed, "value")
        for slider in (self._coarse, self._fine):
            slider.param.watch(self._on_slider, "value")

    def _on_redshift(self, *_: Any) -> None:
        self._is_syncing = True
        self._typed.value = self.redshift
        coarse = round(self.redshift / COARSE_STEP) * COARSE_STEP
        self._coarse.value, self._fine.value = coarse, self.redshift - coarse
        self._is_syncing = False
        if self._filled is not self._inspection:  # it is about to be drawn as a whole
            return
        is_rest = self.frame == "rest"
        self._tick.soon(
            "fill" if is_rest else "lines", self._fill if is_rest else self._refill_lines
        )

    def _on_slider(self, *_: Any) -> None:
        if not self._is_syncing:
            self._move_to(self._coarse.value + self._fine.value)

    def _on_typed(self, *_: Any) -> None:
        if self._is_syncing:
            return
        # The field may be emptied or hold anything: it then shows again what is in force.
        self._move_to(self.redshift if self._typed.value is None else self._typed.value)
        self._typed.value = self.redshift

    def _move_to(self, redshift: float) -> None:
        low, high = self.param.redshift.bounds
        self.redshift = min(max(redshift, low), high)

    def _on_toggle(self, event: Any) -> None:
        self.param.update({name: label in event.new for label, name in _TOGGLES.items()})

    def _refill_flux(self) -> None:
        self._figure.fill_flux(self._inspection, self.look)
        self._write_key()

    def _toggled(self) -> list[str]:
        return [label for label, name in _TOGGLES.items() if getattr(self, name)]

    def _show_layers(self) -> None:
        self._toggles.value = self._toggled()
        for label in ("lines", "reconstruction", "noise", "sky"):
            self._figure.set_visible(label, getattr(self, _TOGGLES[label]))

    def _refill_lines(self) -> None:
        self._figure.fill_lines(self.look if self._inspection else None)

    def _fill(self) -> None:
        self._filled = self._inspection
        self._figure.fill(self._inspection, self.look)
        self._overlays.fill(self._curves, self._inspection, self.look)

    def _draw_curves(self) -> None:
        self._overlays.fill(self._curves, self._inspection, self.look)
        self._write_key()

    def _repaint(self) -> None:
        self._figure.paint(self.palette)
        self._overlays.paint(self.palette)

    def _write_key(self) -> None:
        inspection = self._inspection
        html = ""
        if inspection is not None:
            curves = key_of(self._curves)
            html = badge.key_html(self.smoothing, inspection.grid.bin_width, curves)
        self._put("spectrum-key", html)

    def _write(self, message: str) -> None:
        inspection = self._inspection
        self._put("spectrum-heading", badge.heading_html(inspection, self.device, message))
        self._write_key()
        self._put("arm-residuals", badge.arm_bars_html(inspection) if inspection else "")

    def _put(self, name: str, html: str) -> None:
        self._panes[name].param.update(object=html, visible=bool(html))
