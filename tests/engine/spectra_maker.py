"""Random batches of spectra on the DESI arms, for tests of what is done with them."""

import numpy as np

from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.spectrum import NOT_COVERED, SpectrumBatch


def make_batch(rng: np.random.Generator, n: int, uncovered: float = 0.0) -> SpectrumBatch:
    """Smooth positive spectra with noise; `uncovered` is the share of each arm cut off its end."""
    flux, ivar, mask = {}, {}, {}
    for arm in ARMS:
        x = np.linspace(0, 6, arm.n_pixels)
        level = rng.uniform(0.5, 5, (n, 1))
        wave = np.sin(x * rng.uniform(0.5, 3, (n, 1)))
        flux[arm] = (level * (2 + wave) + rng.normal(0, 0.3, (n, arm.n_pixels))).astype(np.float32)
        ivar[arm] = np.full((n, arm.n_pixels), 11.0, dtype=np.float32)
        mask[arm] = np.zeros((n, arm.n_pixels), dtype=np.uint32)
        cut = int(arm.n_pixels * (1 - uncovered))
        flux[arm][:, cut:], ivar[arm][:, cut:], mask[arm][:, cut:] = 0, 0, NOT_COVERED
    ids = 39627733000000000 + np.arange(n)
    columns = {
        "target_id": ids,
        "id_origin": np.full(n, "survey", dtype=object),
        "survey": np.full(n, "DESI", dtype=object),
        "objtype": np.full(n, "TGT", dtype=object),
        "fiber_status": np.zeros(n, dtype=np.int32),
    }
    return SpectrumBatch(flux, ivar, mask, columns)
