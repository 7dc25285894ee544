"""What the redshift pipeline says of objects, as far as a score may use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

# Redshifts between which galaxies, and quasars, show other lines and are other kinds of targets.
_EDGES = {"GALAXY": (0.25, 0.45, 0.65, 0.9, 1.1), "QSO": (1.2, 2.0)}


@dataclass(frozen=True)
class Known:
    """What the pipeline says of N objects.

    Parameters
    ----------
    classes : (N,) array of str
        ``GALAXY``, ``QSO`` or ``STAR``; empty where a file does not say.
    redshift : (N,) float64
        NaN where there is none.
    subtypes : (N,) array of str
        Subclass of the best template, such as ``WD``; empty where there is none.
    """

    classes: NDArray[np.str_]
    redshift: NDArray[np.float64]
    subtypes: NDArray[np.str_]

    @classmethod
    def of_columns(cls, columns: Mapping[str, NDArray]) -> "Known":
        """Take class, redshift and subtype from reader columns, (N,) each.

        Without a class there is none to calibrate in.
        """
        n = len(columns["target_id"])
        classes, subtypes = (
            np.asarray(columns.get(name, np.full(n, "")), str) for name in ("spectype", "subtype")
        )
        redshift = np.asarray(columns.get("redshift", np.full(n, np.nan)), np.float64)
        return cls(classes, redshift, subtypes)

    @classmethod
    def of_classes(cls, classes: NDArray[np.str_], redshift: NDArray[np.floating]) -> "Known":
        """Take classes and redshifts, (N,) each, where nobody says a subtype."""
        return cls(classes, redshift, np.full(len(classes), ""))

    @property
    def peers(self) -> NDArray[np.str_]:
        """Return what each is to be compared with, (N,): its class and, after a space, a redshift.

        >>> known = Known(np.array(["QSO", "STAR"]), np.array([1.5, 0.0]), np.array(["", "G"]))
        >>> known.peers.tolist()
        ['QSO 1.2 ≤ z < 2', 'STAR']
        """
        peers = self.classes.astype(object)
        for name, edges in _EDGES.items():
            words = [f"{name} z < {edges[0]:g}"]
            words += [f"{name} {low:g} ≤ z < {high:g}" for low, high in pairwise(edges)]
            words.append(f"{name} {edges[-1]:g} ≤ z")
            rows = (self.classes == name) & np.isfinite(self.redshift)
            peers[rows] = np.array(words)[np.digitize(self.redshift[rows], edges)]
        return peers.astype(str)

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, rows: NDArray[np.integer]) -> "Known":
        """Return what is known of some objects, given by their (K,) places."""
        return Known(self.classes[rows], self.redshift[rows], self.subtypes[rows])

    def joined(self, *others: "Known") -> "Known":
        """Return what is known of these objects and of others after them."""
        parts = (self, *others)
        return Known(
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.redshift for part in parts]),
            np.concatenate([part.subtypes for part in parts]),
        )
