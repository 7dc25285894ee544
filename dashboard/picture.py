"""The picture of the map: four layers in one 8-bit image, coloured in the browser.

One byte a pixel says both the layer and how strong it is, so a frame is a quarter of an RGBA one
and a change of theme sends 256 colours instead of a picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from .theme import TRANSPARENT, Palette, blend

# Levels of the image: 0 is empty, then one run of levels per layer, later layers over earlier.
CONTEXT, VISIBLE, SELECTED, ANOMALY = (1, 40), (41, 150), (151, 200), (201, 255)
# Fewer objects than this on screen and a single pixel is too small for the eye.
SPARSE = 60_000
VERY_SPARSE = 3_000

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
    """

    context: Counts
    visible: Counts
    selected: Counts
    anomalies: NDArray[np.float32]


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
    if radius and levels.any():
        reach = np.arange(-radius, radius + 1)
        disc = reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2 + 0.25
        levels = maximum_filter(levels, footprint=disc, mode="constant")
    np.copyto(picture, levels, where=levels > 0)


def _log_levels(counts: Counts, run: tuple[int, int]) -> NDArray[np.uint8]:
    low, high = run
    largest = counts.max(initial=0)
    if largest == 0:
        return np.zeros(counts.shape, dtype=np.uint8)
    strength = np.log1p(counts) / np.log1p(max(int(largest), 8))
    return np.where(counts > 0, low + np.rint(strength * (high - low)), 0).astype(np.uint8)


def _score_levels(scores: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = ANOMALY
    is_there = np.isfinite(scores)
    if not is_there.any():
        return np.zeros(scores.shape, dtype=np.uint8)
    logs = np.log10(np.maximum(np.where(is_there, scores, 1.0), 1e-6))
    least, most = logs[is_there].min(), logs[is_there].max()
    strength = (logs - least) / max(most - least, 1e-6)
    return np.where(is_there, low + np.rint(strength * (high - low)), 0).astype(np.uint8)


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
