"""The calibrated score: how surprising a spectrum is, given its class and its noise, in sigmas.

Every statistic becomes a p-value among normals of the same class and a like signal-to-noise ratio;
the p-values of a set are combined, and the combination is calibrated once more the same way.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibrate import Calibration, ClassCalibration, classes_of
from .combine import combine, to_sigma
from .measurer import Measured
from .statistics import ASTRO, INSTRUMENT, MATCHED

SETS = {"astro": ASTRO, "instrument": INSTRUMENT, "all": {**ASTRO, **INSTRUMENT}}
# Parts that normals are dealt into to be compared with the others, and when that is needless.
_FOLDS, _MANY = 5, 200_000


@dataclass(frozen=True)
class CalibratedScores:
    """What the calibrated score says of N spectra.

    Parameters
    ----------
    sigma, p_value : mapping of str to (N,) float64
        For each of `SETS`; NaN where the class was not calibrated.
    is_extrapolated : mapping of str to (N,) bool
        Whether fewer than three of the normals are as odd.
    p_values : mapping of str to (N,) float64
        Of each statistic.
    matches : (N, W) array
        How significant the best bump of each width is.
    """

    sigma: Mapping[str, NDArray[np.float64]]
    p_value: Mapping[str, NDArray[np.float64]]
    is_extrapolated: Mapping[str, NDArray[np.bool_]]
    p_values: Mapping[str, NDArray[np.float64]]
    matches: NDArray[np.floating]

    def winner(self, name: str) -> NDArray[np.str_]:
        """Return the least likely statistic of a set, (N,); empty where there is none.

        A bump is named by the width that fits it best: far out in the tails, which width has the
        least p-value is a matter of their extrapolation.
        """
        members = np.array([*SETS[name], ""])
        p = np.stack([np.nan_to_num(self.p_values[each], nan=2.0) for each in members[:-1]])
        least = members[np.where(p.min(axis=0) > 1, len(members) - 1, p.argmin(axis=0))]
        widths = np.flatnonzero(np.isin(MATCHED, members))
        best = np.nan_to_num(self.matches[:, widths], nan=-1.0).argmax(axis=1)
        return np.where(np.isin(least, MATCHED), np.array(MATCHED)[widths[best]], least)


@dataclass(frozen=True)
class ScoreCalibration:
    """What statistics and their combinations are among normals.

    Parameters
    ----------
    statistics, combined : mapping of str to Calibration
        Under `statistics.NAMES`, and under `SETS` for minus the log of the combined p-value.
    """

    statistics: Mapping[str, Calibration]
    combined: Mapping[str, Calibration]

    @classmethod
    def fit(cls, normals: Measured, peers: NDArray[np.str_]) -> "ScoreCalibration":
        """Fit to N normals of `Known.peers` (N,); ValueError names a class with too few."""
        statistics = {
            name: Calibration.fit(values, peers, normals.snr)
            for name, values in normals.values.items()
        }
        made = cls(statistics, {})
        oddness = made._oddness(made._unseen_p_values(normals, peers))
        combined = {
            name: Calibration.fit(values, peers, normals.snr) for name, values in oddness.items()
        }
        return cls(statistics, combined)

    @property
    def n_fitted(self) -> int:
        """Return how many normals it was fitted to, of the classes that it knows."""
        if not self._groups:
            return 0
        names = np.array(list(self._groups))
        return sum(self._groups[str(name)].n_normals for name in names[classes_of(names) == names])

    @property
    def least_fitted(self) -> int:
        """Return how many normals the smallest group has that spectra are compared with."""
        return min((each.n_normals for each in self._groups.values()), default=0)

    @property
    def _groups(self) -> Mapping[str, ClassCalibration]:
        return self.combined["astro"].by_peers if "astro" in self.combined else {}

    def score(self, measured: Measured, peers: NDArray[np.str_]) -> CalibratedScores:
        """Return what N measured spectra of `Known.peers` (N,) amount to."""
        p_values = self._p_values(measured, peers)
        found = {
            name: self.combined[name].p_values(values, peers, measured.snr)
            for name, values in self._oddness(p_values).items()
        }
        return CalibratedScores(
            {name: to_sigma(p) for name, p in found.items()},
            found,
            {name: self.combined[name].is_extrapolated(p, peers) for name, p in found.items()},
            p_values,
            np.stack([measured.values[name] for name in MATCHED], axis=1),
        )

    def _p_values(
        self, measured: Measured, peers: NDArray[np.str_]
    ) -> dict[str, NDArray[np.float64]]:
        return {
            name: calibration.p_values(measured.values[name], peers, measured.snr)
            for name, calibration in self.statistics.items()
        }

    def _unseen_p_values(
        self, normals: Measured, peers: NDArray[np.str_]
    ) -> dict[str, NDArray[np.float64]]:
        """Return p-values of the normals, (N,) each, as if they had not been fitted to.

        A statistic knows the normals that it was fitted to, and fresh ones are a little odder: of
        4,000 that would make 1.3 % of false alarms of 1 %. Where the rest of a class is too few
        to be fitted to without a fold, and of very many, they are those of all.
        """
        found = self._p_values(normals, peers)
        if len(peers) > _MANY:
            return found
        folds = np.arange(len(peers)) % _FOLDS
        for name, values in normals.values.items():
            unseen = np.full(len(peers), np.nan)
            for fold in range(_FOLDS):
                mine, rest = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
                with suppress(ValueError):
                    fitted = Calibration.fit(values[rest], peers[rest], normals.snr[rest])
                    unseen[mine] = fitted.p_values(values[mine], peers[mine], normals.snr[mine])
            found[name] = np.where(np.isnan(unseen), found[name], unseen)
        return found

    def _oddness(
        self, p_values: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        """Return minus the log of the combined p-value of each set, (N,)."""
        return {
            name: -np.log(combine(np.stack([p_values[each] for each in weights]),
                                  np.array([*weights.values()])))
            for name, weights in SETS.items()
        }  # fmt: skip
