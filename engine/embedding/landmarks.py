"""Which objects the map is fitted on: all of a small catalog, a sample of a large one."""

import numpy as np
from numpy.typing import NDArray

# Share of landmarks kept for the highest scores: 5 in a million would be lost in a plain sample.
ANOMALY_SHARE = 0.1


def choose_landmarks(
    scores: NDArray[np.float32],
    strata: NDArray[np.generic],
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
    strata : (N,) array
        A label per object, such as population and class.
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
    >>> rows = choose_landmarks(scores, np.zeros(100), is_stated, 20, seed=1)
    >>> len(rows), {88, 89} <= set(rows.tolist())
    (20, True)
    """
    n = len(scores)
    if n <= n_landmarks:
        return np.arange(n)
    n_high = int(ANOMALY_SHARE * n_landmarks)
    candidates = np.flatnonzero(is_stated & ~np.isnan(scores))
    high = candidates[np.argsort(-scores[candidates], kind="stable")[:n_high]]
    rest = np.setdiff1d(np.arange(n), high)
    _, label, size = np.unique(strata[rest], return_inverse=True, return_counts=True)
    # A weight of 1/sqrt(size) lies between fair to objects and fair to strata.
    weight = 1.0 / np.sqrt(size[label])
    random = np.random.default_rng(seed)
    sample = random.choice(rest, n_landmarks - len(high), replace=False, p=weight / weight.sum())
    return np.sort(np.concatenate([high, sample]))
