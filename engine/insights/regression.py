"""Redshifts from latents: who is asked, how the rows are split, and what predicts.

What is predicted is ln(1 + z), because errors grow with 1 + z. All rows of a TARGETID are on one
side of a split, so that no spectrum is judged by another of the same target.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .inquiry import Inquiry

MIN_SNR = 2.0
# Shares of targets that are trained on, chosen by, and judged by.
_SHARES = (0.7, 0.1, 0.2)


class Predictor(Protocol):
    """Anything that learns numbers from rows of numbers."""

    def fit(self, inputs: Any, targets: Any) -> Any:
        """Learn (N,) from (N, D)."""
        ...

    def predict(self, inputs: Any) -> Any:
        """Return (N,) for (N, D)."""
        ...


@dataclass(frozen=True)
class Latents:
    """N objects whose redshift the pipeline is sure of, with what the model made of them.

    Parameters
    ----------
    rows : (N,) int64
        Of the store.
    inputs : (N, 128) float32
        Latents.
    redshift : (N,) float64
    parts : (N,) int8
        0 = to train on, 1 = to choose by, 2 = to judge by.
    n_eligible : int
        How many there are of which these were drawn.
    """

    rows: NDArray[np.int64]
    inputs: NDArray[np.float32]
    redshift: NDArray[np.float64]
    parts: NDArray[np.int8]
    n_eligible: int

    @cached_property
    def target(self) -> NDArray[np.float64]:
        """Return what is learned, ln(1 + z), (N,)."""
        return np.log1p(self.redshift)

    def part(self, number: int) -> NDArray[np.int64]:
        """Return the places of a part, (n,)."""
        return np.flatnonzero(self.parts == number)

    def clipped(self, predicted: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return predictions of ln(1 + z), (n,), as redshifts within those that were learned."""
        learned = self.target[self.parts == 0]
        return np.expm1(np.clip(predicted.astype(np.float64), learned.min(), learned.max()))


def draw_latents(inquiry: Inquiry, n_most: int) -> Latents:
    """Draw members with ZWARN 0, z > 0 and S/N > 2, and read their latents."""
    redshift = inquiry.numbers("redshift")
    sure = (inquiry.numbers("redshift_warning") == 0) & (redshift > 0)
    sure &= inquiry.numbers("snr") > MIN_SNR
    eligible = np.flatnonzero(sure)
    places = inquiry.draw(eligible, n_most, "latents")
    rows = inquiry.members[places]
    inputs = inquiry.store.latents(rows)
    known = np.isfinite(inputs).all(axis=1)
    rows, places = rows[known], places[known]
    parts = split_targets(inquiry.store.column("target_id")[rows], inquiry.generator("split"))
    return Latents(
        rows, inputs[known], redshift[places].astype(np.float64), parts, len(eligible)
    )  # fmt: skip


def split_targets(target_ids: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int8]:
    """Deal objects, (N,) ids, into 70 % to train, 10 % to choose and 20 % to judge, by target."""
    ids, where = np.unique(target_ids, return_inverse=True)
    parts = np.searchsorted(np.cumsum(_SHARES)[:-1], rng.random(len(ids)), side="right")
    return parts.astype(np.int8)[where]


def boosted_trees(seed: int, n_rounds: int = 300, n_leaves: int = 63) -> Predictor:
    """Return histogram gradient boosting, fixed in advance."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        max_iter=n_rounds, max_leaf_nodes=n_leaves, min_samples_leaf=10, early_stopping=False,
        random_state=seed,
    )  # fmt: skip
