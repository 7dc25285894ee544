"""What the calibrated score says of one object, as its store carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly_explorer.engine.scoring.statistics import MATCHED


@dataclass(frozen=True)
class Verdict:
    """The calibrated score of one object; NaN is unknown.

    Parameters
    ----------
    sigma_astro, sigma_instrument, sigma_all : float
    p_value : float
        Of `sigma_astro`.
    winner : str
        The least likely statistic of `statistics.NAMES`; empty where there is none.
    is_extrapolated : bool or None
        Whether fewer than three normals are as odd; None where nobody said.
    instrument_winner : str
        The least likely statistic behind `sigma_instrument`; empty where there is none.
    wavelength : float
        Where the winner is, in Å; NaN where it is neither a bump nor a line.
    """

    sigma_astro: float
    sigma_instrument: float
    sigma_all: float
    p_value: float
    winner: str
    is_extrapolated: bool | None = None
    instrument_winner: str = ""
    wavelength: float = float("nan")


def verdict_of_record(record: Mapping[str, Any]) -> Verdict | None:
    """Return the verdict that a decoded row of a store carries; None where it carries none.

    Read are `sigma_astro`, `sigma_instrument`, `sigma_all`, `p_astro`, `winning_statistic`,
    `winning_instrument_statistic`, `is_extrapolated`, and `bump_wavelength` or `line_wavelength`
    (Å) where such has won.
    """

    def number(name: str) -> float:
        value = record.get(name)
        return float("nan") if value is None else float(value)

    if np.isnan(number("sigma_astro")):
        return None
    winner, is_extrapolated = record.get("winning_statistic") or "", record.get("is_extrapolated")
    places = {"line": "line_wavelength", **dict.fromkeys(MATCHED, "bump_wavelength")}
    return Verdict(
        number("sigma_astro"), number("sigma_instrument"), number("sigma_all"),
        number("p_astro"), str(winner), None if is_extrapolated is None else bool(is_extrapolated),
        str(record.get("winning_instrument_statistic") or ""),
        wavelength=number(places.get(winner, "")),
    )  # fmt: skip
