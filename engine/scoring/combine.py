"""Several p-values of one spectrum as one, and as sigmas.

The Cauchy combination (Liu & Xie 2020, JASA 115, 393; arXiv:1808.09011) holds in the far tail
however the statistics depend on each other; elsewhere its level is off, so what it gives is
calibrated once more.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

# A p-value near 1 would weigh like a sure one and hide it. What is held back here is the business
# of the calibration that follows.
_LARGEST = 0.99


def combine(p_values: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return one p-value of each spectrum, (N,).

    Parameters
    ----------
    p_values : (K, N) array
        In (0, 1]; a NaN says that a statistic could not be measured: its weight goes to the others.
    weights : (K,) array
        Positive.

    Examples
    --------
    >>> import numpy as np
    >>> combine(np.array([[0.01], [0.01], [np.nan]]), np.ones(3)).round(6).tolist()
    [0.01]
    """
    p = np.asarray(p_values, np.float64)
    known = ~np.isnan(p)
    # The cotangent keeps all digits of a small p, the tangent of 1/2 - p does not.
    cauchy = 1 / np.tan(np.pi * np.minimum(np.where(known, p, 0.5), _LARGEST))
    shares = np.asarray(weights, np.float64)[:, None] * known
    total = shares.sum(axis=0)
    mean = (shares * cauchy).sum(axis=0) / np.where(total > 0, total, 1)
    return np.where(total > 0, np.arctan2(1, mean) / np.pi, np.nan)


def to_sigma(p_values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return how many standard deviations of a normal distribution leave p above them, (N,).

    Examples
    --------
    >>> import numpy as np
    >>> to_sigma(np.array([0.5, 2.866515719e-07])).round(6).tolist()
    [0.0, 5.0]
    """
    return 0.0 - ndtri(np.asarray(p_values, np.float64))
