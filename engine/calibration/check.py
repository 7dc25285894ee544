"""One figure of a calibration against its limits, and in words.

It is red when it is outside them by more than twice its counting error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_N_ERRORS = 2


@dataclass(frozen=True)
class Check:
    """One figure against its limits.

    Parameters
    ----------
    kind : str
        ``rho``, ``false_positives`` or ``noise_scale``.
    what : str
        Of what: a class, a decile of S/N, an arm.
    value, error : float
        The figure and the standard error of counting.
    low, high : float or None
        Its limits; None where it is held to none.
    n : int
        Objects it was found with.
    is_green : bool
        Whether it keeps its limits to two errors.
    """

    kind: str
    what: str
    value: float
    error: float
    low: float | None
    high: float | None
    n: int
    is_green: bool


def hold(
    kind: str, what: str, found: tuple[float, float, int], limits: tuple[float, float] | None
) -> Check:
    """Return a figure, its error and count, held against limits or against none."""
    value, error, n = found
    low, high = limits or (None, None)
    is_green = limits is None or bool(
        limits[0] - _N_ERRORS * error <= value <= limits[1] + _N_ERRORS * error
    )
    return Check(kind, what, round(value, 6), round(error, 6), low, high, n, is_green)


def describe(check: Mapping[str, Any]) -> str:
    """Return a check in words.

    >>> describe({"kind": "rho", "what": "all", "value": 0.31, "low": -0.1, "high": 0.1})
    'rho of sigma_astro with S/N, all: 0.31 (limits -0.1 to 0.1)'
    """
    titles = {
        "rho": "rho of sigma_astro with S/N",
        "false_positives": "false positives at nominal 1 %",
        "noise_scale": "noise over what ivar says (variance)",
    }
    scale, unit = (100, " %") if check["kind"] == "false_positives" else (1, "")
    value, title = scale * check["value"], titles[check["kind"]]
    if check["low"] is None:
        return f"{title}, {check['what']}: {value:.3g}{unit}"
    low, high = scale * check["low"], scale * check["high"]
    return f"{title}, {check['what']}: {value:.3g}{unit} (limits {low:.3g} to {high:.3g}{unit})"
