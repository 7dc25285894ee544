"""Which objects the map is fitted on: all of a small catalog, a sample of a large one."""

import numpy as np
from numpy.typing import NDArray

# Share of landmarks kept for the highest scores: 5 in a million would be lost in a plain sample.
ANOMALY_SHARE = 0.1


def choose_landmarks(
    scores: NDArray[np.float32],
    strata: NDArray[np.integer],
    is_stated: NDArray[np.bool_],
    n_landmarks: int,
    seed: int,
) -> NDArray[np.int64]:
    """Choose landmarks: the highest scores, and a sample that gives small strata a fair share.

    The highest scores are those of the stated population: of all objects they would be sky and
    broken fibers, and the anomalies among the science targets would be lost.

    Parameters
    ----------
    scores : (N,) float32
        `score_mse`; NaN is never high.
    strata : (N,) integer
        A small number per object, such as that of its population and class; none is negative.
    is_stated : (N,) bool
        Objects of the stated population.
    n_landmarks : int
        How many; all N when N is not larger.
    seed : int

    Returns
    -------
    (M,) int64
        Sorted rows.

    Examples
    --------
    >>> import numpy as np
    >>> scores, is_stated = np.arange(100, dtype=np.float32), np.arange(100) < 90
    >>> rows = choose_landmarks(scores, np.zeros(100, int), is_stated, 20, seed=1)
    >>> len(rows), {88, 89} <= set(rows.tolist())
    (20, True)
    """
    n = len(scores)
    if n <= n_landmarks:
        return np.arange(n)
    n_high = int(ANOMALY_SHARE * n_landmarks)
    high = _highest(scores, is_stated, n_high)
    is_rest = np.ones(n, np.bool_)
    is_rest[high] = False
    rest = np.flatnonzero(is_rest)
    sizes = np.bincount(strata[rest])
    # A weight of 1/sqrt(size) lies between fair to objects and fair to strata.
    weight = (1.0 / np.sqrt(np.maximum(sizes, 1)))[strata[rest]]
    weight /= weight.sum()
    random = np.random.default_rng(seed)
    sample = random.choice(rest, n_landmarks - len(high), replace=False, p=weight)
    return np.sort(np.concatenate([high, sample]))


def _highest(
    scores: NDArray[np.float32], is_stated: NDArray[np.bool_], n_high: int
) -> NDArray[np.int64]:
    """Return the rows of the highest scores of the stated population; ties to the first rows."""
    rows = np.flatnonzero(is_stated & ~np.isnan(scores))
    if 0 < n_high < len(rows):
        limit = np.partition(scores[rows], len(rows) - n_high)[len(rows) - n_high]
        rows = rows[scores[rows] >= limit]
    return rows[np.argsort(-scores[rows], kind="stable")[:n_high]]
