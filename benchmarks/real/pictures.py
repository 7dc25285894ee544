"""The pictures of docs/real-data.md."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.crosswise import expect
from anomaly_explorer.engine.spectra.grid import ARMS, COMPATIBLE_GRID, Arm
from benchmarks.chart import BLUE, GRAY, GREEN, INK, ORANGE, PURPLE, RED, SKY, Axis, Panel, chart

from .findings import order_of, standing, within_groups
from .scoring import Scored
from .sections import short_name

_WAVELENGTH = Axis("wavelength, Å (vacuum, observed)", 3600, 9824)
_ARM_COLORS = dict(zip(ARMS, (BLUE, GREEN, RED), strict=True))


def draw_top(scored: Scored, rows: Sequence[int]) -> str:
    """Return spectra with what is expected of them, above their residuals in deviations."""
    collection, index = scored.survey.collection, np.array(rows)
    spectra = scored.spectra.take(index)
    expected, pulls = expect(scored.measurer, spectra, collection.known.take(index))
    panels = []
    for i, row in enumerate(rows):
        panels += _two_panels(
            (spectra.flux[i], spectra.is_known[i], expected[i], pulls[i]), _title(scored, row)
        )
    # Spectrum over residuals, two objects a row.
    order = [k for pair in range(0, len(panels), 4) for k in (pair, pair + 2, pair + 1, pair + 3)]
    return chart([panels[k] for k in order if k < len(panels)], 2)


def _title(scored: Scored, row: int) -> str:
    collection = scored.survey.collection
    p = scored.taken.scores.p_value["astro"][row]
    name = short_name(collection.files[row])
    words = [name, collection.notes[row] or collection.kinds[row]]
    redshift = collection.known.redshift[row]
    if redshift > 0.002:
        words.append(f"z {redshift:.3f}")
    return ", ".join(word for word in words if word)[:62] + f", p {p:.3f}"


def _two_panels(parts: tuple[NDArray, ...], title: str) -> list[Panel]:
    flux, known, expected, pulls = parts
    low, high = np.quantile(flux[known], (0.005, 0.995))
    room = 0.15 * (high - low)
    above = Panel(
        title, _WAVELENGTH, Axis("flux / its rms", low - room, high + 3.5 * room), 620, 200
    )
    below = Panel("", _WAVELENGTH, Axis("residual, σ", -8, 8), 620, 200)
    for arm in ARMS:
        bins = COMPATIBLE_GRID.bins_of(arm)
        at = COMPATIBLE_GRID.centers[bins]
        shown = np.where(known[bins], flux[bins], np.nan)
        above.line(at, shown, _ARM_COLORS[arm], {Arm.BLUE: "spectrum"}.get(arm, ""), "1.1")
        above.line(at, expected[bins], INK, "expected" if arm is Arm.BLUE else "", "0.9;0.9")
        below.line(at, pulls[bins], _ARM_COLORS[arm], "", "0.9")
    below.line(np.array([3600.0, 9824.0]), np.zeros(2), GRAY)
    return [above, below]


def draw_drift(all_scored: Sequence[Scored]) -> str:
    """Return the p-values of real normals by the calibration of the simulated survey."""
    axis = Axis("p by the simulated survey's calibration", 1e-6, 1.0, True)
    colors = (BLUE, ORANGE, GREEN, RED, SKY, GRAY, PURPLE)
    panels = []
    for name, title in (("astro", "sigma_astro"), ("instrument", "sigma_instrument")):
        panel = Panel(title, axis, Axis("share of the spectra with less", 0, 1), 460, 300, True)
        panel.line(
            np.geomspace(1e-6, 1, 200), np.geomspace(1e-6, 1, 200), INK, "no drift", "1;1;4,3"
        )
        for scored, color in zip(all_scored, colors, strict=False):
            p = np.sort(scored.simulated.p_value[name])
            p = np.maximum(p[np.isfinite(p)], 1e-6)
            label = f"{scored.survey.collection.name} ({len(p)})"
            share = np.arange(1, len(p) + 1) / max(len(p), 1)
            x, y = np.concatenate([[1e-6], p, [1.0]]), np.concatenate([[0], share, [1.0]])
            panel.line(np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1], color, label, "1.6")
        panels.append(panel)
    return chart(panels, 2)


def draw_scores(all_scored: Sequence[Scored]) -> str:
    """Return calibrated and compatible score against S/N, survey by survey."""
    panels = []
    for scored in all_scored:
        name, snr = scored.survey.collection.name, np.maximum(scored.taken.measured.snr, 0.05)
        marked = scored.survey.collection.notes != ""
        ours = within_groups(standing(scored.taken), scored.survey.groups)
        theirs = within_groups(scored.compatible, scored.survey.groups)
        for values, kind in ((ours, "calibrated"), (theirs, "compatible")):
            panel = Panel(f"{name}: {kind} score", Axis("S/N of a bin", 0.05, 1000, True),
                          Axis("percentile in its group", 0, 100), 300, 220)  # fmt: skip
            panel.points(snr[~marked], values[~marked], BLUE, "", 1.9)
            panel.points(snr[marked], values[marked], RED, "", 3.2)
            panels.append(panel)
    return chart(panels, 4)


def draw_all(all_scored: Sequence[Scored]) -> dict[str, str]:
    """Return every picture by file name."""
    found = {"real-drift.svg": draw_drift(all_scored), "real-scores.svg": draw_scores(all_scored)}
    for scored in all_scored:
        rows = [int(row) for row in order_of(scored)[:4]]
        name = scored.survey.collection.name.lower().replace("/", "-")
        found[f"real-top-{name}.svg"] = draw_top(scored, rows)
    return found
