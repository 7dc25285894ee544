"""Where numbers lie along an axis of a chart, and which of them are written beside it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1, 2, 2.5, 5, 10)
_PADDING = 0.04


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`, drawn from `start` to `stop` in pixels."""

    low: float
    high: float
    start: float
    stop: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return the pixel of a value; on a logarithmic axis it must be positive."""
        share = (self._bent(value) - self._bent(self.low)) / (
            self._bent(self.high) - self._bent(self.low)
        )
        return self.start + share * (self.stop - self.start)

    def has(self, value: float | None) -> bool:
        """Return whether a value can be drawn at all."""
        return value is not None and (value > 0 or not self.is_log)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the values written along the axis, and how."""
        values = _log_ticks(self.low, self.high) if self.is_log else _ticks(self.low, self.high)
        return [(value, _written(value)) for value in values]

    def _bent(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def make_scale(
    values: Iterable[float | None], ends: tuple[float, float], is_log: bool = False
) -> Scale:
    """Return an axis that holds all values, drawn between two pixels, with a little room.

    >>> make_scale([0.0, 10.0], (0, 100)).ticks()
    [(0.0, '0'), (2.0, '2'), (4.0, '4'), (6.0, '6'), (8.0, '8'), (10.0, '10')]
    """
    known = [v for v in values if v is not None and (v > 0 or not is_log)]
    low, high = (min(known), max(known)) if known else (0.1, 1.0)
    if is_log:
        room = max((high / low) ** _PADDING, 1.05)
        return Scale(low / room, high * room, *ends, is_log=True)
    room = (high - low) * _PADDING or abs(high) * 0.1 or 1.0
    return Scale(low - room, high + room, *ends)


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(s for s in _STEPS if s * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    leads = (1,) if len(decades) > 4 else (1, 2, 5)
    values = [lead * 10.0**power for power in decades for lead in leads]
    return [value for value in values if low <= value <= high]


def _written(value: float) -> str:
    if value == 0:
        return "0"
    if 1e-3 <= abs(value) < 1e7:
        return f"{value:.10g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:.2g}"
