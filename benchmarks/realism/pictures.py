"""The pictures of docs/simulation.md: real over simulated."""

import numpy as np

from anomaly_explorer.engine.simulation.sky import sky_lines
from anomaly_explorer.engine.spectra.grid import ARMS
from benchmarks.chart import BLUE, GRAY, GREEN, INK, ORANGE, RED, Axis, Panel, chart

from .compare import Compared
from .noise import bin_centers, normalized
from .shapes import CLASSES

_COLORS = {"simulated": INK, "DESI": BLUE, "SDSS/BOSS": ORANGE, "LAMOST": GREEN, "OzDES": RED,
           "DESI EDR": BLUE, "simulated sky": INK, "SDSS sky": ORANGE}  # fmt: skip
_WAVELENGTH = Axis("wavelength, Å (vacuum, observed)", 3600, 9824)


def draw_noise(found: Compared) -> str:
    """Return the noise of faint spectra, as it is and set to 1 at 6700 Å."""
    as_is = Panel("Noise of faint spectra", _WAVELENGTH,
                  Axis("1σ a pixel, 1e-17 erg/s/cm²/Å", 0.05, 100, True))  # fmt: skip
    shape = Panel("The same, set to 1 at 6,700 Å", _WAVELENGTH,
                  Axis("noise over that at 6,700 Å", 0.3, 100, True))  # fmt: skip
    for panel, how in ((as_is, lambda _, c: c), (shape, normalized)):
        at, curves = found.curves["simulated"]
        curves = how(at, curves)
        low, middle, high = np.nanquantile(curves, (0.05, 0.5, 0.95), axis=0)
        for rows in _arms_of(at):  # they overlap
            label = "" if rows[0] else f"simulated ({len(curves)}), 5–95 %"
            panel.band(at[rows], low[rows], high[rows], INK, label)
        panel.line(at, middle, INK, "simulated, median", "1.6")
        at, curves = found.curves["DESI"]
        for i, curve in enumerate(how(at, curves)):
            label = f"real DESI ({len(curves)})" if i == 0 else ""
            panel.line(at, curve, BLUE, label, "0.9;0.7")
    return chart([as_is, shape], 2)


def _arms_of(at: np.ndarray) -> list[np.ndarray]:
    """Return the places of each arm, which a NaN ends."""
    ends = np.flatnonzero(np.isnan(at))
    starts = np.concatenate([[0], ends[:-1] + 1])
    return [np.arange(start, end) for start, end in zip(starts, ends, strict=True)]


def draw_pixels(found: Compared) -> str:
    """Return noise scale and correlation of neighbouring pixels."""
    correlation = Panel("Correlation of neighbouring pixels, NIR", Axis("pixels apart", 0.5, 6.5),
                        Axis("correlation", -0.3, 1.4))  # fmt: skip
    for name in ("simulated", "DESI", "SDSS/BOSS", "LAMOST", "OzDES"):
        values = found.noise[name][ARMS[2]].correlation
        lags = np.arange(1.0, len(values) + 1)
        correlation.line(lags, values, _COLORS[name], name, "1.6")
        correlation.points(lags, values, _COLORS[name])
    correlation.line(np.array([0.5, 6.5]), np.zeros(2), GRAY)
    scale = Panel("True over stated noise of a pixel", Axis("arm: 1 blue, 2 red, 3 NIR", 0.4, 3.6),
                  Axis("ratio", 0.3, 2.2))  # fmt: skip
    for i, name in enumerate(("simulated", "DESI", "SDSS/BOSS", "SDSS sky", "LAMOST", "OzDES")):
        for j, arm in enumerate(ARMS):
            noise, x = found.noise[name][arm], np.full(2, j + 0.75 + 0.1 * i)
            color = "#cc79a7" if name == "SDSS sky" else _COLORS[name]
            scale.line(x, np.array([noise.low, noise.high]), color, "", "2")
            label = name if j == 0 else ""
            scale.points(x[:1], np.array([noise.scale]), color, label, 3.6)
    scale.line(np.array([0.4, 3.6]), np.ones(2), GRAY)
    return chart([scale, correlation], 2)


