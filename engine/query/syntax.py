"""The parts of an expression, as frozen values, and their text.

`at` is the place of a part in the text it was read from, counted from 0: it serves messages and
plays no role in whether two expressions are the same.
"""

from dataclasses import dataclass, field

_PLACE = field(default=0, compare=False, repr=False)

# How tightly a part binds: a part inside another that binds tighter is written in parentheses.
_OR, _AND, _NOT, _CLAIM, _SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(9)
_ARITHMETIC = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT, "**": _POWER}


@dataclass(frozen=True)
class Number:
    """A number as written: whole ones are integers and stay exact; never below 0."""

    value: int | float
    at: int = _PLACE


@dataclass(frozen=True)
class Text:
    """A text in quotes: one of the texts of a category."""

    value: str
    at: int = _PLACE


@dataclass(frozen=True)
class Truth:
    """The words true and false."""

    value: bool
    at: int = _PLACE


@dataclass(frozen=True)
class Name:
    """The name of a column."""

    name: str
    at: int = _PLACE


@dataclass(frozen=True)
class Negative:
    """A number with its sign turned."""

    operand: "Node"
    at: int = _PLACE


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers and one of + - * / % **."""

    operator: str
    left: "Node"
    right: "Node"
    at: int = _PLACE


@dataclass(frozen=True)
class Call:
    """One of the named functions, and what it is given."""

    function: str
    operands: tuple["Node", ...]
    at: int = _PLACE


@dataclass(frozen=True)
class Comparison:
    """A chain such as ``0 < a <= b``: n operands and n - 1 of < <= > >= == !=."""

    operands: tuple["Node", ...]
    operators: tuple[str, ...]
    at: int = _PLACE


@dataclass(frozen=True)
class Among:
    """Whether something is one of some literal values."""

    operand: "Node"
    values: tuple["Node", ...]
    at: int = _PLACE


@dataclass(frozen=True)
class IsNull:
    """Whether something has no value; a number that is none (NaN) has no value."""

    operand: "Node"
    at: int = _PLACE


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    operand: "Node"
    at: int = _PLACE


@dataclass(frozen=True)
class And:
    """Two conditions or more, all of which hold."""

    operands: tuple["Node", ...]
    at: int = _PLACE


@dataclass(frozen=True)
class Or:
    """Two conditions or more, one of which holds."""

    operands: tuple["Node", ...]
    at: int = _PLACE


Literal = Number | Text | Truth
Node = Literal | Name | Negative | Arithmetic | Call | Comparison | Among | IsNull | Not | And | Or


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts a part is made of."""
    if isinstance(node, Arithmetic):
        return (node.left, node.right)
    if isinstance(node, Among):
        return (node.operand, *node.values)
    if isinstance(node, Call | Comparison | And | Or):
        return node.operands
    return (node.operand,) if isinstance(node, Negative | IsNull | Not) else ()


def write(node: Node) -> str:
    """Return the text of an expression; reading it gives the same expression again.

    Examples
    --------
    >>> write(And((Comparison((Name("snr"), Number(5)), (">",)), Name("is_simulated"))))
    'snr > 5 and is_simulated'
    """
    return _within(node, _OR)


def _within(node: Node, tightness: int) -> str:
    own, text = _WRITERS[type(node)](node)
    return text if own >= tightness else f"({text})"


def _write_text(node: Text) -> tuple[int, str]:
    return _ATOM, "'" + node.value.replace("'", "''") + "'"


def _write_arithmetic(node: Arithmetic) -> tuple[int, str]:
    own = _ARITHMETIC[node.operator]
    left, right = (_ATOM, _SIGN) if own == _POWER else (own, own + 1)
    return own, f"{_within(node.left, left)} {node.operator} {_within(node.right, right)}"


def _write_call(node: Call) -> tuple[int, str]:
    return _ATOM, f"{node.function}({', '.join(_within(each, _OR) for each in node.operands)})"


def _write_comparison(node: Comparison) -> tuple[int, str]:
    first, *others = (_within(each, _SUM) for each in node.operands)
    pairs = zip(node.operators, others, strict=True)
    return _CLAIM, first + "".join(f" {operator} {other}" for operator, other in pairs)


def _write_among(node: Among) -> tuple[int, str]:
    values = ", ".join(_within(each, _OR) for each in node.values)
    return _CLAIM, f"{_within(node.operand, _SUM)} in ({values})"


_WRITERS = {
    Number: lambda node: (_ATOM, repr(node.value)),
    Text: _write_text,
    Truth: lambda node: (_ATOM, str(node.value).lower()),
    Name: lambda node: (_ATOM, node.name),
    Negative: lambda node: (_SIGN, f"-{_within(node.operand, _SIGN)}"),
    Arithmetic: _write_arithmetic,
    Call: _write_call,
    Comparison: _write_comparison,
    Among: _write_among,
    IsNull: lambda node: (_CLAIM, f"{_within(node.operand, _SUM)} is null"),
    Not: lambda node: (_NOT, f"not {_within(node.operand, _NOT)}"),
    And: lambda node: (_AND, " and ".join(_within(each, _NOT) for each in node.operands)),
    Or: lambda node: (_OR, " or ".join(_within(each, _AND) for each in node.operands)),
}
