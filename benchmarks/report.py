"""Figures as Markdown."""

from collections.abc import Iterable
from dataclasses import dataclass

from .timing import Timing, ratio


@dataclass(frozen=True)
class Comparison:
    """One line: what, ours, and the stock tool in the same run where there is one."""

    what: str
    ours: Timing
    stock: Timing | None = None
    note: str = ""


def table(lines: Iterable[Comparison], stock: str) -> str:
    """Return comparisons as a table; `stock` names the tool of the third column."""
    rows = [f"| step | ours | {stock} | stock / ours | note |", "|---|---|---|---|---|"]
    for line in lines:
        other = str(line.stock) if line.stock else "–"
        times = ratio(line.stock, line.ours) if line.stock else "–"
        rows.append(f"| {line.what} | {line.ours} | {other} | {times} | {line.note} |")
    return "\n".join(rows)