def draw_sky(found: Compared) -> str:
    """Return the pulls of sky fibers in bins, and where the lines of the sky are."""
    at = bin_centers()
    panel = Panel("Sky fibers: flux of a bin over its stated noise", _WAVELENGTH,
                  Axis("root mean square", 0, 3), 860, 280)  # fmt: skip
    order = np.argsort(at, kind="stable")
    fine = np.arange(3600.0, 9824.0, 4.0)
    lines = sky_lines(fine)
    panel.band(fine, 0 * fine, np.minimum(6 * lines / lines.max(), 1.5), "#56b4e9",
               "lines of the dark sky (no unit)")  # fmt: skip
    for name, pulls in found.pulls.items():
        label = f"{'real ' if 'SDSS' in name else ''}{name} fibers ({found.counts[name]})"
        panel.line(at[order], pulls[order], _COLORS[name], label, "1.3")
    panel.line(np.array([3600.0, 9824.0]), np.ones(2), GRAY, "", "0.8;1;4,3")
    return chart([panel], 1)


def draw_continua(found: Compared) -> str:
    """Return rest-frame medians by class, real over simulated."""
    titles = {"GALAXY": "Galaxies", "QSO": "Quasars", "STAR": "Stars"}
    panels = []
    for name in CLASSES:
        medians = found.medians[name]
        seen = medians["simulated"]
        top = 6.5 if name == "QSO" else 3.2
        panel = Panel(f"{titles[name]}, rest frame",
                      Axis("rest wavelength, Å", seen.wavelength[0], seen.wavelength[-1]),
                      Axis("flux, 1 in one band", 0, top), 330, 280)  # fmt: skip
        panel.band(seen.wavelength, np.clip(seen.low, 0, top), np.clip(seen.high, 0, top), INK, "")
        for survey, median in medians.items():
            if np.isfinite(median.middle).any():
                label = f"{survey} ({median.n_spectra})"
                panel.line(median.wavelength, median.middle, _COLORS[survey], label, "1.2")
        panels.append(panel)
    return chart(panels, 3)


def draw_lines(found: Compared) -> str:
    """Return ratios of lines of galaxies, and widths of narrow and of broad ones."""
    ratios = Panel("Galaxies: ratios of lines", Axis("log [N II] 6584 / Hα", -1.8, 0.8),
                   Axis("log [O III] 5007 / Hβ", -1.2, 2.4), 330, 280)  # fmt: skip
    for name, lines in found.lines.items():
        x, y = lines.ratio["[N II]/Hα"], lines.ratio["[O III]/Hβ"]
        n = int((np.isfinite(x) & np.isfinite(y)).sum())
        radius = 1.6 if name == "simulated" else 4.0
        color = GREEN if name == "DESI EDR" else _COLORS[name]
        ratios.points(x, y, color, f"{name} ({n})", radius)
    at = np.linspace(-1.8, 0.0, 60)
    ratios.line(at, 0.61 / (at - 0.05) + 1.3, GRAY, "", "1;1;4,3")
    narrow = Panel("Galaxies: [O III] and Hα", Axis("observed σ, km/s", 20, 400, True),
                   Axis("share a bin", 0, 0.8), 330, 280)  # fmt: skip
    broad = Panel("Quasars: C IV and Mg II", Axis("observed σ, km/s", 600, 6000, True),
                  Axis("share a bin", 0, 0.8), 330, 280)  # fmt: skip
    for panel, names in ((narrow, ("[O III]", "Hα")), (broad, ("C IV", "Mg II"))):
        edges = np.geomspace(panel.x.low, panel.x.high, 13)
        for name, lines in found.lines.items():
            widths = np.concatenate([lines.width[each] for each in names])
            if len(widths) >= 5:
                heights = np.histogram(widths, edges)[0] / len(widths)
                color = GREEN if name == "DESI EDR" else _COLORS[name]
                panel.steps(edges, heights, color, f"{name} ({len(widths)} lines)")
    return chart([ratios, narrow, broad], 3)


def draw_all(found: Compared) -> dict[str, str]:
    """Return every picture by file name."""
    return {
        "simulation-noise.svg": draw_noise(found),
        "simulation-pixels.svg": draw_pixels(found),
        "simulation-sky.svg": draw_sky(found),
        "simulation-continua.svg": draw_continua(found),
        "simulation-lines.svg": draw_lines(found),
    }
