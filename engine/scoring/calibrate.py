"""What a statistic means for a spectrum of its class and signal-to-noise ratio.

A raw statistic follows the noise. Here it is measured against normals of the same class and a like
signal-to-noise ratio, so that equal p-values mean equally surprising, whatever the noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .tail import MIN_VALUES, Tail

# 90th percentile of a normal distribution, in standard deviations.
_NINETY = 1.2815515655446004
_MIN_PER_BIN = 300
_MAX_BINS = 24
# With fewer normals among its peers an object is compared with all of its class.
_MIN_PEERS = 800


@dataclass(frozen=True)
class ClassCalibration:
    """How the logarithm of one statistic lies among the normals of one class.

    Parameters
    ----------
    log_snr : (K,) float64
        Median ln S/N of K bins of equal count; ascending.
    middle, spread : (K,) float64
        Median of ln T in each bin, and its 90th percentile above that in standard deviations.
    tail : Tail
        Of (ln T - middle) / spread.
    n_normals : int
        How many it was fitted to.
    """

    log_snr: NDArray[np.float64]
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    tail: Tail
    n_normals: int

    @classmethod
    def fit(cls, values: NDArray[np.floating], snr: NDArray[np.floating]) -> "ClassCalibration":
        """Fit to the values (N,) of normals with S/N (N,), both positive."""
        log_value, log_snr = np.log(values), np.log(snr)
        n_bins = int(np.clip(len(values) // _MIN_PER_BIN, 1, _MAX_BINS))
        bins = np.array_split(np.argsort(log_snr, kind="stable"), n_bins)
        places = np.array([np.median(log_snr[rows]) for rows in bins])
        middle, high = np.array([np.quantile(log_value[rows], (0.5, 0.9)) for rows in bins]).T
        spread = np.maximum((high - middle) / _NINETY, 1e-6)
        made = cls(places, middle, spread, None, len(values))
        return cls(places, middle, spread, Tail.fit(made._standardize(values, snr)), len(values))

    def p_values(
        self, values: NDArray[np.floating], snr: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the share of like normals whose value is at least as large, (N,)."""
        return self.tail.survival(self._standardize(values, snr))

    def _standardize(
        self, values: NDArray[np.floating], snr: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_value, log_snr = np.log(values), np.log(snr)
        # A spectrum without a positive S/N is as faint as the faintest.
        log_snr = np.where(np.isnan(log_snr), -np.inf, log_snr)
        middle = np.interp(log_snr, self.log_snr, self.middle)
        return (log_value - middle) / np.interp(log_snr, self.log_snr, self.spread)


@dataclass(frozen=True)
class Calibration:
    """One statistic among the normals of every class, and of every kind of peers that are enough.

    Parameters
    ----------
    by_peers : mapping of str to ClassCalibration
        Under the class as the pipeline names it, such as ``GALAXY``, and under ``GALAXY z < 0.25``:
        see `Known.peers`.
    """

    by_peers: Mapping[str, ClassCalibration]

    @classmethod
    def fit(
        cls, values: NDArray[np.floating], peers: NDArray[np.str_], snr: NDArray[np.floating]
    ) -> "Calibration":
        """Fit to the values, peers (or classes) and S/N of normals, each (N,).

        A class is left out that is large enough, but too few of whose values are known.

        Raises
        ------
        ValueError
            A class has too few normals; the message says how many there are.
        """
        usable = np.isfinite(values) & (values > 0) & np.isfinite(snr) & (snr > 0)
        classes = classes_of(peers)
        by_peers = {}
        for name in np.unique(classes):
            rows = usable & (classes == name)
            # Such as waves in an arm that a survey has not, and profiles of lines that few show.
            if rows.sum() < MIN_VALUES <= (classes == name).sum():
                continue
            if not rows.any():
                raise ValueError(f"class {name} cannot be calibrated: none of its values is known")
            try:
                by_peers[str(name)] = ClassCalibration.fit(values[rows], snr[rows])
            except ValueError as error:
                raise ValueError(f"class {name} cannot be calibrated: {error}") from None
        for name in np.unique(peers[peers != classes]):
            rows = usable & (peers == name)
            if rows.sum() >= _MIN_PEERS:
                by_peers[str(name)] = ClassCalibration.fit(values[rows], snr[rows])
        return cls(by_peers)

    def p_values(
        self, values: NDArray[np.floating], peers: NDArray[np.str_], snr: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return the p-value of each spectrum, (N,), among its peers or, failing that, its class.

        NaN where the statistic is, and for a class that was not calibrated.
        """
        found = np.full(len(values), np.nan)
        names = self._names(peers)
        for name in np.unique(names[names != ""]):
            rows = names == name
            found[rows] = self.by_peers[str(name)].p_values(values[rows], snr[rows])
        return found

    def is_extrapolated(
        self, p_values: NDArray[np.floating], peers: NDArray[np.str_]
    ) -> NDArray[np.bool_]:
        """Return where a p-value, (N,), is below 3 / the number of normals compared with."""
        counts = {name: found.n_normals for name, found in self.by_peers.items()}
        n_normals = np.array([counts.get(str(name), 0) for name in self._names(peers)], np.float64)
        with np.errstate(divide="ignore"):
            return ~(p_values >= 3 / n_normals)

    def _names(self, peers: NDArray[np.str_]) -> NDArray[np.str_]:
        """Return what each is compared with, (N,); empty where there is nothing."""
        known = np.array([*self.by_peers, ""])
        of_class = classes_of(peers)
        return np.where(
            np.isin(peers, known), peers, np.where(np.isin(of_class, known), of_class, "")
        )


def classes_of(peers: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the classes, (N,), of what `Known.peers` says, (N,)."""
    names = np.asarray(peers, str)
    return np.strings.partition(names, " ")[0] if len(names) else names  # of none it raises
