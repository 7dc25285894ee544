"""Charts as SVG: lines, bands, points and bars on axes with ticks, panel beside panel.

Own and small, because a drawing library for a dozen figures would be one more thing to install.
Panels are white with dark ink, so that they can be read on a dark page too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import NDArray

# Okabe & Ito's colours, which people with any eyes can tell apart; the first is ink.
INK, BLUE, ORANGE, GREEN, RED, PURPLE, SKY = (
    "#222222", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9",
)  # fmt: skip
GRAY = "#8a8a8a"
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 34, 46
_FONT = "font-family='Helvetica,Arial,sans-serif'"


@dataclass(frozen=True)
class Axis:
    """One axis: what it measures with its unit, its ends, and whether it is logarithmic."""

    label: str
    low: float
    high: float
    is_log: bool = False

    def place(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where values, (n,), lie between the ends, 0 to 1."""
        values = np.asarray(values, np.float64)
        if self.is_log:
            low, high = np.log10(self.low), np.log10(self.high)
            return (np.log10(np.maximum(values, self.low / 1e6)) - low) / (high - low)
        return (values - self.low) / (self.high - self.low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return some four to eight round values on the axis, with their text."""
        if self.is_log:
            first, last = np.ceil(np.log10(self.low)), np.floor(np.log10(self.high))
            steps = (1, 2, 5) if last - first < 2 else (1,)
            exponents = np.arange(first - 1, last + 1)
            values = [s * 10.0**e for e in exponents for s in steps]
        else:
            raw = (self.high - self.low) / 5
            power = 10.0 ** np.floor(np.log10(raw))
            step = next(s for s in (1, 2, 2.5, 5, 10) if s * power >= raw) * power
            values = np.arange(np.ceil(self.low / step), np.floor(self.high / step) + 1) * step
        places = self.place(np.array(values))
        inside = [v for v, at in zip(values, places, strict=True) if -1e-9 <= at <= 1 + 1e-9]
        return [(float(v), f"{v:,.6g}".replace("-", "−")) for v in inside]


@dataclass
class Panel:
    """One pair of axes and what is drawn in it, in the order of the calls."""

    title: str
    x: Axis
    y: Axis
    width: int = 430
    height: int = 260
    has_key_left: bool = False
    parts: list[str] = field(default_factory=list)
    legend: list[tuple[str, str, str]] = field(default_factory=list)

    def line(
        self, x: NDArray, y: NDArray, color: str = INK, label: str = "", style: str = "1.2"
    ) -> None:
        """Draw a line through (n,) places; a NaN breaks it. `style`: width, opacity, dashes."""
        given = style.split(";")
        width, opacity, dashes = given + ["1", ""][len(given) - 1 :]
        px, py = self._pixels(x, y)
        known = np.isfinite(px) & np.isfinite(py)
        runs = np.split(np.arange(len(px)), np.flatnonzero(np.diff(known.astype(int)) != 0) + 1)
        path = " ".join(
            "M" + " L".join(f"{px[i]:.1f},{py[i]:.1f}" for i in run)
            for run in runs if len(run) > 1 and known[run[0]]
        )  # fmt: skip
        dash = f" stroke-dasharray='{dashes}'" if dashes else ""
        self.parts.append(
            f"<path d='{path}' fill='none' stroke='{color}' stroke-width='{width}' "
            f"stroke-opacity='{opacity}'{dash} stroke-linejoin='round'/>"
        )
        self._name(label, color, "line")

    def band(
        self, x: NDArray, low: NDArray, high: NDArray, color: str = INK, label: str = ""
    ) -> None:
        """Fill between two (n,) curves."""
        px, top = self._pixels(x, high)
        _, bottom = self._pixels(x, low)
        known = np.isfinite(px) & np.isfinite(top) & np.isfinite(bottom)
        px, top, bottom = px[known], top[known], bottom[known]
        there = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px, top, strict=True))
        back = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(px[::-1], bottom[::-1], strict=True))
        self.parts.append(f"<polygon points='{there} {back}' fill='{color}' fill-opacity='0.22'/>")
        self._name(label, color, "band")

    def points(
        self, x: NDArray, y: NDArray, color: str = INK, label: str = "", radius: float = 2.4
    ) -> None:
        """Draw a dot at each of (n,) places that is inside the axes."""
        px, py = self._pixels(x, y)
        inside = np.isfinite(px) & np.isfinite(py)
        self.parts += [
            f"<circle cx='{a:.1f}' cy='{b:.1f}' r='{radius}' fill='{color}' fill-opacity='0.65'/>"
            for a, b in zip(px[inside], py[inside], strict=True)
        ]
        self._name(label, color, "dot")

    def steps(self, edges: NDArray, heights: NDArray, color: str = INK, label: str = "") -> None:
        """Draw a histogram: (n + 1,) edges and (n,) heights."""
        x = np.repeat(edges, 2)
        y = np.concatenate([[self.y.low], np.repeat(heights, 2), [self.y.low]])
        self.line(x, y, color, label, "1.6")

    def mark(self, x: float, text: str, color: str = GRAY) -> None:
        """Draw an upright line with a word at its top."""
        px, _ = self._pixels(np.array([x]), np.array([self.y.low]))
        if np.isfinite(px[0]):
            self.parts.append(
                f"<path d='M{px[0]:.1f},{_TOP} V{self.height - _BOTTOM}' stroke='{color}' "
                "stroke-width='0.8' stroke-dasharray='3,3'/>"
                f"<text x='{px[0] + 3:.1f}' y='{_TOP + 10}' font-size='9.5' fill='{color}' "
                f"{_FONT}>{escape(text)}</text>"
            )

    def write(self, x: float, y: float, text: str, color: str = INK) -> None:
        """Write a word at a place in units of the axes."""
        px, py = self._pixels(np.array([x]), np.array([y]))
        self.parts.append(f"<text x='{px[0] + 5:.1f}' y='{py[0] + 3.5:.1f}' font-size='10' "
                          f"fill='{color}' {_FONT}>{escape(text)}</text>")  # fmt: skip

    def _name(self, label: str, color: str, kind: str) -> None:
        if label:
            self.legend.append((label, color, kind))

    def _pixels(self, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        inner_w, inner_h = self.width - _LEFT - _RIGHT, self.height - _TOP - _BOTTOM
        across, up = self.x.place(x), self.y.place(y)
        across = np.where((across < -1e-9) | (across > 1 + 1e-9), np.nan, across)
        up = np.clip(up, 0, 1)  # what leaves the frame above or below stays at its edge
        return _LEFT + across * inner_w, self.height - _BOTTOM - up * inner_h

    def draw(self, left: int, top: int) -> str:
        """Return the panel as an SVG group whose corner is at a place of the chart."""
        w, h = self.width, self.height
        frame = (f"<rect x='{_LEFT}' y='{_TOP}' width='{w - _LEFT - _RIGHT}' "
                 f"height='{h - _TOP - _BOTTOM}' fill='none' stroke='{INK}'/>")  # fmt: skip
        words = (
            f"<text x='{_LEFT}' y='{_TOP - 12}' font-size='13' font-weight='bold' {_FONT}>"
            f"{escape(self.title)}</text>"
            f"<text x='{(_LEFT + w - _RIGHT) / 2}' y='{h - 10}' font-size='11.5' "
            f"text-anchor='middle' {_FONT}>{escape(self.x.label)}</text>"
            f"<text transform='translate(14,{(_TOP + h - _BOTTOM) / 2}) rotate(-90)' "
            f"font-size='11.5' text-anchor='middle' {_FONT}>{escape(self.y.label)}</text>"
        )
        return (f"<g transform='translate({left},{top})'>{''.join(self.parts)}{frame}"
                f"{self._ticks()}{words}{self._legend()}</g>")  # fmt: skip

    def _ticks(self) -> str:
        found = []
        for value, text in self.x.ticks():
            px, _ = self._pixels(np.array([value]), np.array([self.y.low]))
            y = self.height - _BOTTOM
            found.append(
                f"<path d='M{px[0]:.1f},{y} v4' stroke='{INK}'/><text x='{px[0]:.1f}' "
                f"y='{y + 16}' font-size='10.5' text-anchor='middle' {_FONT}>{text}</text>"
            )
        for value, text in self.y.ticks():
            _, py = self._pixels(np.array([self.x.low]), np.array([value]))
            found.append(f"<path d='M{_LEFT},{py[0]:.1f} h-4' stroke='{INK}'/><text "
                         f"x='{_LEFT - 7}' y='{py[0] + 3.5:.1f}' font-size='10.5' "
                         f"text-anchor='end' {_FONT}>{text}</text>")  # fmt: skip
        return "".join(found)

    def _legend(self) -> str:
        found = []
        widest = max((len(label) for label, _, _ in self.legend), default=0) * 6.3 + 34
        left = _LEFT + 4 if self.has_key_left else self.width - _RIGHT - widest
        if self.legend:
            found.append(f"<rect x='{left:.0f}' y='{_TOP + 4}' width='{widest - 4:.0f}' "
                         f"height='{15 * len(self.legend) + 5}' fill='white' "
                         "fill-opacity='0.85'/>")  # fmt: skip
        for i, (label, color, kind) in enumerate(self.legend):
            x, y = left + 6, _TOP + 15 + 15 * i
            found.append(_KEYS[kind].format(x=x, y=y, color=color))
            found.append(f"<text x='{x + 22:.0f}' y='{y + 3.5}' font-size='10.5' {_FONT}>"
                         f"{escape(label)}</text>")  # fmt: skip
        return "".join(found)


_KEYS = {
    "line": "<path d='M{x:.0f},{y} h16' stroke='{color}' stroke-width='2'/>",
    "band": "<rect x='{x:.0f}' y='{y}' width='16' height='8' transform='translate(0,-4)' "
            "fill='{color}' fill-opacity='0.3'/>",
    "dot": "<circle cx='{x:.0f}' cy='{y}' r='3.5' transform='translate(8,0)' fill='{color}'/>",
}  # fmt: skip


def chart(panels: Sequence[Panel], n_columns: int) -> str:
    """Return panels of one size, row by row, as one SVG document."""
    w, h = panels[0].width, panels[0].height
    n_rows = -(-len(panels) // n_columns)
    drawn = "".join(
        panel.draw((i % n_columns) * w, (i // n_columns) * h) for i, panel in enumerate(panels)
    )
    width, height = n_columns * w, n_rows * h
    return (f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' "
            f"width='{width}' height='{height}' fill='{INK}'>"
            f"<rect width='{width}' height='{height}' fill='white'/>{drawn}</svg>\n")  # fmt: skip
