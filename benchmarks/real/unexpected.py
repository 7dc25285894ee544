"""Narrow lines in real spectra where none is known, and which line they lie on."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.benchmark.separation import percentiles
from anomaly_explorer.engine.explain.near_line import NearLine, nearest_line
from anomaly_explorer.engine.spectra.lines import RARE_LINES

from .scoring import Scored
from .sections import short_name

CORONAL = "coronal"
# A line is taken to be another where it is so near, km/s.
NEAR_KMS = 150.0
_LEAST_PERCENTILE = 90.0
_HIGHEST_REDSHIFT = 1.0  # beyond, the forest of Lyman α has peaks enough
_IRON = [line.wavelength for line in RARE_LINES if line.name.startswith("[Fe")]


@dataclass(frozen=True)
class Unexpected:
    """The strongest narrow line of one spectrum where none is known.

    Parameters
    ----------
    row : int
        Of the spectrum in its collection.
    significance : float
        By the noise as stated.
    percentile : float
        Of the significance, among the spectra of the same class.
    rest : float
        Wavelength at the redshift of the object, Å.
    near : NearLine
        The line nearest to it.
    """

    row: int
    significance: float
    percentile: float
    rest: float
    near: NearLine

    @property
    def is_near(self) -> bool:
        """Whether it may be taken for the line nearest to it."""
        return abs(self.near.offset_kms) <= NEAR_KMS

    @property
    def is_coronal(self) -> bool:
        """Whether it may be taken for a line of a hot corona."""
        return self.is_near and self.near.line.wavelength in _IRON


def unexpected_lines(scored: Scored) -> list[Unexpected]:
    """Return the lines of known oddities and of the upper tenth of each class, strongest first.

    Galaxies and quasars below redshift 1 only.
    """
    collection = scored.survey.collection
    known, line = collection.known, collection.pixels.line
    among = _percentiles_by_class(line, known.classes)
    is_odd = (collection.notes != "") | (among >= _LEAST_PERCENTILE)
    fits = np.isin(known.classes, ("GALAXY", "QSO")) & (known.redshift < _HIGHEST_REDSHIFT)
    found = []
    for row in np.flatnonzero(is_odd & fits & np.isfinite(line)):
        at, redshift = float(collection.pixels.line_wavelength[row]), float(known.redshift[row])
        near = nearest_line(at, redshift)
        if near is not None:
            found.append(Unexpected(int(row), float(line[row]), float(among[row]),
                                    at / (1 + redshift), near))  # fmt: skip
    return sorted(found, key=lambda each: -each.significance)


def _percentiles_by_class(
    values: NDArray[np.floating], classes: NDArray[np.str_]
) -> NDArray[np.float64]:
    found = np.full(len(values), np.nan)
    for name in np.unique(classes):
        found[classes == name] = percentiles(values[classes == name])
    return found


def section(scored: Scored) -> str:
    """Return the section of the page on a survey's unexpected lines."""
    collection, found = scored.survey.collection, unexpected_lines(scored)
    lines = ["| spectrum | known as | class, z | σ | percentile in its class | rest Å | near |",
             "|---" * 7 + "|"]  # fmt: skip
    for each in found:
        redshift = collection.known.redshift[each.row]
        name = short_name(collection.files[each.row])
        near = f"{each.near.line.name}, {each.near.offset_kms:+.0f} km/s" if each.is_near else "–"
        lines.append(
            f"| {name} | {collection.notes[each.row] or '–'} | "
            f"{collection.known.classes[each.row]}, {redshift:.3f} | {each.significance:.1f} | "
            f"{each.percentile:.0f} | {each.rest:.0f} | {near} |"
        )
    table = "\n".join(lines)
    coronal = [each for each in found if CORONAL in collection.notes[each.row]]
    right = sum(each.is_coronal for each in coronal)
    others = len([each for each in found if each.is_near]) - right
    chance = len(_IRON) * 2 * NEAR_KMS / 299792.458 / math.log(9824 / 3600)
    return f"""## Narrow lines where none is known

What is looked for on pixels (`line`) in galaxies and quasars of {collection.name} below redshift
1: the known oddities and the upper tenth of each class. The lines of iron in a hot corona, as a
black hole that tears up a star may light up, are not among the lines that are taken out. In
{right} of the {len(coronal)} emitters of them the strongest line that nobody expected lies within
{NEAR_KMS:.0f} km/s of one (by chance: {100 * chance:.1f} % each). Nobody told the score where to
look. Of the others here {others} lie on a line that few objects show, and not on the strong ones.

{table}

σ is by the noise as stated and is no probability: normals, too, have lines that the list lacks,
and what counts is the rank."""


def brief_of(scored: Scored) -> str:
    """Return what the section comes to, in one sentence."""
    notes = scored.survey.collection.notes
    found = [each for each in unexpected_lines(scored) if CORONAL in notes[each.row]]
    right = sum(each.is_coronal for each in found)
    among = ", ".join(f"{p:.0f}" for p in sorted((e.percentile for e in found), reverse=True))
    return (
        f"In {right} of {len(found)} emitters of coronal lines (TDE candidates) the strongest "
        "narrow line where none is known is a coronal one. By that statistic alone they stand at "
        f"percentiles {among} of their class."
    )
