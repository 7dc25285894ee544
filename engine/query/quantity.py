"""Numbers of an expression, one a row: constants, stored columns, and what is computed of them."""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .named_column import NamedColumn

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": np.abs, "sqrt": np.sqrt, "log": np.log, "log10": np.log10, "exp": np.exp,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "floor": np.floor, "ceil": np.ceil,
    "round": np.round, "arctan2": np.arctan2, "minimum": np.minimum, "maximum": np.maximum,
    "where": np.where,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "%": operator.mod, "**": operator.pow,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
}  # fmt: skip
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
# Beyond any integer type, and still exact.
_BEYOND = 2.0**100


@dataclass(frozen=True)
class Quantity:
    """A number a row.

    Parameters
    ----------
    text : str
        How vaex is asked for it: the number of a column, or a computation in float64.
    constant : float or int, optional
        The same number in every row; it has no text.
    column : NamedColumn, optional
        The stored column it is.
    """

    text: str = ""
    constant: float | int | None = None
    column: NamedColumn | None = None

    @property
    def is_integer(self) -> bool:
        """Return whether it is a stored column of integers (or of truths, which are 0 and 1)."""
        return self.column is not None and self.column.kind != "float"

    @property
    def wide(self) -> str:
        """Return the text of it in float64, NaN where it is null."""
        if self.constant is not None:
            return _literal(float(self.constant))
        if self.column is None or self.column.dtype == np.float64:
            return self.text
        if self.column.null is None:
            return f"our_wide({self.text})"
        return f"our_number({self.text}, {self.column.null})"

    @property
    def known(self) -> str | bool:
        """Return the text of the condition that it is not null."""
        if self.constant is not None:
            return not math.isnan(self.constant)
        if self.is_integer:
            null = self.column.null
            return True if null is None else f"({self.text} != {null})"
        return f"({self.text} == {self.text})" if self.column else f"our_known({self.text})"

    @property
    def unknown(self) -> str | bool:
        """Return the text of the condition that it is null."""
        if self.constant is not None:
            return math.isnan(self.constant)
        if self.is_integer:
            null = self.column.null
            return False if null is None else f"({self.text} == {null})"
        return f"({self.text} != {self.text})" if self.column else f"our_unknown({self.text})"


def compute(name: str, operands: list[Quantity]) -> Quantity:
    """Return an operator of arithmetic or a function of quantities; of constants, its value."""
    if all(each.constant is not None for each in operands):
        values = [np.float64(each.constant) for each in operands]
        with np.errstate(all="ignore"):
            return Quantity(constant=float((_ARITHMETIC | FUNCTIONS)[name](*values)))
    if name in _ARITHMETIC:
        left, right = operands
        return Quantity(f"({left.wide} {name} {right.wide})")
    return Quantity(f"our_{name}({', '.join(each.wide for each in operands)})")


def compare(left: Quantity, sign: str, right: Quantity) -> str | bool:
    """Return the text of the condition that a comparison of known numbers is true."""
    if left.constant is not None:
        if right.constant is not None:
            return _compare_constants(left.constant, sign, right.constant)
        left, sign, right = right, _MIRRORED[sign], left
    if right.constant is not None:
        return _compare_with_constant(left, sign, right.constant)
    if left.is_integer and right.is_integer:
        return both(both(f"({left.text} {sign} {right.text})", left.known), right.known)
    if sign == "!=":
        # NaN differs from everything, but the difference to it is NaN, which is not above 0.
        return f"(our_abs({left.wide} - {right.wide}) > 0)"
    a, b = (each.wide if each.is_integer else each.text or each.wide for each in (left, right))
    return f"({a} {sign} {b})"


def both(a: str | bool, b: str | bool) -> str | bool:
    """Return the text of the condition that two conditions are true."""
    if isinstance(a, bool):
        return a and b
    if isinstance(b, bool):
        return b and a
    return f"({a} & {b})"


def _compare_constants(left: float, sign: str, right: float) -> bool:
    if not (isinstance(left, int) and isinstance(right, int)):
        left, right = float(left), float(right)
    if sign == "!=":  # NaN is unknown, not different
        return left < right or left > right
    return _COMPARE[sign](left, right)


def _compare_with_constant(left: Quantity, sign: str, constant: float) -> str | bool:
    if math.isnan(constant):
        return False
    if left.is_integer:
        return _compare_integer(left, sign, constant)
    if left.column:
        # Rounded as `Range` rounds: a limit read off the screen finds the value it was read from.
        with np.errstate(over="ignore"):
            constant = left.column.dtype.type(constant)
    text = f"({left.text} {sign} {_literal(float(constant))})"
    return both(text, left.known) if sign == "!=" else text


def _compare_integer(left: Quantity, sign: str, constant: float) -> str | bool:
    if not isinstance(constant, int):
        constant = min(max(constant, -_BEYOND), _BEYOND)
    below, above = math.floor(constant), math.ceil(constant)
    bounds = np.iinfo(left.column.dtype)
    if sign in ("==", "!="):
        is_there = below == above and bounds.min <= below <= bounds.max
        if not is_there:
            return False if sign == "==" else left.known
        return both(f"({left.text} {sign} {below})", left.known)
    lowest, highest = {
        "<": (bounds.min, above - 1), "<=": (bounds.min, below),
        ">": (below + 1, bounds.max), ">=": (above, bounds.max),
    }[sign]  # fmt: skip
    if lowest > bounds.max or highest < bounds.min:
        return False
    inside = True if highest >= bounds.max else f"({left.text} <= {highest})"
    inside = both(inside, True if lowest <= bounds.min else f"({left.text} >= {lowest})")
    null = left.column.null
    is_outside = null is not None and not lowest <= null <= highest
    return inside if is_outside else both(inside, left.known)


def _literal(value: float) -> str:
    """Return a number that Python reads as this one, infinity and NaN among them."""
    if math.isnan(value):
        return "(1e999 - 1e999)"
    text = repr(value).replace("inf", "1e999")
    return f"({text})" if text.startswith("-") else text
