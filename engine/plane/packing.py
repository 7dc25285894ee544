"""Compare a column and pack the answers into bits, in one pass over the column.

Compiled functions here call none of another file: numba's disk cache would keep what that file
said before it changed.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from .mask import Mask
from .threads import threads

# Rows compared at a time: their answers, a byte each, stay in the nearest cache.
_BLOCK = 4096
# More rows than this are compared by several threads, so many at a time; whole blocks.
_SHARE = 256 * _BLOCK
# More neighbouring runs of values than this are looked up, fewer are compared one by one.
_MAX_RUNS = 4
# Moves the lowest bit of each of eight bytes into the highest byte of their product.
_GATHER = np.uint64(0x0102040810204080)


def mask_between(
    values: NDArray[Any], low: Any = None, high: Any = None, null: int | None = None
) -> Mask:
    """Return which of (N,) numbers are from `low` to `high`, both included; None = open.

    Parameters
    ----------
    values : (N,) float or integer
        NaN is never between.
    low, high : number, optional
        For floats rounded to the type of `values` first; compared exactly to integers.
    null : int, optional
        The integer that stands for no value and never matches.

    Examples
    --------
    >>> import numpy as np
    >>> mask_between(np.array([1.0, np.nan, 3.0], np.float32), 2).rows().tolist()
    [2]
    """
    mask = Mask.none(len(values))
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            limits = (
                values.dtype.type(-np.inf if low is None else low),
                values.dtype.type(np.inf if high is None else high),
            )
        _pack(_pack_between, values, limits, mask)
        return mask
    bounds = np.iinfo(values.dtype)
    least = bounds.min if low is None else max(int(low), bounds.min)
    most = bounds.max if high is None else min(int(high), bounds.max)
    if null is not None and null == bounds.min:
        least = max(least, bounds.min + 1)
    if least > most:
        return mask
    limits = (values.dtype.type(least), values.dtype.type(most))
    _pack(_pack_between, values, limits, mask)
    if null is None or not least <= null <= most:
        return mask
    return mask - mask_between(values, null, null)


def mask_bit(values: NDArray[np.unsignedinteger], bit: int) -> Mask:
    """Return which of (N,) unsigned integers have a bit, counted from 0.

    Examples
    --------
    >>> import numpy as np
    >>> mask_bit(np.array([1, 2, 3], np.uint32), 1).rows().tolist()
    [1, 2]
    """
    mask = Mask.none(len(values))
    _pack(_pack_bit, values, (values.dtype.type(1 << bit),), mask)
    return mask


def mask_codes(codes: NDArray[np.signedinteger], wanted: NDArray[np.bool_]) -> Mask:
    """Return which of (N,) codes are wanted; `wanted` is (K,) bool, codes outside 0 to K - 1 never.

    Examples
    --------
    >>> import numpy as np
    >>> mask_codes(np.array([-1, 0, 1, 2], np.int8), np.array([True, False, True])).rows().tolist()
    [1, 3]
    """
    mask = Mask.none(len(codes))
    # One more on either side, for the codes outside: a branch would cost four times as much.
    padded = np.zeros(len(wanted) + 2, np.uint8)
    padded[1:-1] = wanted
    _pack(_pack_codes, codes, (padded,), mask)
    return mask


def mask_values(values: NDArray[np.integer], wanted: Iterable[int]) -> Mask:
    """Return which of (N,) integers are wanted, each within the range of int64.

    Examples
    --------
    >>> import numpy as np
    >>> mask_values(np.array([5, 7, 5], np.int8), [5, 9]).rows().tolist()
    [0, 2]
    """
    ordered = np.unique(np.array(list(wanted), np.int64))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) != 1) + 1) if len(ordered) else []
    if len(runs) <= _MAX_RUNS:
        mask = Mask.none(len(values))
        for run in runs:
            mask = mask | mask_between(values, int(run[0]), int(run[-1]))
        return mask
    if ordered[0] >= 0 and ordered[-1] < 2**16:
        is_wanted = np.zeros(ordered[-1] + 1, np.bool_)
        is_wanted[ordered] = True
        return mask_codes(values, is_wanted)
    return Mask.of_bools(np.isin(values, ordered))


def _pack(
    compare: Callable[..., None], values: NDArray[Any], arguments: tuple[Any, ...], mask: Mask
) -> None:
    """Fill a mask with the answers about (N,) values, shares of them side by side."""
    packed = mask.words.view(np.uint8)

    def fill(start: int) -> None:
        stop = start + _SHARE
        compare(values[start:stop], *arguments, packed[start // 8 : stop // 8])

    if len(values) <= _SHARE:
        fill(0)
    else:
        list(threads().map(fill, range(0, len(values), _SHARE)))


@numba.njit(nogil=True, cache=True)
def _gather(answers: NDArray[np.uint8], n: int, packed: NDArray[np.uint8], first: int) -> None:
    """Pack n answers, padded with zeros to a multiple of eight, from byte `first` on."""
    eights = answers.view(np.uint64)
    for i in range((n + 7) // 8):
        packed[first + i] = np.uint8((eights[i] * _GATHER) >> np.uint64(56))


@numba.njit(nogil=True, cache=True)
def _pack_between(values: NDArray, low: Any, high: Any, packed: NDArray[np.uint8]) -> None:
    answers = np.zeros(_BLOCK, np.uint8)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for i in range(len(block)):
            answers[i] = np.uint8(block[i] >= low) & np.uint8(block[i] <= high)
        answers[len(block) :] = 0
        _gather(answers, len(block), packed, start // 8)


@numba.njit(nogil=True, cache=True)
def _pack_bit(values: NDArray, bit: Any, packed: NDArray[np.uint8]) -> None:
    answers = np.zeros(_BLOCK, np.uint8)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        for i in range(len(block)):
            answers[i] = np.uint8((block[i] & bit) != 0)
        answers[len(block) :] = 0
        _gather(answers, len(block), packed, start // 8)


@numba.njit(nogil=True, cache=True)
def _pack_codes(codes: NDArray, wanted: NDArray[np.uint8], packed: NDArray[np.uint8]) -> None:
    answers = np.zeros(_BLOCK, np.uint8)
    last = np.int64(len(wanted) - 1)
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        for i in range(len(block)):
            place = min(max(np.int64(block[i]) + 1, np.int64(0)), last)
            answers[i] = wanted[np.uint64(place)]
        answers[len(block) :] = 0
        _gather(answers, len(block), packed, start // 8)
