"""What could be odd about a spectrum, as numbers that grow with oddness.

Each looks at the difference of flux and model in units of what noise and model error allow:

- ``misfit``: mean square over the bins, each held to 5 deviations: one spike cannot rule;
- ``width_0`` … ``width_32``: the most significant bump or dip of each width, in bins;
- ``gain``: an arm whose flux is off by a factor;
- ``sky``: the lines of the night sky, under- or oversubtracted;
- ``fringe``: waves in the NIR arm, of periods from 28 to 95 Å;
- ``modes``: how far the model is off in the ways it is often off;
- ``profile``: emission lines that are better explained by two velocities than by one;
- ``line``: the strongest narrow emission line where none is known;
- ``latent``: how lonely the latents are.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, Arm, BinGrid

from .filters import WIDTHS, filter_bank, match_filters
from .pixel_findings import PixelFindings

MATCHED = tuple(f"width_{width:g}" for width in WIDTHS)
NAMES = ("misfit", *MATCHED, "gain", "sky", "fringe", "modes", "profile", "line", "latent")
# Combined with these weights; what the Earth or the instrument does, and what the sky above does.
INSTRUMENT = {"gain": 1.0, "sky": 1.0, "fringe": 1.0, "width_0": 1.0}
ASTRO = {
    "misfit": 2.0, "latent": 1.0, "modes": 1.0, "profile": 1.0, "line": 1.0,
    **dict.fromkeys(MATCHED, 1.0),
}  # fmt: skip
_CAP = 5.0
_PERIODS = np.geomspace(28.0, 95.0, 24)  # Å


@dataclass(frozen=True)
class Difference:
    """Flux minus model of N spectra without what is known, and how much of it is expected.

    Parameters
    ----------
    values : (N, B) float32
        With known lines and the modes of the model's error taken out.
    weight : (N, B) float32
        1 / (variance of the noise + variance of the model); 0 where nothing is known.
    model : (N, B) float32
    strength : (N,) float32
        Sum of squares of the modes; NaN where there are none.
    """

    values: NDArray[np.float32]
    weight: NDArray[np.float32]
    model: NDArray[np.float32]
    strength: NDArray[np.float32]


def measure(
    difference: Difference,
    surprise: NDArray[np.floating],
    pixels: PixelFindings,
    sky: NDArray[np.floating],
    grid: BinGrid,
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]:
    """Return every statistic of `NAMES`, (N,) each, and the best filter of each width, (N, W).

    NaN says that a statistic could not be measured, such as waves in an arm that is dead.

    Parameters
    ----------
    difference : Difference
        Of N spectra.
    surprise : (N,) array
        Minus the log density of the latents.
    pixels : PixelFindings
        Of the same spectra.
    sky : (K, B) array
        Templates of sky residuals on the bins.
    grid : BinGrid
    """
    matches, filters = match_filters(difference.values, difference.weight, filter_bank(grid))
    found = dict(zip(MATCHED, matches.T, strict=True))
    found["misfit"] = _misfit(difference)
    gains = [_match(difference, difference.model, grid.bins_of(arm)) for arm in ARMS]
    found["gain"] = np.fmax.reduce(gains)
    found["sky"] = _templates(difference, np.asarray(sky, np.float32))
    found["fringe"] = _fringe(difference, grid)
    found["modes"] = difference.strength
    found["profile"], found["line"] = pixels.profile.copy(), pixels.line.copy()
    # A density has no scale: its exponential is not needed, only that it is positive.
    found["latent"] = np.logaddexp(0, np.asarray(surprise, np.float64)).astype(np.float32)
    return {name: found[name] for name in NAMES}, filters


def _misfit(difference: Difference) -> NDArray[np.float32]:
    squares = np.minimum(difference.values**2 * difference.weight, _CAP**2)
    return _over(squares.sum(axis=1), (difference.weight > 0).sum(axis=1))


def _over(signal: NDArray[np.floating], power: NDArray[Any]) -> NDArray[np.float32]:
    """Return signal over power, each (N, …); NaN where there is no power."""
    has_power = power > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(has_power, signal / power, np.nan).astype(np.float32)


def _match(
    difference: Difference, template: NDArray[np.float32], bins: slice
) -> NDArray[np.float32]:
    """Return the significance of a template of each spectrum, (N, B), over some bins."""
    weight, shape = difference.weight[:, bins], template[:, bins]
    signal = np.abs((difference.values[:, bins] * weight * shape).sum(axis=1))
    return _over(signal, np.sqrt((weight * shape**2).sum(axis=1)))


def _templates(difference: Difference, templates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the significance of the best of templates, (K, B), that all spectra share."""
    signal = np.abs((difference.values * difference.weight) @ templates.T)
    power = difference.weight @ (templates**2).T
    return np.fmax.reduce(_over(signal, np.sqrt(power)), axis=1)


def _fringe(difference: Difference, grid: BinGrid) -> NDArray[np.float32]:
    bins = grid.bins_of(Arm.NIR)
    phase = 2 * np.pi * grid.centers[bins][:, None] / _PERIODS
    weight, model = difference.weight[:, bins], difference.model[:, bins]
    signal, power = difference.values[:, bins] * weight * model, weight * model**2
    total = np.zeros((len(signal), len(_PERIODS)), np.float32)
    for wave in (np.cos(phase), np.sin(phase)):
        wave = wave.astype(np.float32)
        total += _over((signal @ wave) ** 2, power @ wave**2)
    return np.sqrt(np.fmax.reduce(total, axis=1))
