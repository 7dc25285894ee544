"""A figure of a finding as SVG: for the page in the colours of its theme, or for a file.

SVG by hand, because the page needs no script then, and a file is written without a browser.
"""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from itertools import pairwise
from textwrap import wrap
from typing import Any

from anomaly_explorer.dashboard.theme import LIGHT, SANS

from .scale import Scale, make_scale

WIDTH, HEIGHT = 620, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 14, 30, 44
_COLORS = ("accent", "anomaly", "good", "nir_arm", "warning")
_MOST_NAMES = 30
# Of a line of the caption: its height, and how many letters surely fit.
_LINE, _LETTERS = 16, 100
# Name of a colour of the palette -> what stands in the SVG.
Ink = Callable[[str], str]


def page_ink(name: str) -> str:
    """Return a colour as the page's custom property, which follows its theme."""
    return f"var(--{name.replace('_', '-')})"


def file_ink(name: str) -> str:
    """Return a colour of the light palette, as files are read on paper."""
    return str(getattr(LIGHT, name))


def draw_chart(figure: Mapping[str, Any], ink: Ink, title: str, caption: str = "") -> str:
    """Return a figure, as `Figure` says it in JSON values, as an SVG element, its caption below."""
    x, y = _scales(figure)
    lines = wrap(caption, _LETTERS)
    height = HEIGHT + _LINE * len(lines)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title, quote=True)}" font-family="{escape(SANS, quote=True)}" '
        f'font-size="11">',
        *_axes(figure, (x, y), ink),
        *_legend(figure, ink),
        *(_text(8, HEIGHT + _LINE * (place + 0.5), line, ink("text"), "start")
          for place, line in enumerate(lines)),
    ]  # fmt: skip
    for place, series in enumerate(figure["series"]):
        color = ink(_COLORS[place % len(_COLORS)])
        parts += _DRAWERS[series["style"]](series, (x, y), color, ink)
    return "".join([*parts, "</svg>"])


def write_chart(figure: Mapping[str, Any], title: str, caption: str) -> str:
    """Return the content of an SVG file, on a white ground; the caption says whom it counts."""
    svg = draw_chart(figure, file_ink, title, caption)
    ground = f'<rect width="100%" height="100%" fill="{LIGHT.panel}"/>'
    end = svg.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg[:end]}{ground}{svg[end:]}\n'


def _scales(figure: Mapping[str, Any]) -> tuple[Scale, Scale]:
    every = figure["series"]
    xs = [v for series in every for v in series["x"]]
    ys = [v for series in every for key in ("y", "low", "high") for v in series[key]]
    if any(series["style"] == "bars" for series in every):
        ys.append(0.0)
    if figure["x_scale"] == "names":
        xs += [-0.5, len(figure["x_names"]) - 0.5]
    ends = (_LEFT, WIDTH - _RIGHT), (HEIGHT - _BOTTOM, _TOP)
    return (make_scale(xs, ends[0], figure["x_scale"] == "log"),
            make_scale(ys, ends[1], figure["y_scale"] == "log"))  # fmt: skip


def _axes(figure: Mapping[str, Any], scales: tuple[Scale, Scale], ink: Ink) -> Iterator[str]:
    x, y = scales
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    muted, grid = ink("muted"), ink("grid")
    for value, text in _x_ticks(figure, x):
        at = x.place(value)
        yield _line((at, _TOP), (at, bottom), grid)
        yield _text(at, bottom + 15, text, muted, "middle")
    for value, text in y.ticks():
        at = y.place(value)
        yield _line((_LEFT, at), (right, at), grid)
        yield _text(_LEFT - 6, at + 4, text, muted, "end")
    yield _text((_LEFT + right) / 2, HEIGHT - 8, figure["x_label"], muted, "middle")
    middle = (_TOP + bottom) / 2
    yield (
        f'<text transform="translate(13 {middle:.1f}) rotate(-90)" text-anchor="middle" '
        f'fill="{muted}">{escape(str(figure["y_label"]))}</text>'
    )


def _x_ticks(figure: Mapping[str, Any], x: Scale) -> list[tuple[float, str]]:
    if figure["x_scale"] == "names":
        return [(float(i), str(n)) for i, n in enumerate(figure["x_names"][:_MOST_NAMES])]
    return x.ticks()


