"""How often chance does as much: p-values by permutation, many tests at once, errors."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


def p_value(observed: float, drawn: NDArray[np.floating]) -> float:
    """Return how often draws, (P,), are at least as large as what was observed.

    (k + 1) / (P + 1), which is never 0 and valid at any P (Phipson & Smyth 2010).

    Examples
    --------
    >>> p_value(3.0, np.array([1.0, 2.0, 3.0])), p_value(9.0, np.zeros(999))
    (0.5, 0.001)
    """
    return float((np.count_nonzero(drawn >= observed) + 1) / (len(drawn) + 1))


def two_sided(observed: float, drawn: NDArray[np.floating]) -> float:
    """Return how often draws, (P,), are as far from 0 as what was observed."""
    return p_value(abs(observed), np.abs(drawn))


def either_side(above: float, below: float) -> float:
    """Return the p-value of a draw as far out on either side, from those of the two sides.

    Examples
    --------
    >>> either_side(0.02, 0.99), either_side(0.6, 0.6)
    (0.04, 1.0)
    """
    return min(1.0, 2 * min(above, below))


def outliers(p: NDArray[np.floating], share_false: float = 0.05) -> NDArray[np.bool_]:
    """Return which of many p-values, (n,) or (P, n), are too small for chance, each row apart.

    Among those returned at most the given share are false on average (Benjamini & Hochberg 1995).

    Examples
    --------
    >>> outliers(np.array([0.001, 0.9, 0.02, 0.5])).tolist()
    [True, False, True, False]
    """
    n = p.shape[-1]
    if n == 0:
        return np.zeros(p.shape, bool)
    ordered = np.sort(p, axis=-1)
    passed = ordered <= share_false * np.arange(1, n + 1) / n
    last = n - 1 - np.argmax(passed[..., ::-1], axis=-1)
    limit = np.take_along_axis(ordered, last[..., None], axis=-1)
    return (p <= limit) & passed.any(axis=-1, keepdims=True)


def bootstrap_error(
    rng: np.random.Generator,
    figure: Callable[..., float],
    columns: tuple[NDArray[Any], ...],
    n_draws: int = 100,
    n_most: int = 20_000,
) -> float:
    """Return the standard error of a figure of columns, (n,) each, by drawing rows again.

    Of more than `n_most` rows as many as that are drawn, and the error is scaled by the root of
    the numbers; NaN below ten rows, and for a figure that is NaN.
    """
    n = len(columns[0])
    if n < 10:
        return float("nan")
    size = min(n, n_most)
    found = []
    for _ in range(n_draws):
        rows = rng.integers(0, n, size)
        found.append(figure(*(column[rows] for column in columns)))
    known = np.array(found)[np.isfinite(found)]
    return float(np.std(known, ddof=1) * np.sqrt(size / n)) if len(known) > 1 else float("nan")
