"""The strongest narrow line of an object where none is known, as its store carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .near_line import NearLine, nearest_line

# A fainter one is told of by its statistic alone: noise makes 4 to 5 somewhere in a spectrum.
_LEAST = 6.0


@dataclass(frozen=True)
class NarrowLine:
    """A narrow emission line that is on no list of the object's known ones.

    Parameters
    ----------
    wavelength : float
        Å, observed.
    significance : float
        In standard deviations of the noise as stated.
    near : NearLine or None
        The line nearest to it at the redshift; None for a star, whose bands are on no list.
    """

    wavelength: float
    significance: float
    near: NearLine | None


def narrow_line_of_record(record: Mapping[str, Any]) -> NarrowLine | None:
    """Return the line that a decoded row of a store carries; None where none is worth a word.

    Read are `statistic_line`, `line_wavelength` (Å), `spectype` and `redshift`.
    """
    significance, wavelength = record.get("statistic_line"), record.get("line_wavelength")
    if significance is None or wavelength is None or not significance >= _LEAST:
        return None
    redshift = record.get("redshift")
    has_near = record.get("spectype") != "STAR" and redshift is not None
    near = nearest_line(float(wavelength), float(redshift)) if has_near else None
    return NarrowLine(float(wavelength), float(significance), near)