def _legend(figure: Mapping[str, Any], ink: Ink) -> Iterator[str]:
    at = float(_LEFT)
    for place, series in enumerate(figure["series"]):
        if series["label"]:
            color = ink(_COLORS[place % len(_COLORS)])
            yield f'<rect x="{at:.1f}" y="9" width="10" height="10" rx="2" fill="{color}"/>'
            yield _text(at + 15, 18, series["label"], ink("text"), "start")
            at += 34 + 5.9 * len(series["label"])
    if figure["value_label"]:
        for label, color in (("fewer", "accent"), ("more", "anomaly")):
            yield f'<rect x="{at:.1f}" y="9" width="10" height="10" rx="2" fill="{ink(color)}"/>'
            yield _text(at + 15, 18, label, ink("text"), "start")
            at += 60
        yield _text(at, 18, f"{figure['value_label']}: full colour at the largest", ink("muted"),
                    "start")  # fmt: skip


def _drawn(
    series: Mapping[str, Any], scales: tuple[Scale, Scale]
) -> Iterator[tuple[int, float, float]]:
    """Yield number, x and y in pixels of what can be drawn of a series."""
    x, y = scales
    for place, (a, b) in enumerate(zip(series["x"], series["y"], strict=True)):
        if x.has(a) and y.has(b):
            yield place, x.place(a), y.place(b)


def _points(
    series: Mapping[str, Any], scales: tuple[Scale, Scale], color: str, ink: Ink
) -> Iterator[str]:
    many = len(series["x"]) > 150
    radius, opacity = (1.7, 0.55) if many else (3.0, 0.9)
    for place, at, height in _drawn(series, scales):
        if series["low"]:
            ends = [v if scales[1].has(v) else scales[1].low
                    for v in (series["low"][place], series["high"][place])]  # fmt: skip
            low, high = (scales[1].place(v) for v in ends)
            yield _line((at, low), (at, high), color, 1.2)
        yield (
            f'<circle cx="{at:.1f}" cy="{height:.1f}" r="{radius}" fill="{color}" '
            f'fill-opacity="{opacity}">{_title(series, place)}</circle>'
        )


def _curve(
    series: Mapping[str, Any], scales: tuple[Scale, Scale], color: str, ink: Ink
) -> Iterator[str]:
    places = " ".join(f"{at:.1f},{height:.1f}" for _, at, height in _drawn(series, scales))
    yield f'<polyline points="{places}" fill="none" stroke="{color}" stroke-width="1.8"/>'


def _bars(
    series: Mapping[str, Any], scales: tuple[Scale, Scale], color: str, ink: Ink
) -> Iterator[str]:
    drawn = list(_drawn(series, scales))
    floor = scales[1].place(0.0 if scales[1].has(0.0) else scales[1].low)
    width = 0.9 * min((b[1] - a[1] for a, b in pairwise(drawn)), default=20)
    for _, at, height in drawn:
        yield (
            f'<rect x="{at - width / 2:.1f}" y="{height:.1f}" width="{width:.1f}" '
            f'height="{max(floor - height, 0):.1f}" fill="{color}" fill-opacity="0.75"/>'
        )


def _cells(
    series: Mapping[str, Any], scales: tuple[Scale, Scale], color: str, ink: Ink
) -> Iterator[str]:
    largest = max((abs(v) for v in series["value"] if v is not None), default=0) or 1.0
    size = 11 if len(series["x"]) < 400 else 6 if len(series["x"]) < 2000 else 4
    for place, at, height in _drawn(series, scales):
        value = series["value"][place] or 0.0
        fill = ink("anomaly" if value > 0 else "accent")
        yield (
            f'<rect x="{at - size / 2:.1f}" y="{height - size / 2:.1f}" width="{size}" '
            f'height="{size}" fill="{fill}" fill-opacity="{0.08 + 0.92 * abs(value) / largest:.2f}"'
            f' stroke="{ink("grid")}" stroke-width="0.5">{_title(series, place)}</rect>'
        )


_DRAWERS = {"points": _points, "line": _curve, "bars": _bars, "cells": _cells}


def _title(series: Mapping[str, Any], place: int) -> str:
    """Return what a reader is told at rest over a point."""
    return f"<title>{escape(series['names'][place])}</title>" if series["names"] else ""


def _line(
    start: tuple[float, float], stop: tuple[float, float], color: str, width: float = 1.0
) -> str:
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{stop[0]:.1f}" y2="{stop[1]:.1f}" '
        f'stroke="{color}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, color: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{color}" text-anchor="{anchor}">'
        f"{escape(str(text))}</text>"
    )
