"""What if a latent were another: which latents matter most to a spectrum, and places around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

N_SLIDERS = 6
# A latent is moved so many standard deviations of the store to either side.
REACH = 3.0
Decode = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class WhatIf:
    """Places in latent space around one object.

    Parameters
    ----------
    latents : (128,) float32
        The object's own, as the encoder has them now.
    spread : (128,) float64
        Standard deviation of each latent over the store.
    chosen : (K,) int64
        The latents that matter most, most important first.
    importance : (K,) float64
        How much the decoded spectrum changes for one standard deviation of each, in standard
        deviations of the noise: root mean square over the bins.
    """

    latents: NDArray[np.float32]
    spread: NDArray[np.float64]
    chosen: NDArray[np.int64]
    importance: NDArray[np.float64]

    def place(
        self,
        offsets: Sequence[float],
        blend: float = 0.0,
        twin: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """Return latents (128,): between the object and its twin, then moved.

        Parameters
        ----------
        offsets : K floats
            In standard deviations of the store, for each of `chosen`.
        blend : float
            0 = the object, 1 = the twin.
        twin : (128,) float32, optional
            Without one there is nothing to blend with.

        Examples
        --------
        >>> what = WhatIf(np.zeros(128, np.float32), np.full(128, 2.0), np.array([5, 7]),
        ...               np.array([3.0, 1.0]))
        >>> what.place([0.5, -1.0])[[5, 7, 8]].tolist()
        [1.0, -2.0, 0.0]
        """
        place = self.latents.astype(np.float64)
        if twin is not None and blend:
            place = (1 - blend) * place + blend * twin.astype(np.float64)
        place[self.chosen] += np.asarray(offsets, np.float64) * self.spread[self.chosen]
        return place.astype(np.float32)


def what_if(
    latents: NDArray[np.float32],
    spread: NDArray[np.float64],
    weight: NDArray[np.floating],
    decode: Decode,
) -> WhatIf:
    """Return the latents that matter most to one object.

    Each is moved by one standard deviation to either side and decoded: half of what that changes,
    weighted by the noise, is how important it is.

    Parameters
    ----------
    latents : (128,) float32
        The object's own.
    spread : (128,) float64
        Such as `latent_spread` finds it.
    weight : (B,) array
        1 / variance of each bin in units of normalized flux; 0 where nothing is known.
    decode : callable
        Latents (K, 128) to reconstructions (K, B), such as `Reconstructor.decode`.
    """
    steps = np.diag(spread)
    moved = np.concatenate([latents + steps, latents - steps]).astype(np.float32)
    up, down = np.split(decode(moved).astype(np.float64), 2)
    change = ((up - down) / 2) ** 2 @ np.asarray(weight, np.float64)
    importance = np.sqrt(change / max(int((weight > 0).sum()), 1))
    chosen = np.argsort(-importance, kind="stable")[:N_SLIDERS]
    return WhatIf(latents, spread, chosen, importance[chosen])
