"""From the parts of an expression to a text of our own that vaex evaluates.

Nothing a person wrote gets into that text: columns are numbered, and numbers are printed anew.
Three rules decide what it says.

- **Null.** A comparison with null is neither true nor false, and neither is its opposite; and, or
  and not follow (three-valued logic), and in the end only what is true counts. The text has no
  negation: "not" is pushed down to the comparisons, where it turns < into >=, so that unknown and
  false never need to be told apart. A number that is none (NaN) is null.
- **Numbers.** A stored column compared with a constant is compared in its own type, as `Range`
  does: floats with the constant rounded to their type, integers exactly. Everything computed is
  float64; `where` takes its second value wherever the condition is not true.
- **Constants** are worked out here, in float64, so that ``9**9**9`` is infinity and not a number of
  millions of digits.
"""

from itertools import accumulate

from anomaly_explorer.engine.catalog.names import unknown_name
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError

from . import syntax
from .named_column import NamedColumn, find_column
from .quantity import Quantity, compare, compute
from .syntax import Node
from .tokens import fault, shown

# A part that is used twice is printed twice; nested, that doubles and doubles again.
_MAX_CHARACTERS = 20_000
# Python reads no more than 200 parentheses in one another.
_MAX_PARENTHESES = 150
# Beyond these, looking for similar texts takes seconds.
_MAX_SHOWN = 100
_MAX_COMPARED = 2_000
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
_CONDITIONS = (
    syntax.Comparison, syntax.Among, syntax.IsNull, syntax.Not, syntax.And, syntax.Or
)  # fmt: skip


