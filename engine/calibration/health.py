"""Does a calibration hold for the survey it is applied to? Figures of normals it never saw.

A score in sigmas is a promise: so many false alarms, whatever class and S/N. Each figure has the
limits it must keep: see `check`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomaly_explorer.engine.scoring.figures import Labels, figures
from anomaly_explorer.engine.spectra.grid import ARMS

from .check import Check, hold

RHO_LIMITS, FPR_LIMITS, NOISE_LIMITS = (-0.1, 0.1), (0.003, 0.025), (0.95, 1.05)
SKY_FIBERS = "sky fibers"
# Of fewer objects a figure says nothing.
MIN_JUDGED = 50
_LIMITS = {"rho": RHO_LIMITS, "false_positives": FPR_LIMITS}


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


def _check(kind: str, what: str, value: float, error: float, n: int) -> Check:
    return hold(kind, what, (value, error, n), _LIMITS[kind])


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
        yield hold("noise_scale", f"{arm.value} arm", found, limits)
