"""How often each spectrum is drawn in training, so that the rare kinds are learnt as well.

Drawn as they come, most would be of the two commonest kinds, and whatever is rare would look odd.
"""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.errors import InputError

from .known import Known

# How often each class is drawn; sky fibers among them teach what no object looks like.
CLASS_SHARES = {"GALAXY": 0.45, "QSO": 0.27, "STAR": 0.26}
SKY_SHARE = 0.02
# Width of a stratum in ln(1 + z), and the share of a class below which one is drawn as it comes:
# what is rarer than that may be what is looked for.
_STRATUM, _LEAST_SHARE = 0.15, 0.05


def training_shares(known: Known, n_sky: int) -> NDArray[np.float64]:
    """Return how often N spectra and the sky fibers after them are drawn, (T,), sum 1.

    Within a class, a stratum of subtype and redshift with four times as many members is drawn
    twice as often; members of strata with less than 5 % of a class are drawn as often as those of
    one with 5 %. A spectrum of no class of `CLASS_SHARES` is never drawn.

    Raises
    ------
    InputError
        No spectrum is of these classes.
    """
    if not np.isin(known.classes, list(CLASS_SHARES)).any():
        raise InputError(
            f"none of {len(known):,} spectra is of class {', '.join(CLASS_SHARES)}: there is "
            "nothing to learn from; their redshift files name the classes"
        )
    shares = np.zeros(len(known) + n_sky)
    for name, share in CLASS_SHARES.items():
        rows = np.flatnonzero(known.classes == name)
        shares[rows] = share * _within_class(known.take(rows))
    shares[len(known) :] = SKY_SHARE / max(n_sky, 1)
    return shares / shares.sum()


def _within_class(known: Known) -> NDArray[np.float64]:
    """Return the shares of the members of one class, (M,), sum 1."""
    shift = np.nan_to_num(np.log1p(np.maximum(known.redshift, 0)), nan=-1.0)
    strata = np.char.add(np.char.add(known.subtypes.astype(str), " "),
                         np.floor(shift / _STRATUM).astype(int).astype(str))  # fmt: skip
    _, place, count = np.unique(strata, return_inverse=True, return_counts=True)
    shares = 1 / np.sqrt(np.maximum(count[place], _LEAST_SHARE * len(known)))
    return shares / shares.sum() if len(shares) else shares
