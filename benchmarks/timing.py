"""Time something again and again, and say the middle and the spread."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MIN_RUNS, MAX_RUNS = 5, 200
ENOUGH_SECONDS = 2.0


@dataclass(frozen=True)
class Timing:
    """Seconds of many runs: median, and the 16th and 84th percentile."""

    median: float
    low: float
    high: float
    n_runs: int

    def __str__(self) -> str:
        scale, unit = (1, "s") if self.median >= 1 else (1e3, "ms")
        if self.median < 1e-3:
            scale, unit = 1e6, "µs"
        low, median, high = (_text(scale * t) for t in (self.low, self.median, self.high))
        return f"{median} {unit} ({low}–{high})"


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def measure(run: Callable[[], object], enough: float = ENOUGH_SECONDS) -> Timing:
    """Run once to warm up, then until there is enough, and return the timing."""
    run()
    seconds: list[float] = []
    while len(seconds) < MIN_RUNS or (sum(seconds) < enough and len(seconds) < MAX_RUNS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    low, median, high = np.percentile(seconds, [16, 50, 84])
    return Timing(float(median), float(low), float(high), len(seconds))


def ratio(stock: Timing, ours: Timing) -> str:
    """Return how many times as long the stock tool takes; below 1 ours is the slower."""
    value = stock.median / ours.median
    return f"{value:.0f} ×" if value >= 10 else f"{value:.2g} ×"
