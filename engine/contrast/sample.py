"""Some rows of a mask that stand for all: short runs, one from each stretch of the store.

Rows are in map order, so a run of 256 is one or two pieces of memory per column, and a run from
each stretch reaches every part of the map. Neighbors are alike, so the runs, and not their rows,
say how far an estimate may be off: they are dealt into groups, each a small sample of its own. Of
16 runs that follow each other each group gets one at random: dealt in turn, the groups would differ
by where they lie on the map, and errors be overstated.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.plane.mask import WORD, Mask

RUN_ROWS = 256
N_GROUPS = 16
_RUN_WORDS = RUN_ROWS // WORD
# Rows listed at once: 8 MB.
_SLAB_WORDS = (1 << 20) // WORD


@dataclass(frozen=True)
class Sample:
    """Rows drawn from a mask, or all of it.

    Parameters
    ----------
    mask : Mask
        The rows drawn.
    group_of_run : (ceil(N / 256),) int8
        Group of each run of 256 rows.
    n_groups : int
        How many groups there are; 1 when nothing was left out.
    share : float
        Share of the rows that were drawn, 0 to 1.
    """

    mask: Mask
    group_of_run: NDArray[np.int8]
    n_groups: int
    share: float

    def slabs(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int8]]]:
        """Yield rows and their groups, (M,) each with M at most 1,048,576, in order."""
        for start in range(0, len(self.mask.words), _SLAB_WORDS):
            words = self.mask.words[start : start + _SLAB_WORDS]
            rows = Mask(words, len(words) * WORD).rows() + start * WORD
            if len(rows):
                yield rows, self.group_of_run[rows // RUN_ROWS]


def take_all(mask: Mask) -> Sample:
    """Return the sample that is the whole mask."""
    return Sample(mask, np.zeros(-(-mask.n_rows // RUN_ROWS), np.int8), 1, 1.0)


def draw_sample(mask: Mask, n_wanted: int, seed: int = 0) -> Sample:
    """Draw about as many rows of a mask as wanted; all of them where there are no more.

    Every run with rows of the mask has the same chance; one is drawn from each stretch of as many
    such runs as the share asks for.

    Examples
    --------
    >>> drawn = draw_sample(Mask.all(1_000_000), 100_000)
    >>> drawn.mask.count, drawn.n_groups, round(drawn.share, 3)
    (100096, 16, 0.1)
    """
    n_rows = mask.count
    if n_rows <= n_wanted:
        return take_all(mask)
    n_runs = -(-len(mask.words) // _RUN_WORDS)
    words = np.zeros(n_runs * _RUN_WORDS, np.uint64)
    words[: len(mask.words)] = mask.words
    words = words.reshape(n_runs, _RUN_WORDS)
    filled = np.flatnonzero(words.any(axis=1))
    n_drawn = min(max(round(len(filled) * n_wanted / n_rows), 2 * N_GROUPS), len(filled))
    ends = np.linspace(0, len(filled), n_drawn + 1)
    rng = np.random.default_rng(seed)
    places = ends[:-1] + rng.random(n_drawn) * np.diff(ends)
    drawn = np.unique(filled[np.minimum(places.astype(np.int64), len(filled) - 1)])
    kept = np.zeros_like(words)
    kept[drawn] = words[drawn]
    groups = np.zeros(n_runs, np.int8)
    n_groups = min(N_GROUPS, len(drawn))
    dealt = np.tile(np.arange(n_groups), (-(-len(drawn) // n_groups), 1))
    groups[drawn] = rng.permuted(dealt, axis=1).ravel()[: len(drawn)]
    sampled = Mask(kept.ravel()[: len(mask.words)], mask.n_rows)
    return Sample(sampled, groups, n_groups, sampled.count / n_rows)
