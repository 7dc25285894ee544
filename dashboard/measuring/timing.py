"""Milliseconds of many runs, and what of them is reported."""

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

Run = Callable[[], Any]


def time_once(run: Run) -> float:
    """Run once; return the milliseconds it took.

    Examples
    --------
    >>> 10 < time_once(lambda: time.sleep(0.02)) < 2000
    True
    """
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def time_each(runs: Iterable[Run], enough_seconds: float, least: int = 3) -> list[float]:
    """Return the milliseconds of each run; stop early when `least` took long enough.

    Parameters
    ----------
    runs : iterable of callable
        What a person does, one gesture after the other.
    enough_seconds : float
        Once this has passed, no further run is begun.
    least : int
        Runs made in any case, as far as there are so many.
    """
    times: list[float] = []
    for run in runs:
        if len(times) >= least and sum(times) > 1e3 * enough_seconds:
            break
        times.append(time_once(run))
    return times


def middle_and_tail(name: str, times: list[float]) -> dict[str, float]:
    """Return the 50th and 95th percentile under ``<name>_p50`` and ``<name>_p95``.

    Examples
    --------
    >>> middle_and_tail("frame_ms", [1.0, 2.0, 3.0])
    {'frame_ms_p50': 2.0, 'frame_ms_p95': 2.9}
    """
    p50, p95 = np.percentile(times, [50, 95])
    return {f"{name}_p50": _rounded(p50), f"{name}_p95": _rounded(p95)}


def middle(times: list[float]) -> float:
    """Return the median, rounded as everything that is reported."""
    return _rounded(float(np.median(times)))


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
