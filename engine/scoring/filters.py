"""Matched filters over the bins: how significant is a Gaussian bump or dip, at any place and width.

A filter is a Gaussian on the bins of one arm, cut off where it is small: a filter bank of narrow
shapes is sparse, and forty times cheaper so than as a product of full matrices.
"""

from dataclasses import dataclass
from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.spectra.grid import ARMS, BinGrid

# Standard deviations in bins; 0 is a single bin.
WIDTHS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
_REACH = 3.5
_LANES = 64  # spectra filtered at once


@dataclass(frozen=True, eq=False)
class FilterBank:
    """Gaussian filters of all widths at all places of a grid.

    Parameters
    ----------
    start, n_taps, first_tap : (T,) int64
        First bin of each filter, how many it covers, and where their shape begins in `taps`.
    width, center : (T,) int64 and float64
        Index in `WIDTHS`, and the bin (with a fraction) it is centred on.
    taps : (K,) float32
        All shapes, each with a sum of squares of 1.
    """

    start: NDArray[np.int64]
    n_taps: NDArray[np.int64]
    first_tap: NDArray[np.int64]
    width: NDArray[np.int64]
    center: NDArray[np.float64]
    taps: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.start)

    def shape(self, number: int, n_bins: int) -> NDArray[np.float32]:
        """Return one filter as a row of all bins, (B,)."""
        row = np.zeros(n_bins, np.float32)
        start, first, n = self.start[number], self.first_tap[number], self.n_taps[number]
        row[start : start + n] = self.taps[first : first + n]
        return row


@cache
def filter_bank(grid: BinGrid) -> FilterBank:
    """Make the bank of a grid: every arm by itself, half a standard deviation apart."""
    parts = []
    for arm in ARMS:
        bins = grid.bins_of(arm)
        for number, width in enumerate(WIDTHS):
            step = max(width / 2, 0.25) if width else 1.0
            centers = np.arange(bins.start, bins.stop - 1 + 1e-9, step)
            parts += [_filter(center, number, bins) for center in centers]
    starts, shapes, widths, centers = zip(*parts, strict=True)
    n_taps = np.array([len(shape) for shape in shapes])
    return FilterBank(
        np.array(starts), n_taps, np.cumsum(n_taps) - n_taps, np.array(widths),
        np.array(centers), np.concatenate(shapes).astype(np.float32),
    )  # fmt: skip


def _filter(center: float, number: int, bins: slice) -> tuple[int, NDArray[np.float64], int, float]:
    width = WIDTHS[number]
    low = max(bins.start, int(np.ceil(center - max(_REACH * width, 0.5))))
    high = min(bins.stop - 1, int(np.floor(center + max(_REACH * width, 0.5))))
    places = np.arange(low, high + 1)
    if width == 0:
        low, shape = round(center), np.ones(1)
    else:
        shape = np.exp(-0.5 * ((places - center) / width) ** 2)
    return low, shape / np.sqrt((shape**2).sum()), number, center


def match_filters(
    difference: NDArray[np.float32], weight: NDArray[np.float32], bank: FilterBank
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the most significant match of each width, and which filter it was.

    Parameters
    ----------
    difference, weight : (N, B) float32
        Flux minus model, and the inverse of its variance (0 = unknown).
    bank : FilterBank
        Of B bins.

    Returns
    -------
    significance : (N, W) float32
        |Σ w d k| / √Σ w k² of the best filter k of each of the W widths, in standard deviations;
        NaN where none meets a known bin.
    filters : (N, W) int64
        Number of that filter; -1 where there is none.
    """
    n = len(difference)
    best = np.empty((n, len(WIDTHS)), np.float32)
    which = np.empty((n, len(WIDTHS)), np.int64)
    spans = (bank.start, bank.n_taps, bank.first_tap, bank.width)
    _match((difference, weight), spans, bank.taps, best, which)
    return best, which


@numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def _match(
    spectra: tuple[NDArray, NDArray],
    spans: tuple[NDArray, NDArray, NDArray, NDArray],
    taps: NDArray,
    best: NDArray,
    which: NDArray,
) -> None:
    start, n_taps, first_tap, width = spans
    squares = taps * taps
    n, n_bins = spectra[0].shape
    # Spectra side by side: each tap is one instruction for several of them.
    pulls, weights = np.zeros((n_bins, _LANES), np.float32), np.zeros((n_bins, _LANES), np.float32)
    signal, power = np.zeros(_LANES, np.float32), np.zeros(_LANES, np.float32)
    top, at = np.zeros((len(WIDTHS), _LANES), np.float32), np.zeros((len(WIDTHS), _LANES), np.int32)
    for row in range(0, n, _LANES):
        rows = slice(row, min(row + _LANES, n))
        _lay_side_by_side(spectra, rows, (pulls, weights))
        top[:], at[:] = -1, -1
        for t in range(len(start)):
            signal[:], power[:] = 0, 0
            for i in range(n_taps[t]):
                tap, square = taps[first_tap[t] + i], squares[first_tap[t] + i]
                bin_ = start[t] + i
                for lane in range(_LANES):
                    signal[lane] += pulls[bin_, lane] * tap
                    power[lane] += weights[bin_, lane] * square
            _keep_best((signal, power), np.int32(t), top[width[t]], at[width[t]])
        _take_apart((top, at), best[rows], which[rows])


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _lay_side_by_side(
    spectra: tuple[NDArray, NDArray], rows: slice, out: tuple[NDArray, NDArray]
) -> None:
    difference, weight = spectra
    pulls, weights = out
    for lane in range(rows.stop - rows.start):
        for b in range(len(weights)):
            weights[b, lane] = weight[rows.start + lane, b]
            pulls[b, lane] = difference[rows.start + lane, b] * weight[rows.start + lane, b]


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _keep_best(sums: tuple[NDArray, NDArray], number: int, top: NDArray, at: NDArray) -> None:
    """Keep the squares of the best matches and their numbers; nothing over nothing keeps none."""
    signal, power = sums
    for lane in range(_LANES):
        # No branch and nothing read twice: only so are several lanes compared at once.
        found, last, last_at = signal[lane] * signal[lane] / power[lane], top[lane], at[lane]
        is_better = found > last
        top[lane] = found if is_better else last
        at[lane] = number if is_better else last_at


@numba.njit(nogil=True, cache=True, error_model="numpy")
def _take_apart(kept: tuple[NDArray, NDArray], best: NDArray, which: NDArray) -> None:
    top, at = kept
    for lane in range(len(best)):
        for width in range(len(top)):
            which[lane, width] = at[width, lane]
            best[lane, width] = np.sqrt(top[width, lane]) if at[width, lane] >= 0 else np.nan
