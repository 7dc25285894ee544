"""One measured visit: a session of its own over a store, and what there is to choose in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from anomaly_explorer.dashboard.coloring import Coloring, columns_for
from anomaly_explorer.dashboard.frames import COMMONEST, LARGEST, MEAN, Frames
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.state import ALL, ExplorerState, Limits
from anomaly_explorer.engine.catalog.store import Store

from .path import SIZE

# Rows looked at to find limits that keep a part of the objects.
_N_SAMPLED = 200_000
_RANGED = ("snr", "redshift", "score_mse")
_TIERS = ("top_10", "top_1", "any")
_MOST_FILTERS = 8
_COLORINGS = ((MEAN, "snr"), (LARGEST, "score_mse"), (COMMONEST, "spectype"))


@dataclass(eq=False)
class Visit:
    """What is measured with: a store, one session with nothing drawn yet, and how long to take.

    Parameters
    ----------
    store : Store
        N objects.
    has_stock : bool
        Whether the stock ways are measured beside ours.
    enough : float
        Seconds after which a series of gestures is long enough.
    n_filters : int
        How many different arbitrary filters are tried.
    """

    store: Store
    has_stock: bool = True
    enough: float = 1.5
    n_filters: int = _MOST_FILTERS
    session: Session = field(init=False)

    def __post_init__(self) -> None:
        self.session = Session(self.store, ExplorerState())
        # Not what other sessions of this process have drawn.
        self.session.frames = Frames(self.store)
        # A store of one population is one without filter; of several, the page opens on one.
        self.session.state.population = ALL

    @property
    def n_pixels(self) -> int:
        """Return the pixels of a picture."""
        return SIZE[0] * SIZE[1]

    def tiers_and_arms(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return some tiers with an arm each, and none with one, as far as the store has them."""
        arms = [arm for arm in self.store.legend("worst_arm") if arm][:3]
        tiers = [tier for tier in _TIERS if tier in self.store.manifest.tiers]
        return [("", tuple(arms[:1])), *((t, tuple(arms[-1:])) for t in tiers[:1]),
                *((t, ()) for t in tiers[1:2])]  # fmt: skip

    def colorings(self) -> Iterator[Coloring]:
        """Yield a mean, a maximum and a category, as far as the columns of the store allow."""
        for how, column in _COLORINGS:
            if column in columns_for(self.store, how):
                yield Coloring.of(self.store, how, column)


def random_ranges(store: Store, seed: int) -> tuple[Limits, ...]:
    """Return one or two ranges of columns that nobody has asked for before.

    Each keeps between a tenth and nine tenths of the objects that have a value.
    """
    rng = np.random.default_rng([seed, 7])
    names = rng.permutation(_RANGED)[: 1 + seed % 2]
    step = max(1, store.n_objects // _N_SAMPLED)
    limits = []
    for name in names:
        values = store.column(str(name))[::step]
        known = values[np.isfinite(values)]
        if len(known) == 0:
            continue
        low = rng.uniform(0, 0.5)
        high = low + rng.uniform(0.1, 0.5)
        limits.append((str(name), *(float(v) for v in np.quantile(known, [low, high]))))
    return tuple(limits)


def wave_lasso(
    center: tuple[float, float], reach: tuple[float, float], n_vertices: int = 60
) -> tuple[list[float], list[float]]:
    """Return the vertices of a hand-drawn lasso: a wavy ring around a place."""
    angles = np.linspace(0, 2 * np.pi, n_vertices, endpoint=False)
    radius = 1 + 0.15 * np.sin(7 * angles)
    xs = center[0] + reach[0] * radius * np.cos(angles)
    ys = center[1] + reach[1] * radius * np.sin(angles)
    return xs.tolist(), ys.tolist()
