"""The figures as a table a person reads."""

from collections.abc import Mapping

from .targets import TARGETS, judge

_STOCK = "_stock"


def table_of(figures: Mapping[str, float]) -> list[str]:
    """Return the lines: each figure, its stock twin and their ratio, then the targets."""
    lines = [f"{'figure':<32}{'ours':>14}{'stock':>14}{'stock / ours':>14}"]
    for name, value in figures.items():
        if name.endswith(_STOCK):
            continue
        stock = figures.get(name + _STOCK)
        twin = "" if stock is None else written(stock)
        times = "" if stock is None or value <= 0 else f"{stock / value:.2g} ×"
        lines.append(f"{name:<32}{written(value):>14}{twin:>14}{times:>14}")
    lines += ["", f"{'target (22.5M objects, 2 cores)':<58}{'limit':>12}{'figure':>12}  verdict"]
    for target in TARGETS:
        value = figures.get(target.figure)
        shown = "–" if value is None else written(value)
        what = f"{target.what} [{target.unit}]"
        lines.append(f"{what:<58}{written(target.limit):>12}{shown:>12}  {judge(figures, target)}")
    return lines


def written(value: float) -> str:
    """Return a figure in as many digits as it deserves.

    Examples
    --------
    >>> written(22504897.0), written(12.3456), written(0.01234)
    ('22,504,897', '12.3', '0.0123')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
