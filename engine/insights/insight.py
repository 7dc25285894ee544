"""One finding as it is kept and shown: words, numbers, a figure, a table, and its control."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

STYLES = ("points", "line", "bars", "cells")


@dataclass(frozen=True)
class Series:
    """Numbers that are drawn alike.

    Parameters
    ----------
    label : str
        What they are; empty = not in the legend.
    style : str
        ``points``, ``line``, ``bars`` or ``cells`` (points coloured by `value`).
    x, y : list of float
        Equally long; None where there is no number.
    low, high : list of float
        Ends of error bars; empty = none.
    value : list of float
        What colours a cell.
    names : list of str
        What a reader is told of each point; empty = its numbers.
    """

    label: str
    style: str
    x: list[float | None]
    y: list[float | None]
    low: list[float | None] = field(default_factory=list)
    high: list[float | None] = field(default_factory=list)
    value: list[float | None] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def series(label: str, style: str, x: ArrayLike, y: ArrayLike, **more: Any) -> Series:
    """Return a series of any numbers, x and y of the same (n,); `more` as in `Series`."""
    errors = {k: listed(v) for k, v in more.items() if k != "names"}
    names = {k: list(map(str, v)) for k, v in more.items() if k == "names"}
    return Series(label, style, listed(x), listed(y), **errors, **names)


def listed(values: ArrayLike) -> list[float | None]:
    """Return (n,) numbers as JSON takes them, to six digits: NaN and infinity are None."""
    return [
        float(f"{v:.6g}") if math.isfinite(v) else None
        for v in np.asarray(values, np.float64).tolist()
    ]


@dataclass(frozen=True)
class Figure:
    """What is drawn of a finding; the engine draws nothing itself.

    Parameters
    ----------
    x_label, y_label : str
        With their units.
    series : tuple of Series
    x_scale, y_scale : str
        ``linear``, ``log``, or ``names`` (of x: positions stand for `x_names`).
    x_names : tuple of str
        Names of the positions 0, 1, 2 … of x.
    value_label : str
        What colours cells.
    """

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: str = "linear"
    y_scale: str = "linear"
    x_names: tuple[str, ...] = ()
    value_label: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of cells under headings; a cell is text, a number or None."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Insight:
    """One finding.

    Parameters
    ----------
    name, title : str
        Key of the command, and the plain title.
    population : str
        Whom it counts, in words, with N.
    n_objects, n_training : int
        N, and how many of those looked at the model was trained on; None = not known.
    sentences : tuple of str
        Two or three, composed from the numbers; why not, where nothing could be measured.
    control : str
        What the finding was compared with, or why that was not done.
    is_measured : bool
        Whether there is a finding at all.
    numbers : mapping
        Every number by name, as JSON takes them.
    figure : Figure, optional
    table : Table, optional
    """

    name: str
    title: str
    population: str
    n_objects: int
    n_training: int | None
    sentences: tuple[str, ...]
    control: str
    is_measured: bool = True
    numbers: Mapping[str, Any] = field(default_factory=dict)
    figure: Figure | None = None
    table: Table | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return plain(asdict(self))


def plain(value: Any) -> Any:
    """Return a value as JSON takes it: numpy's numbers as Python's, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def counted(n: int | None) -> str:
    """Return a number of objects as the beginning of a sentence; None is not known.

    >>> counted(12_345), counted(None)
    ('12,345', 'An unknown number')
    """
    return "An unknown number" if n is None else f"{n:,}"


def percent(share: float) -> str:
    """Return a share as text.

    >>> percent(0.0132), percent(0.5)
    ('1.3 %', '50 %')
    """
    value = 100 * share
    return f"{value:.0f} %" if abs(value) >= 10 else f"{value:.2g} %"


def chance_text(p: float) -> str:
    """Return a p-value as text.

    >>> chance_text(0.001), chance_text(0.4321)
    ('p = 0.001', 'p = 0.43')
    """
    return f"p = {p:.2g}"
