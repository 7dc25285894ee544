"""The picture of the map: four layers in one 8-bit image, coloured in the browser.

One byte a pixel says both the layer and how strong it is, so a frame is a quarter of an RGBA one
and a change of theme sends 256 colours instead of a picture.
"""

from dataclasses import dataclass

import numba
import numpy as np
from bokeh.palettes import Viridis256
from numpy.typing import NDArray

from .coloring import Coloring
from .theme import TRANSPARENT, Palette, blend

# Levels of the image: 0 is empty, then one run of levels per layer, later layers over earlier.
CONTEXT, VISIBLE, SELECTED, ANOMALY = (1, 40), (41, 150), (151, 200), (201, 255)
# Fewer objects than this on screen and a single pixel is too small for the eye.
SPARSE = 60_000
VERY_SPARSE = 3_000
# Counts below this have their level looked up; of the few above it is worked out.
_LISTED = 2**14
_CORE = (0.01, 0.99)
VALUE_RAMP = Viridis256
# Okabe & Ito 2008 first, then the rest of a rainbow of even lightness.
_CATEGORY_COLORS = (
    "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#0072b2", "#d55e00", "#9aa5b1",
    "#b39ddb", "#80cbc4", "#ef9a9a", "#aed581", "#ffcc80", "#90caf9", "#ce93d8", "#bcaaa4",
    "#4db6ac", "#ff8a65", "#dce775", "#7986cb", "#f06292", "#4dd0e1", "#a1887f", "#81c784",
)  # fmt: skip

Counts = NDArray[np.uint32]


@dataclass(frozen=True)
class Layers:
    """What is drawn, each (H, W), row 0 at the lowest y.

    Parameters
    ----------
    context : uint32
        Objects of the store that the filters leave out, as counts.
    visible, selected : uint32
        Objects shown, and those of them that are selected, as counts.
    anomalies : float32
        Largest score among anomalies in the pixel; NaN where there is none.
    limits : tuple of float, optional
        x0, x1, y0, y1 in plane units of the outer edges of the pixels: a little more than the
        viewport they were asked for.
    values : float32, optional
        What colours the visible objects, when it is not their count; NaN where there are none.
    n_categories : int
        When the values are codes of a category: how many there are.
    has_marks : bool
        False: nobody has looked for anomalies yet, as what draws them is not compiled.
    """

    context: Counts
    visible: Counts
    selected: Counts
    anomalies: NDArray[np.float32]
    limits: tuple[float, float, float, float] | None = None
    values: NDArray[np.float32] | None = None
    n_categories: int = 0
    has_marks: bool = True


def no_anomalies(counts: Counts) -> NDArray[np.float32]:
    """Return the anomalies of a picture that has none, of the shape (H, W) of its counts."""
    return np.full(counts.shape, np.nan, np.float32)


def value_limits(layers: Layers) -> tuple[float, float] | None:
    """Return the values of the first and the last colour: the 1st and 99th percentile on screen.

    None when counts or categories are drawn, or nothing is there.
    """
    if layers.values is None or layers.n_categories:
        return None
    known = layers.values[np.isfinite(layers.values)]
    if len(known) == 0:
        return None
    low, high = np.quantile(known, _CORE)
    return float(low), float(high)


def compose_picture(layers: Layers) -> NDArray[np.uint8]:
    """Compose the layers into one image of levels, (H, W) uint8; counts on a log scale."""
    n_visible = int(layers.visible.sum())
    radius = 2 if n_visible < VERY_SPARSE else 1 if n_visible < SPARSE else 0
    picture = np.zeros(layers.visible.shape, dtype=np.uint8)
    _paint(picture, _log_levels(layers.context, CONTEXT), min(radius, 1))
    _paint(picture, _visible_levels(layers), radius)
    _paint(picture, _log_levels(layers.selected, SELECTED), radius)
    _paint(picture, _score_levels(layers.anomalies), max(radius, 1))
    return picture


def _paint(picture: NDArray[np.uint8], levels: NDArray[np.uint8], radius: int) -> None:
    """Lay a layer over the picture, each of its pixels grown to a disc."""
    if radius:
        reach = np.arange(-radius, radius + 1)
        disc = np.argwhere(reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2 + 0.25)
        levels = _grown(levels, disc - radius)
    _lay_over(picture, levels)


def _log_levels(counts: Counts, run: tuple[int, int]) -> NDArray[np.uint8]:
    largest = int(counts.max(initial=0))
    if largest == 0:
        return np.zeros(counts.shape, dtype=np.uint8)
    levels = np.zeros(counts.shape, dtype=np.uint8)
    _look_up(counts, _levels_of(np.arange(min(largest + 1, _LISTED)), largest, run), levels)
    if largest >= _LISTED:
        is_large = counts >= _LISTED
        levels[is_large] = _levels_of(counts[is_large], largest, run)
    return levels


