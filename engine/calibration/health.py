"""Does a calibration hold for the survey it is applied to? Figures of normals it never saw.

A score in sigmas is a promise: so many false alarms, whatever class and S/N. Each figure has the
limits it must keep, and is red when it is outside them by more than twice its counting error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.figures import Labels, figures
from anomaly_explorer.engine.spectra.grid import ARMS

RHO_LIMITS, FPR_LIMITS, NOISE_LIMITS = (-0.1, 0.1), (0.003, 0.025), (0.95, 1.05)
SKY_FIBERS = "sky fibers"
# Of fewer objects a figure says nothing.
MIN_JUDGED = 50
_N_ERRORS = 2
_LIMITS = {"rho": RHO_LIMITS, "false_positives": FPR_LIMITS}


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


def judge(
    sigma: NDArray[np.floating],
    p_value: NDArray[np.floating],
    classes: NDArray[np.str_],
    snr: NDArray[np.floating],
    noise: Mapping[str, NDArray[np.floating]],
) -> dict[str, Any]:
    """Return the health of a calibration, fit for JSON.

    Parameters
    ----------
    sigma, p_value : (N,) array
        `sigma_astro` and its p-value of N normals; NaN counts nothing.
    classes, snr : (N,) array
        Of the same.
    noise : mapping of str to (M, 3) array
        Noise scales of the arms of ``sky fibers`` and of ``targets``; the first that are enough
        are stated. Those of targets are held to no limits: neighboring bins of a bright one differ
        by more than noise.

    Returns
    -------
    dict
        ``is_healthy`` (no check is red; None where no sigma could be checked), ``n_judged``,
        ``noise_from`` and ``checks``.
    """
    known = np.isfinite(sigma)
    checks: list[Check] = []
    is_judged = bool(known.sum() >= MIN_JUDGED)
    if is_judged:
        n = int(known.sum())
        labels = Labels(np.full(n, ""), classes[known], snr[known], np.zeros(n))
        found = figures(sigma[known], labels, p_value[known])
        checks += [*_correlations(found, labels), *_false_alarms(found)]
    noise_from = next((name for name, each in noise.items() if len(each) >= MIN_JUDGED), None)
    if noise_from is not None:
        checks += _noise(noise[noise_from], NOISE_LIMITS if noise_from == SKY_FIBERS else None)
    is_green = all(check.is_green for check in checks)
    return {
        # Good noise alone says nothing of sigmas that nobody has looked at.
        "is_healthy": is_green if is_judged or not is_green else None,
        "n_judged": int(known.sum()),
        "noise_from": noise_from,
        "checks": [asdict(check) for check in checks],
    }


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


def _check(kind: str, what: str, value: float, error: float, n: int) -> Check:
    return _held(kind, what, (value, error, n), _LIMITS[kind])


def _held(
    kind: str, what: str, found: tuple[float, float, int], limits: tuple[float, float] | None
) -> Check:
    """Return a figure, its error and count, held against limits or against none."""
    value, error, n = found
    low, high = limits or (None, None)
    is_green = limits is None or bool(
        limits[0] - _N_ERRORS * error <= value <= limits[1] + _N_ERRORS * error
    )
    return Check(kind, what, round(value, 6), round(error, 6), low, high, n, is_green)


def _correlations(found: Mapping[str, Any], labels: Labels) -> Iterator[Check]:
    n = len(labels.classes)
    yield _check("rho", "all", found["rho"], 1 / np.sqrt(n - 1), n)
    for name, rho in found["rho_by_class"].items():
        count = int((labels.classes == name).sum())
        if count >= MIN_JUDGED and np.isfinite(rho):
            yield _check("rho", name, rho, 1 / np.sqrt(count - 1), count)


def _false_alarms(found: Mapping[str, Any]) -> Iterator[Check]:
    shares = found["fpr_by_snr_decile"]
    n = found["n_normals"] // len(shares)
    for place, share in enumerate(shares):
        # The error of what is allowed: of a share that is 0 by luck there is none.
        likely = float(np.clip(share, *FPR_LIMITS))
        error = float(np.sqrt(likely * (1 - likely) / n))
        yield _check("false_positives", f"S/N decile {place + 1}", share, error, n)


def _noise(scales: NDArray[np.floating], limits: tuple[float, float] | None) -> Iterator[Check]:
    for place, arm in enumerate(ARMS):
        known = scales[np.isfinite(scales[:, place]), place].astype(np.float64)
        if len(known) < MIN_JUDGED:  # such as an arm that a survey has not
            continue
        low, middle, high = np.quantile(known, (0.16, 0.5, 0.84))
        error = float(1.2533 * (high - low) / 2 / np.sqrt(len(known)))
        found = (float(middle), error, len(known))
        yield _held("noise_scale", f"{arm.value} arm", found, limits)
