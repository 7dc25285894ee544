"""Shapes that a plotting library needs: runs, steps, bands and limits. No science in here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Limits that a cosmic ray or a dead amplifier cannot move (Marz and prospect do alike).
_ROBUST_PERCENTILES = (0.5, 99.5)
_PADDING = 0.08


def runs_of(mask: NDArray[np.bool_]) -> list[slice]:
    """Return the stretches where a mask (n,) is true, as slices in order.

    Examples
    --------
    >>> runs_of(np.array([True, True, False, True]))
    [slice(0, 2, None), slice(3, 4, None)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def step_line(
    centers: NDArray[np.floating], values: NDArray[np.floating], width: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the corners of a step line: flat over each bin, broken where bins do not touch.

    Parameters
    ----------
    centers, values : (B,) arrays
        Bin centres and the value of each bin; a bin whose value is NaN is left out.
    width : float
        Width of every bin, in the unit of `centers`.

    Returns
    -------
    x, y : (n,) float64
        Corners, with a NaN pair between stretches.
    """
    shown = np.isfinite(values)
    x, y = centers[shown].astype(float), values[shown].astype(float)
    corners_x = np.stack([x - width / 2, x + width / 2], axis=1).ravel()
    corners_y = np.repeat(y, 2)
    # Neighbouring bins of one arm touch; the next arm starts bluer than the last one ended.
    apart = np.flatnonzero(np.abs(np.diff(x) - width) > width / 100)
    at = 2 * (apart + 1)
    return np.insert(corners_x, at, np.nan), np.insert(corners_y, at, np.nan)


def band_outline(
    x: NDArray[np.floating], low: NDArray[np.floating], high: NDArray[np.floating]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the outline of a band: a closed polygon for each stretch where both edges are finite.

    Parameters
    ----------
    x, low, high : (n,) arrays
        Abscissa, lower and upper edge.

    Returns
    -------
    x, y : (m,) float32
        Corners, with a NaN pair between polygons.
    """
    gap = np.full(1, np.nan)
    outline_x, outline_y = [], []
    for run in runs_of(np.isfinite(low) & np.isfinite(high)):
        outline_x += [gap, x[run], x[run][::-1]]
        outline_y += [gap, low[run], high[run][::-1]]
    parts = (np.concatenate(outline or [gap]) for outline in (outline_x, outline_y))
    corners_x, corners_y = (part[1:].astype(np.float32) for part in parts)
    return corners_x, corners_y


def limits_of(parts: Sequence[NDArray[np.floating]], is_full: bool = False) -> tuple[float, float]:
    """Return padded axis limits that hold 0.5 to 99.5 % of each part, or all of it.

    Parts are arrays of any length; what is not finite does not count. Nothing finite gives (0, 1).
    """
    finite = [part[np.isfinite(part)] for part in parts]
    spans = [
        (part.min(), part.max()) if is_full else np.percentile(part, _ROBUST_PERCENTILES)
        for part in finite
        if part.size
    ]
    if not spans:
        return 0.0, 1.0
    low = float(min(span[0] for span in spans))
    high = float(max(span[1] for span in spans))
    pad = _PADDING * (high - low) or max(abs(high), 1.0) * _PADDING
    return low - pad, high + pad