def _visible_levels(layers: Layers) -> NDArray[np.uint8]:
    """Return the levels of the objects shown, by count, by value or by category and count."""
    if layers.values is None:
        return _log_levels(layers.visible, VISIBLE)
    low, high = VISIBLE
    values, is_there = layers.values, np.isfinite(layers.values)
    levels = np.zeros(values.shape, dtype=np.uint8)
    if layers.n_categories:
        step = steps_of(layers.n_categories)
        shades = _log_levels(layers.visible, (0, step - 1))
        levels[is_there] = low + step * values[is_there].astype(np.uint8) + shades[is_there]
        return levels
    least, most = value_limits(layers) or (0.0, 1.0)
    strength = np.clip((values[is_there] - least) / max(most - least, 1e-30), 0, 1)
    levels[is_there] = low + np.rint(strength * (high - low))
    # Objects without a value are still objects: the faintest colour says that they are there.
    levels[(layers.visible > 0) & ~is_there] = CONTEXT[1]
    return levels


def steps_of(n_categories: int) -> int:
    """Return how many shades each category has."""
    return (VISIBLE[1] - VISIBLE[0] + 1) // n_categories


def _levels_of(
    counts: NDArray[np.integer], largest: int, run: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the levels of (M,) counts on a log scale that ends at the largest, or at 8."""
    low, high = run
    strength = np.log1p(counts) / np.log1p(max(largest, 8))
    return np.where(counts > 0, low + np.rint(strength * (high - low)), 0).astype(np.uint8)


def _score_levels(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = ANOMALY
    levels = np.zeros(scores.shape, dtype=np.uint8)
    is_there = np.isfinite(scores)
    if is_there.any():  # they are few: only theirs are worked out
        logs = np.log10(np.maximum(scores[is_there], 1e-6))
        strength = (logs - logs.min()) / max(logs.max() - logs.min(), 1e-6)
        levels[is_there] = low + np.rint(strength * (high - low))
    return levels


@numba.njit(nogil=True, cache=True)
def _look_up(counts: Counts, listed: NDArray[np.uint8], levels: NDArray[np.uint8]) -> None:
    for j in range(counts.shape[0]):
        line, found = counts[j], levels[j]
        for i in range(len(line)):
            if line[i] < len(listed):
                found[i] = listed[line[i]]


@numba.njit(nogil=True, cache=True)
def _lay_over(picture: NDArray[np.uint8], levels: NDArray[np.uint8]) -> None:
    for j in range(picture.shape[0]):
        below, above = picture[j], levels[j]
        for i in range(len(below)):
            below[i] = above[i] if above[i] else below[i]


@numba.njit(nogil=True, cache=True)
def _grown(levels: NDArray[np.uint8], disc: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the largest level within a disc, (K, 2) steps in y and x, of each pixel."""
    height, width = levels.shape
    grown = np.zeros_like(levels)
    for j in range(height):
        for i in range(width):
            level = levels[j, i]
            if level == 0:  # most are: a layer is grown where there are few objects
                continue
            for k in range(len(disc)):
                y, x = j + disc[k, 0], i + disc[k, 1]
                if 0 <= y < height and 0 <= x < width and grown[y, x] < level:
                    grown[y, x] = level
    return grown


def picture_colors(palette: Palette, coloring: Coloring | None = None) -> list[str]:
    """Return the 256 colours of the levels under a palette.

    Parameters
    ----------
    palette : Palette
    coloring : Coloring, optional
        What the objects shown are coloured by; None = how many there are.
    """
    colors = [TRANSPARENT] * 256
    for (low, high), faint, strong in (
        (CONTEXT, palette.panel, palette.context),
        (SELECTED, palette.background, palette.selected),
        (ANOMALY, palette.panel, palette.anomaly),
    ):
        for level in range(low, high + 1):
            colors[level] = blend(faint, strong, 0.45 + 0.55 * (level - low) / (high - low))
    low, high = VISIBLE
    colors[low : high + 1] = _visible_colors(palette, coloring, high - low + 1)
    return colors


def _visible_colors(palette: Palette, coloring: Coloring | None, n: int) -> list[str]:
    if coloring is None:
        return [palette.density[1 + round(i / (n - 1) * 254)] for i in range(n)]
    if not coloring.categories:
        return [VALUE_RAMP[round(i / (n - 1) * 255)] for i in range(n)]
    step = steps_of(len(coloring.categories))
    shades = [
        blend(palette.panel, color, 0.45 + 0.55 * shade / max(step - 1, 1))
        for color in category_colors(len(coloring.categories))
        for shade in range(step)
    ]
    return [*shades, *[TRANSPARENT] * (n - len(shades))]


def category_colors(n: int) -> list[str]:
    """Return n colours that stay apart, also for colour-blind eyes where there are few."""
    return [_CATEGORY_COLORS[i % len(_CATEGORY_COLORS)] for i in range(n)]
