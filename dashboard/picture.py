"""The picture of the map: four layers in one 8-bit image, coloured in the browser.

One byte a pixel says both the layer and how strong it is, so a frame is a quarter of an RGBA one
and a change of theme sends 256 colours instead of a picture.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from .theme import TRANSPARENT, Palette, blend

# Levels of the image: 0 is empty, then one run of levels per layer, later layers over earlier.
CONTEXT, VISIBLE, SELECTED, ANOMALY = (1, 40), (41, 150), (151, 200), (201, 255)
# Fewer objects than this on screen and a single pixel is too small for the eye.
SPARSE = 60_000
VERY_SPARSE = 3_000
# Counts below this have their level looked up; of the few above it is worked out.
_LISTED = 2**14

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
    """

    context: Counts
    visible: Counts
    selected: Counts
    anomalies: NDArray[np.float32]
    limits: tuple[float, float, float, float] | None = None
    values: NDArray[np.float32] | None = None


def compose_picture(layers: Layers) -> NDArray[np.uint8]:
    """Compose the layers into one image of levels, (H, W) uint8; counts on a log scale."""
    n_visible = int(layers.visible.sum())
    radius = 2 if n_visible < VERY_SPARSE else 1 if n_visible < SPARSE else 0
    picture = np.zeros(layers.visible.shape, dtype=np.uint8)
    _paint(picture, _log_levels(layers.context, CONTEXT), min(radius, 1))
    _paint(picture, _log_levels(layers.visible, VISIBLE), radius)
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


def picture_colors(palette: Palette) -> list[str]:
    """Return the 256 colours of the levels under a palette."""
    ramps = (
        (CONTEXT, palette.panel, palette.context),
        (VISIBLE, None, None),
        (SELECTED, palette.background, palette.selected),
        (ANOMALY, palette.panel, palette.anomaly),
    )
    colors = [TRANSPARENT] * 256
    for (low, high), faint, strong in ramps:
        for level in range(low, high + 1):
            share = (level - low) / (high - low)
            if faint is None or strong is None:
                colors[level] = palette.density[1 + round(share * 254)]
            else:
                colors[level] = blend(faint, strong, 0.45 + 0.55 * share)
    return colors
