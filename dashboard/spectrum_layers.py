"""What the spectrum figure draws, as plain columns of numbers: one function for each layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from anomaly_explorer.dashboard.curves import band_outline, limits_of, runs_of, step_line
from anomaly_explorer.engine.spectra.grid import ARMS, STEP_ANGSTROM, Arm
from anomaly_explorer.engine.spectra.lines import SKY_LINES, TELLURIC_BANDS, lines_at
from anomaly_explorer.engine.spectra.smooth import smooth_flux
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection

Columns = dict[str, Any]

X_LIMITS = (3560.0, 9864.0)
FRAME_WIDTH = 560
# Where two arms see the same light: B 3600-5800, R 5760-7620, Z 7520-9824 Å.
OVERLAPS = ((5760.0, 5800.0), (7520.0, 7620.0))
LABEL_LEVELS = (0.06, 0.25, 0.44, 0.63, 0.82)
_PIXELS_PER_CHARACTER = 6.2
_SAME_LABEL_ANGSTROM = 130.0
RESIDUAL_COLUMNS = (
    "x", "width", "residual", "middle", "height", "flux", "reconstruction", "arm",
)  # fmt: skip
LINE_COLUMNS = ("x", "label_x", "level", "label", "name", "wavelength", "kind")


@dataclass(frozen=True)
class Look:
    """How one spectrum is looked at.

    `smoothing` is the Gaussian sigma in detector pixels; `redshift` places the lines and, when
    `frame` is "rest", the wavelengths; `is_full_range` shows every flux instead of 0.5-99.5 %.
    """

    smoothing: float = 3.0
    redshift: float = 0.0
    frame: Literal["observed", "rest"] = "observed"
    major_only: bool = True
    is_full_range: bool = False

    @property
    def stretch(self) -> float:
        """Return what an observed wavelength is multiplied with to be drawn."""
        return 1 / (1 + self.redshift) if self.frame == "rest" else 1.0


def flux_layer(inspection: "Inspection", arm: Arm, look: Look) -> Columns:
    """Return x (Å), flux and smooth of one arm, each (n,), in 1e-17 flux units.

    Flux is NaN only where there is no pixel: masked pixels are drawn, because the score counts
    them. Smooth is NaN wherever a pixel carries no information.
    """
    spectrum = inspection.spectrum
    flux, usable = spectrum.flux[arm], np.where(spectrum.good(arm), spectrum.ivar[arm], 0)
    return {
        "x": (arm.wavelength * look.stretch).astype(np.float32),
        "flux": np.where(_is_covered(inspection, arm), flux, np.nan).astype(np.float32),
        "smooth": smooth_flux(flux, usable, look.smoothing),
    }


def noise_layer(inspection: "Inspection", fluxes: Mapping[Arm, Columns]) -> Columns:
    """Return the outline x, y of the ±1σ band around the smoothed flux of all arms.

    `fluxes` are their flux layers. One pair of columns, with NaN between polygons: the browser is
    sent a message for each array.
    """
    gap = np.full(1, np.nan, np.float32)
    x, y = [], []
    for arm, flux in fluxes.items():
        good, ivar = inspection.spectrum.good(arm), inspection.spectrum.ivar[arm]
        sigma = np.full(good.shape, np.nan, np.float32)
        sigma[good] = 1 / np.sqrt(ivar[good])
        outline = band_outline(flux["x"], flux["smooth"] - sigma, flux["smooth"] + sigma)
        x += [gap, outline[0]]
        y += [gap, outline[1]]
    return {"x": np.concatenate(x[1:]), "y": np.concatenate(y[1:])}


def masked_layer(inspection: "Inspection", look: Look) -> Columns:
    """Return the edges x0, x1 (Å) of the stretches that exist and must not be trusted."""
    edges: list[tuple[float, float]] = []
    for arm in ARMS:
        bad = _is_covered(inspection, arm) & ~inspection.spectrum.good(arm)
        wavelength = arm.wavelength
        edges += [(wavelength[run][0], wavelength[run][-1]) for run in runs_of(bad)]
    array = np.array(edges, dtype=float).reshape(-1, 2)
    half = STEP_ANGSTROM / 2
    return {"x0": (array[:, 0] - half) * look.stretch, "x1": (array[:, 1] + half) * look.stretch}


def reconstruction_layer(inspection: "Inspection", look: Look) -> Columns:
    """Return the corners x (Å), y (1e-17 flux units) of the reconstruction on the model's bins."""
    return step_layer(inspection, inspection.reconstruction, look)


def step_layer(inspection: "Inspection", values: Any, look: Look) -> Columns:
    """Return the corners x (Å), y (1e-17 flux units) of normalized flux (B,) on the model's bins.

    What the spectrum has no bin for is left out, and the scale is that of the spectrum.
    """
    flux = np.where(inspection.is_covered, values * inspection.scale, np.nan)
    x, y = step_line(inspection.grid.centers, flux, inspection.grid.bin_width)
    return {"x": x * look.stretch, "y": y}


