"""Spectra as they are, in another unit of flux, and with a part of their pixels masked."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.simulation import identity
from anomaly_explorer.engine.simulation.survey import SimulatedSurvey
from anomaly_explorer.engine.spectra.grid import ARMS
from anomaly_explorer.engine.spectra.spectrum import SpectrumBatch

from .sample import Sample, sample_of
from .truth import Told

_UNIT, _MASKED_SHARE = 10.0, 0.05
_BAD = np.uint32(1)

Score = Callable[[Sample], NDArray[np.floating]]


@dataclass(frozen=True)
class Altered:
    """The same M normal spectra three times.

    Parameters
    ----------
    plain, rescaled, masked : Sample
        As they are; ten times the flux with a hundredth of the ivar; with 5 % of the pixels masked.
    """

    plain: Sample
    rescaled: Sample
    masked: Sample

    @classmethod
    def draw(cls, survey: SimulatedSurvey, n: int, seed: int = 0) -> "Altered":
        """Render the normal science targets among the first n objects of a survey."""
        ids = identity.target_ids(survey.seed, survey.version, np.arange(n))
        batch, truth = survey.spectra_with_truth(ids)
        normals = batch.take(np.flatnonzero(truth["injected_type"] == ""))
        nothing = np.zeros(len(normals))
        told = Told(np.full(len(normals), ""), nothing, nothing)
        return cls(*(sample_of(each, told.take) for each in (
            normals, _rescaled(normals), _masked(normals, np.random.default_rng(seed))
        )))  # fmt: skip

    def changes(self, score: Score) -> dict[str, float]:
        """Return by how much (M,) sigmas change: at most by the unit, in the middle by masks."""
        plain = score(self.plain)
        return {
            "unit": float(np.nanmax(np.abs(score(self.rescaled) - plain))),
            "masks": float(np.nanmedian(np.abs(score(self.masked) - plain))),
        }


def _rescaled(batch: SpectrumBatch) -> SpectrumBatch:
    return replace(
        batch,
        flux={arm: batch.flux[arm] * np.float32(_UNIT) for arm in ARMS},
        ivar={arm: batch.ivar[arm] / np.float32(_UNIT**2) for arm in ARMS},
    )


def _masked(batch: SpectrumBatch, rng: np.random.Generator) -> SpectrumBatch:
    bad = {arm: rng.random(batch.mask[arm].shape) < _MASKED_SHARE for arm in ARMS}
    return replace(batch, mask={arm: batch.mask[arm] | _BAD * bad[arm] for arm in ARMS})