class Translation:
    """The text of one expression on one store, and the columns it numbers.

    Parameters
    ----------
    store : Store
        What the names are looked up in.

    Attributes
    ----------
    columns : dict of str to NamedColumn
        The columns by what they are called in the text.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.columns: dict[str, NamedColumn] = {}

    def condition(self, node: Node, *, wanted: bool = True) -> str | bool:
        """Return the text of where a condition is `wanted`, or the answer for all rows.

        Raises
        ------
        InputError
            For an unknown column or text, or parts that do not fit together, with the character.
        """
        match node:
            case syntax.Truth():
                found: str | bool = node.value is wanted
            case syntax.Not():
                found = self.condition(node.operand, wanted=not wanted)
            case syntax.And() | syntax.Or():
                parts = [self.condition(each, wanted=wanted) for each in node.operands]
                found = _joined(parts, is_all=isinstance(node, syntax.And) is wanted)
            case syntax.Comparison():
                found = self._chain(node, wanted)
            case syntax.Among():
                sign = "==" if wanted else "!="
                pairs = [self._pair(node.operand, sign, value) for value in node.values]
                found = _joined(pairs, is_all=not wanted)
            case syntax.IsNull():
                operand = self._of_any_kind(node.operand)
                found = operand.unknown if wanted else operand.known
            case _:
                found = self._stated(node, wanted)
        _check_size(found, node)
        return found

    def number(self, node: Node) -> Quantity:
        """Return a number a row; InputError as `condition` does."""
        match node:
            case syntax.Number():
                found = Quantity(constant=node.value)
            case syntax.Name():
                found = self._numeric_column(node)
            case syntax.Negative():
                found = _negative(self.number(node.operand))
            case syntax.Arithmetic():
                found = compute(node.operator, [self.number(node.left), self.number(node.right)])
            case syntax.Call():
                found = self._call(node)
            case syntax.Text():
                raise fault("found a text, expected a number; texts are compared by ==.", node.at)
            case _:
                raise fault(
                    "found a condition, expected a number; where(condition, 1, 0) makes it one.",
                    node.at,
                )
        _check_size(found.text, node)
        return found

    def _stated(self, node: Node, wanted: bool) -> str | bool:
        if self._kind(node) != "bool":
            raise fault(
                f"found a {self._kind(node)}, expected a condition; compare it with something.",
                node.at,
            )
        return f"({self._column(node).text} == {int(wanted)})"

    def _chain(self, node: syntax.Comparison, wanted: bool) -> str | bool:
        signs = [sign if wanted else _OPPOSITE[sign] for sign in node.operators]
        pairs = zip(node.operands[:-1], signs, node.operands[1:], strict=True)
        return _joined([self._pair(*pair) for pair in pairs], is_all=wanted)

    def _pair(self, left: Node, sign: str, right: Node) -> str | bool:
        kinds = (self._kind(left), self._kind(right))
        if kinds == ("number", "number"):
            return compare(self.number(left), sign, self.number(right))
        if sign not in ("==", "!="):
            raise fault(
                f"a {kinds[0]} and a {kinds[1]} have no order; expected numbers, or one of == !=.",
                left.at,
            )
        if kinds == ("bool", "bool"):
            return compare(self._column(left), sign, self._column(right))
        if sorted(kinds) == ["category", "text"]:
            column, text = (left, right) if kinds[0] == "category" else (right, left)
            return compare(self._column(column), sign, self._code(column, text))
        if "truth" in kinds and set(kinds) <= {"truth", "bool", "condition"}:
            truth, other = (left, right) if kinds[0] == "truth" else (right, left)
            return self.condition(other, wanted=truth.value is (sign == "=="))
        raise fault(
            f"a {kinds[0]} cannot be compared with a {kinds[1]}; compare numbers with numbers, "
            "categories with texts in quotes, conditions with true or false.",
            right.at,
        )

    def _code(self, column: syntax.Name, text: syntax.Text) -> Quantity:
        name = self._column(column).column.name
        legend = self._store.legend(name)
        if text.value not in legend:
            raise fault(_unknown_text(name, text.value, legend), text.at)
        return Quantity(constant=legend.index(text.value))

    def _kind(self, node: Node) -> str:
        match node:
            case syntax.Text():
                return "text"
            case syntax.Truth():
                return "truth"
            case syntax.Name():
                kind = self._column(node).column.kind
                return kind if kind in ("category", "bool") else "number"
        return "condition" if isinstance(node, _CONDITIONS) else "number"

    def _of_any_kind(self, node: Node) -> Quantity:
        return self._column(node) if isinstance(node, syntax.Name) else self.number(node)

    def _numeric_column(self, node: syntax.Name) -> Quantity:
        kind = self._kind(node)
        if kind == "number":
            return self._column(node)
        expected = {
            "category": f"compare it with a text, as in {node.name} == 'text'",
            "bool": f"use where({node.name}, 1, 0)",
        }
        raise fault(
            f"{node.name} is a {kind}, expected a number; {expected[kind]}.", node.at
        )  # fmt: skip

    def _column(self, node: syntax.Name) -> Quantity:
        try:
            column = find_column(self._store, node.name)
        except InputError as error:
            raise fault(str(error), node.at) from None
        for alias, known in self.columns.items():
            if known == column:
                return Quantity(alias, column=column)
        alias = f"c{len(self.columns)}"
        self.columns[alias] = column
        return Quantity(alias, column=column)

    def _call(self, node: syntax.Call) -> Quantity:
        if node.function != "where":
            return compute(node.function, [self.number(each) for each in node.operands])
        condition = self.condition(node.operands[0])
        chosen, other = (self.number(each) for each in node.operands[1:])
        if isinstance(condition, bool):
            chosen = chosen if condition else other
            is_constant = chosen.constant is not None
            return (
                Quantity(constant=float(chosen.constant)) if is_constant else Quantity(chosen.wide)
            )
        return Quantity(f"our_where({condition}, {chosen.wide}, {other.wide})")


def _unknown_text(name: str, text: str, legend: tuple[str, ...]) -> str:
    if len(text) <= _MAX_SHOWN and len(legend) <= _MAX_COMPARED:
        return unknown_name(f"{name} of", text, legend)
    example = f", such as {shown(legend[0])}" if legend else ""
    return (
        f"There is no {name} of {shown(text)}; expected one of its {len(legend):,} texts{example}."
    )


def _negative(operand: Quantity) -> Quantity:
    if operand.constant is not None:
        minus = -operand.constant
        # An integer has no -0.
        return Quantity(constant=minus if minus else -float(operand.constant))
    return Quantity(f"(-{operand.wide})")


def _joined(parts: list[str | bool], *, is_all: bool) -> str | bool:
    """Return the text of all or any of some conditions, joined in pairs: half as deep is faster."""
    if (not is_all) in parts:
        return not is_all
    texts = [part for part in parts if not isinstance(part, bool)]
    sign = "&" if is_all else "|"
    while len(texts) > 1:
        pairs = [texts[i : i + 2] for i in range(0, len(texts), 2)]
        texts = [pair[0] if len(pair) == 1 else f"({pair[0]} {sign} {pair[1]})" for pair in pairs]
    return texts[0] if texts else is_all


def _check_size(text: str | bool, node: Node) -> None:
    if not isinstance(text, bool) and (
        len(text) > _MAX_CHARACTERS or _n_nested(text) > _MAX_PARENTHESES
    ):
        raise fault("this part asks for too much at once; use fewer or simpler parts.", node.at)


def _n_nested(text: str) -> int:
    if text.count("(") <= _MAX_PARENTHESES:
        return 0
    return max(accumulate((character == "(") - (character == ")") for character in text))
