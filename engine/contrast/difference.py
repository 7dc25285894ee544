"""How one column differs between two sets of rows, from what was counted of each.

The strength is the same kind of number for every column, so that columns can be ranked: the
largest difference between the shares of the two sides that have a value in some set of values.
For numbers the set is one range, and the strength is Kuiper's statistic but for ranges that go
round the end (Kuiper 1960, Proc. Kon. Ned. Akad. Wet. A 63, 38); for categories it is any set of
values, and the strength the total variation distance. 0 = alike, 1 = no value in common.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .side import Counted
from .tally import Ruler

# Mean of Kuiper's statistic times the root of n where nothing differs.
_KUIPER_MEAN = (np.pi / 2) ** 0.5
# Mean size of a number that is spread normally, in standard deviations.
_MEAN_SIZE = (2 / np.pi) ** 0.5


@dataclass(frozen=True)
class Difference:
    """What tells two sides apart best in one column.

    Parameters
    ----------
    strength : float
        0 to 1, see the head of this file.
    noise : float
        What it would be on average, at most, if the sides were drawn from the same objects; more
        for a sample, of which neighbors are drawn together and alike.
    error : float
        Standard error for what was not counted; 0 where all was.
    kind : str
        What tells them apart: a ``range``, a ``value`` or being ``null``.
    low, high : int or float or None
        Both ends of the range, inclusive; None where it is open.
    code : int or None
        Code, or bit, of the one value the selection has most above the rest.
    shares : (float, float)
        Of the selection and of the rest, in the range, with the value, or null. Those of ranges
        and values are shares of what is not null.
    auc : float or None
        Chance that a number of the selection is larger than one of the rest, ties counting half;
        to half of what the two sides have in the same steps.
    """

    strength: float
    noise: float
    error: float
    kind: str
    shares: tuple[float, float]
    low: float | None = None
    high: float | None = None
    code: int | None = None
    auc: float | None = None

    @property
    def excess(self) -> float:
        """Return the strength above the noise, not below 0: what columns are ranked by."""
        return max(0.0, self.strength - self.noise)


def measure_difference(ruler: Ruler, selected: Counted, rest: Counted) -> Difference:
    """Compare what was counted of a column on both sides, by one ruler.

    Examples
    --------
    >>> ruler = Ruler("codes", -1, np.empty(0), 2)
    >>> from anomaly_explorer.engine.contrast.tally import Tally
    >>> def side(*counts):
    ...     counts = np.array([counts])
    ...     none = np.zeros((1, 2))
    ...     return Counted(Tally(counts, np.array([0]), none, none), counts.sum(axis=1))
    >>> found = measure_difference(ruler, side(10, 90), side(60, 40))
    >>> found.kind, found.code, found.shares, found.strength
    ('value', 1, (0.9, 0.4), 0.5)
    """
    nulls = _of_nulls(selected, rest)
    if not (_known(selected, ruler).sum() and _known(rest, ruler).sum()):
        return nulls
    compare = {"numbers": _of_numbers, "codes": _of_codes, "bits": _of_bits}[ruler.kind]
    found = compare(ruler, selected, rest)
    return found if found.excess >= nulls.excess else nulls


def _of_nulls(selected: Counted, rest: Counted) -> Difference:
    sides = [(side.tally.n_null, side.n_rows) for side in (selected, rest)]
    shares = tuple(float(some.sum() / n.sum()) for some, n in sides)
    error, design = _error((selected, rest), sides)
    return Difference(
        strength=abs(shares[0] - shares[1]),
        noise=design * float(_noise(*((some.sum(), n.sum()) for some, n in sides))),
        error=error,
        kind="null",
        shares=shares,
    )


def _of_numbers(ruler: Ruler, selected: Counted, rest: Counted) -> Difference:
    counts = [side.tally.counts.sum(axis=0) for side in (selected, rest)]
    known = [int(some.sum()) for some in counts]
    here, there = counts[0] / known[0], counts[1] / known[1]
    above = np.concatenate([[0.0], np.cumsum(here - there)])
    stop = int(np.argmax(above - np.minimum.accumulate(above)))
    first = int(np.argmin(above[: stop + 1]))
    is_in = np.zeros(ruler.n_steps, np.bool_)
    is_in[first:stop] = True
    shares = (float(counts[0][is_in].sum() / known[0]), float(counts[1][is_in].sum() / known[1]))
    error, design = _error_of_set(ruler, (selected, rest), is_in)
    return Difference(
        strength=shares[0] - shares[1],
        noise=design * _KUIPER_MEAN * (1 / known[0] + 1 / known[1]) ** 0.5,
        error=error,
        kind="range",
        shares=shares,
        low=ruler.edges[first].item() if first > 0 else None,
        high=_last_before(ruler.edges[stop]) if stop < ruler.n_steps else None,
        auc=float((here * (np.cumsum(there) - there / 2)).sum()),
    )


def _of_codes(ruler: Ruler, selected: Counted, rest: Counted) -> Difference:
    counts = [side.tally.counts.sum(axis=0) for side in (selected, rest)]
    here, there = (some / some.sum() for some in counts)
    code = int(np.argmax(here - there))
    noises = _noise(*((some, some.sum()) for some in counts))
    error, design = _error_of_set(ruler, (selected, rest), here > there)
    return Difference(
        strength=float(np.abs(here - there).sum() / 2),
        noise=design * float(noises.sum() / 2),
        error=error,
        kind="value",
        shares=(float(here[code]), float(there[code])),
        code=code,
    )


def _of_bits(ruler: Ruler, selected: Counted, rest: Counted) -> Difference:
    """Compare by the one bit that differs most: a row may have several."""
    sides = [(side.tally.counts.sum(axis=0), side.n_rows.sum()) for side in (selected, rest)]
    here, there = (some / n for some, n in sides)
    code = int(np.argmax(np.abs(here - there)))
    error, design = _error_of_set(ruler, (selected, rest), np.arange(ruler.n_steps) == code)
    return Difference(
        strength=float(abs(here[code] - there[code])),
        noise=design * float(_noise(*sides)[code]),
        error=error,
        kind="value",
        shares=(float(here[code]), float(there[code])),
        code=code,
    )


def _known(side: Counted, ruler: Ruler) -> NDArray[np.int64]:
    """Return the rows of each group with a value, (G,); no bits are a value too."""
    return side.n_rows if ruler.kind == "bits" else side.tally.counts.sum(axis=1)


def _noise(here: Any, there: Any) -> NDArray[np.float64]:
    """Return the mean |difference of shares| of equal sides; each is (counts, rows counted)."""
    (some, n), (others, m) = here, there
    pooled = (some + others) / (n + m)
    return _MEAN_SIZE * (pooled * (1 - pooled) * (1 / n + 1 / m)) ** 0.5


def _error_of_set(
    ruler: Ruler, sides: tuple[Counted, Counted], is_in: NDArray[np.bool_]
) -> tuple[float, float]:
    counts = [(side.tally.counts[:, is_in].sum(axis=1), _known(side, ruler)) for side in sides]
    return _error(sides, counts)


def _error(
    sides: tuple[Counted, Counted], counts: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
) -> tuple[float, float]:
    """Return the standard error of a difference of shares, and its ratio to that of single rows.

    Parameters
    ----------
    sides : tuple of Counted
    counts : sequence of tuple
        Of each side the rows in the set and the rows known in each group, (G,) each.

    Returns
    -------
    error : float
        0 where all was counted.
    design : float
        How many times it is the error of as many rows drawn one by one; at least 1.
    """
    parts = [
        np.divide(some, known, out=np.full(len(known), np.nan), where=known > 0)
        for some, known in counts
    ]
    error = float(np.hypot(*(side.error(part) for side, part in zip(sides, parts, strict=True))))
    alone = float(_noise(*((some.sum(), known.sum()) for some, known in counts))) / _MEAN_SIZE
    return error, max(1.0, error / alone) if alone else 1.0


def _last_before(edge: Any) -> float:
    """Return the largest number of its type below an edge."""
    if edge.dtype.kind == "f":
        return np.nextafter(edge, edge.dtype.type(-np.inf)).item()
    return int(edge) - 1
