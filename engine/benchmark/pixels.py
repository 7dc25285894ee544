"""What the pixels of real spectra do that their ivar does not say: noise scale and correlation.

All functions take flux and ivar of one arm on the survey's own pixels, (N, n), with ivar 0 where a
pixel is not to be used.
"""

import numpy as np
from numpy.typing import NDArray

# From the median of |x| to the standard deviation of a normal distribution.
_MEDIAN_TO_SIGMA = 1.4826022185056018
LEAST_PIXELS = 50
_WINDOW = 25  # pixels of the running mean that is taken off
_FAR = 5.0


def noise_scale(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], lag: int = 2
) -> NDArray[np.float64]:
    """Return the true noise over the stated one, (N,); NaN with fewer than 50 usable triples.

    From 2 f(i) - f(i - lag) - f(i + lag), which a smooth spectrum leaves at zero, over its stated
    deviation; the median of its size, so that lines and spikes do not count (DER_SNR: Stoehr et al.
    2008, ASPC 394, 505). With a lag of 2 neighbours may be correlated.

    Examples
    --------
    >>> import numpy as np
    >>> noise = np.random.default_rng(1).normal(0, 2, (1, 20000))
    >>> noise_scale(noise, np.ones((1, 20000))).round(1).tolist()
    [2.0]
    """
    pulls = _triples(np.asarray(flux, np.float64), np.asarray(ivar, np.float64), lag)
    found = np.full(len(pulls), np.nan)
    for row, pull in enumerate(pulls):
        usable = pull[np.isfinite(pull)]
        if len(usable) >= LEAST_PIXELS:
            found[row] = _MEDIAN_TO_SIGMA * np.median(np.abs(usable))
    return found


def _triples(flux: NDArray[np.float64], ivar: NDArray[np.float64], lag: int) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(ivar > 0, 1 / ivar, np.nan)
        left, middle, right = (slice(None, -2 * lag), slice(lag, -lag), slice(2 * lag, None))
        signal = 2 * flux[:, middle] - flux[:, left] - flux[:, right]
        return signal / np.sqrt(4 * variance[:, middle] + variance[:, left] + variance[:, right])


def smooth_pulls(
    flux: NDArray[np.floating], ivar: NDArray[np.floating], half_width: int = _WINDOW
) -> NDArray[np.float64]:
    """Return flux minus its ivar-weighted running mean, over the stated noise, (N, n).

    The mean is over 2 × `half_width` + 1 pixels. NaN where a pixel is not usable.
    """
    flux, ivar = np.asarray(flux, np.float64), np.asarray(ivar, np.float64)
    flux = np.where(ivar > 0, flux, 0)
    total, weight = _running(flux * ivar, half_width), _running(ivar, half_width)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(ivar > 0, (flux - total / weight) * np.sqrt(ivar), np.nan)


def _running(values: NDArray[np.float64], half_width: int) -> NDArray[np.float64]:
    sums = np.cumsum(np.pad(values, ((0, 0), (half_width + 1, half_width))), axis=1)
    return sums[:, 2 * half_width + 1 :] - sums[:, : -2 * half_width - 1]


def pixel_correlation(pulls: NDArray[np.floating], n_lags: int) -> NDArray[np.float64]:
    """Return the correlation of pulls (N, n) with those 1 … n_lags pixels on, (n_lags,).

    Over all rows together; pulls beyond 5 deviations, which are lines and spikes, do not count.
    """
    pulls = np.where(np.abs(pulls) < _FAR, pulls, np.nan)
    power = np.nanmean(pulls**2)
    return np.array(
        [np.nanmean(pulls[:, :-lag] * pulls[:, lag:]) / power for lag in range(1, n_lags + 1)]
    )


def widening(correlation: NDArray[np.floating], n_pixels: int) -> float:
    """Return the noise of a mean of n pixels over that of independent ones.

    sqrt(1 + 2 Σ (1 - k/n) ρ_k) with the correlations ρ_k, (K,), at lags 1 … K.

    Examples
    --------
    >>> import numpy as np
    >>> widening(np.zeros(5), 16)
    1.0
    """
    lags = np.arange(1, len(correlation) + 1)
    share = np.maximum(1 - lags / n_pixels, 0)
    return float(np.sqrt(max(1 + 2 * (share * correlation).sum(), 0)))


def run_lengths(is_bad: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of all runs of true pixels in rows, (N, n), as (R,)."""
    padded = np.pad(is_bad.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(padded, axis=1)
    starts, ends = np.nonzero(steps == 1)[1], np.nonzero(steps == -1)[1]
    return ends - starts
