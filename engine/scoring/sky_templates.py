"""What is left of the night sky in sky fibers: the shapes that stand out of their noise."""

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.model.weighing import WeighedInput

MOST = 8
# A shape stands out whose singular value is so many times that of the first beyond `MOST`.
_STANDS_OUT = 1.2


def sky_templates(sky: WeighedInput) -> NDArray[np.float32]:
    """Return templates of sky residuals, (K, B) with K from 1 to `MOST`.

    Parameters
    ----------
    sky : WeighedInput
        Sky fibers, 100 at least for shapes and not noise.

    Raises
    ------
    ValueError
        There are fewer.
    """
    if len(sky) < 100:
        raise ValueError(f"templates need 100 sky fibers, got {len(sky)}")
    noise = np.sqrt(sky.variance)
    pulls = np.where(sky.is_known, sky.flux / noise, 0)
    _, sizes, shapes = np.linalg.svd(pulls, full_matrices=False)
    n = max(1, int((sizes[:MOST] > _STANDS_OUT * sizes[MOST]).sum()))
    # From deviations back to flux: sky lines are noisy because they are bright.
    size = np.where(sky.is_known, noise * sky.amplitude[:, None], np.nan)
    is_seen = sky.is_known.any(axis=0)
    typical = np.zeros(len(is_seen))
    typical[is_seen] = np.nanmedian(size[:, is_seen], axis=0)
    return (shapes[:n] * typical).astype(np.float32)
