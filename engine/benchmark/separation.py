"""Whether some marked spectra stand above the others, when both are few."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, rankdata

_N_DRAWS = 500


@dataclass(frozen=True)
class Separation:
    """How marked spectra stand to the others.

    Parameters
    ----------
    auc, error : float
        How often a marked one has the larger score of a pair (equal ones count half), and the
        standard deviation of that over bootstrap draws.
    p_value : float
        Of the one-sided rank-sum test (Mann & Whitney 1947) that they do not stand above.
    n_marked, n_others : int
    """

    auc: float
    error: float
    p_value: float
    n_marked: int
    n_others: int


def separate(
    marked: NDArray[np.floating], others: NDArray[np.floating], seed: int = 0
) -> Separation:
    """Compare the scores of M marked spectra, (M,), with those of N others, (N,).

    Raises
    ------
    ValueError
        One of the two is empty, or a score is no number.
    """
    marked, others = np.asarray(marked, np.float64), np.asarray(others, np.float64)
    if not (len(marked) and len(others)):
        raise ValueError(f"two groups are needed, got {len(marked)} and {len(others)} spectra")
    if np.isnan(marked).any() or np.isnan(others).any():
        raise ValueError("a score is no number: leave such spectra out")
    rng = np.random.default_rng(seed)
    draws = [auc(rng.choice(marked, len(marked)), rng.choice(others, len(others)))
             for _ in range(_N_DRAWS)]  # fmt: skip
    p = float(mannwhitneyu(marked, others, alternative="greater").pvalue)
    return Separation(auc(marked, others), float(np.std(draws)), p, len(marked), len(others))


def auc(marked: NDArray[np.floating], others: NDArray[np.floating]) -> float:
    """Return how often one of (M,) is larger than one of (N,); equal ones count half.

    Examples
    --------
    >>> import numpy as np
    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    ranks = rankdata(np.concatenate([marked, others]))
    above = ranks[: len(marked)].sum() - len(marked) * (len(marked) + 1) / 2
    return float(above / (len(marked) * len(others)))


def percentiles(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the share of the others below each of N scores, (N,), in percent; NaN stays NaN.

    Equal ones count half.
    """
    scores = np.asarray(scores, np.float64)
    known = np.isfinite(scores)
    found = np.full(len(scores), np.nan)
    found[known] = 100 * (rankdata(scores[known]) - 1) / max(known.sum() - 1, 1)
    return found