def residual_layer(inspection: "Inspection", look: Look) -> Columns:
    """Return x, width (Å), residual, flux and reconstruction (normalized) of all covered bins.

    `middle` and `height` are the same bar as a rectangle: Bokeh paints bars that are off screen
    as a line on the frame's edge, rectangles not. `arm` is the place of the bin's arm in `ARMS`.
    """
    grid, bins = inspection.grid, np.flatnonzero(inspection.is_covered)
    arms = np.empty(grid.n_bins, np.float32)
    for number, arm in enumerate(ARMS):
        arms[grid.bins_of(arm)] = number
    return {
        "x": grid.centers[bins] * look.stretch,
        "width": np.full(len(bins), grid.bin_width * look.stretch, np.float32),
        "residual": inspection.residual[bins],
        "middle": inspection.residual[bins] / 2,
        "height": np.abs(inspection.residual[bins]),
        "flux": inspection.normalized_flux[bins],
        "reconstruction": inspection.reconstruction[bins],
        "arm": arms[bins],
    }


def peak_layer(inspection: "Inspection", look: Look) -> Columns:
    """Return x (Å) and residual of the bin with the largest |residual|; empty without one."""
    size = np.where(inspection.is_covered, np.abs(inspection.residual), np.nan)
    if not np.isfinite(size).any():
        return {"x": [], "residual": []}
    peak = int(np.nanargmax(size))
    return {
        "x": [inspection.grid.centers[peak] * look.stretch],
        "residual": [float(inspection.residual[peak])],
    }


def line_layer(look: Look, frame_width: int = FRAME_WIDTH) -> Columns:
    """Return the lines in view as `LINE_COLUMNS`: x and label_x are drawn Å, wavelength rest Å.

    Labels stand on five levels of a frame so many pixels wide. One for which no level has room is
    left out, as is the second of a close pair that would read the same: the mouse names the line.
    """
    placed = lines_at(look.redshift, *X_LIMITS, major_only=look.major_only)
    columns: Columns = {key: [] for key in LINE_COLUMNS}
    taken = [-np.inf] * len(LABEL_LEVELS)
    shown: dict[str, float] = {}
    half_character = _PIXELS_PER_CHARACTER / 2 * (X_LIMITS[1] - X_LIMITS[0]) / frame_width
    for item in placed:
        name, at = _short(item.line.name), item.observed_wavelength
        half = half_character * (len(name) + 1)
        label_x = min(max(at, X_LIMITS[0] + half), X_LIMITS[1] - half)
        free = [i for i, end in enumerate(taken) if end <= label_x - half]
        is_named = at - shown.get(name, -np.inf) < _SAME_LABEL_ANGSTROM
        has_room = bool(free) and not is_named
        if has_room:
            taken[free[0]] = label_x + half
        if has_room or is_named:  # a third one is named by the first as well
            shown[name] = at
        level, label = (LABEL_LEVELS[free[0]], name) if has_room else (LABEL_LEVELS[0], "")
        here = (at * look.stretch, label_x * look.stretch, level, label)
        line = item.line
        for key, value in zip(columns, (*here, line.name, line.wavelength, line.kind), strict=True):
            columns[key].append(value)
    return columns


def sky_line_layer(look: Look) -> Columns:
    """Return x (Å drawn) and name of the strongest airglow lines."""
    return {
        "x": [wavelength * look.stretch for _, wavelength in SKY_LINES],
        "name": [name for name, _ in SKY_LINES],
    }


def band_layer(look: Look) -> Columns:
    """Return x0, x1 (Å drawn) of the telluric bands."""
    return {
        "x0": [band.low * look.stretch for band in TELLURIC_BANDS],
        "x1": [band.high * look.stretch for band in TELLURIC_BANDS],
    }


def overlap_layer(look: Look) -> Columns:
    """Return x0, x1 (Å drawn) of the stretches that two arms see."""
    return {
        "x0": [low * look.stretch for low, _ in OVERLAPS],
        "x1": [high * look.stretch for _, high in OVERLAPS],
    }


def x_limits(look: Look) -> tuple[float, float]:
    """Return the drawn wavelength range (Å) that holds the whole instrument."""
    return X_LIMITS[0] * look.stretch, X_LIMITS[1] * look.stretch


def flux_limits(inspection: "Inspection", look: Look) -> tuple[float, float]:
    """Return limits (1e-17 flux units) over good pixels and the reconstruction."""
    spectrum = inspection.spectrum
    flux = np.concatenate([spectrum.flux[arm][spectrum.good(arm)] for arm in ARMS])
    steps = reconstruction_layer(inspection, look)["y"]
    return limits_of([flux, steps], look.is_full_range)


def residual_limits(inspection: "Inspection") -> tuple[float, float]:
    """Return limits that hold every residual and zero: the largest one is the point of it."""
    return limits_of([inspection.residual[inspection.is_covered], np.zeros(1)], is_full=True)


def _is_covered(inspection: "Inspection", arm: Arm) -> Any:
    return (inspection.spectrum.mask[arm] & NOT_COVERED) == 0


def _short(name: str) -> str:
    head, _, tail = name.rpartition(" ")
    return head if head and tail.isdigit() else name
