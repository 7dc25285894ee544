"""The grammar of expressions: text in, parts out, by recursive descent.

An allow-list: what is not named here cannot be said. Nothing is looked up and nothing evaluated;
whether a column exists is for the store to say. From loose to tight:

| level | what |
|---|---|
| ``or`` (``|``) | |
| ``and`` (``&``) | |
| ``not`` (``~``) | |
| claims | ``< <= > >= == !=`` in chains, ``[not] in (…)``, ``[not] between … and …``, \
``is [not] null`` |
| ``+ -``, then ``* / %`` | |
| sign | ``-2 ** 2`` is -4 |
| ``**`` | from the right |

``& | ~`` are other spellings of the words and bind as loosely: ``a > 1 & b > 2`` means what it
seems to. Keywords may be in capitals.
"""

from functools import lru_cache

from anomaly_explorer.engine.catalog.names import unknown_name
from anomaly_explorer.engine.errors import InputError

from .syntax import (
    Among,
    And,
    Arithmetic,
    Call,
    Comparison,
    IsNull,
    Literal,
    Name,
    Negative,
    Node,
    Not,
    Number,
    Or,
    Text,
    Truth,
    children,
)
from .tokens import Token, fault, read_tokens, shown

# The functions, and how many values each is given.
N_OPERANDS = {
    "abs": 1, "sqrt": 1, "log": 1, "log10": 1, "exp": 1, "sin": 1, "cos": 1, "tan": 1,
    "floor": 1, "ceil": 1, "round": 1, "arctan2": 2, "minimum": 2, "maximum": 2, "where": 3,
    "isnull": 1,
}  # fmt: skip
MAX_DEPTH = 50
MAX_PARTS = 500
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_LEVELS = (("+", "-"), ("*", "/", "%"))


@lru_cache(maxsize=256)
def parse(text: str) -> Node:
    """Return the parts of an expression.

    Raises
    ------
    InputError
        When the text is no expression, in one line with the character where it fails.

    Examples
    --------
    >>> from anomaly_explorer.engine.query.syntax import write
    >>> write(parse("NOT (snr<5) & z between 1 and 2"))
    'not snr < 5 and 1 <= z <= 2'
    """
    return _Parser(read_tokens(text)).parsed()


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def parsed(self) -> Node:
        node = self._disjunction()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")
        _check_depth(node)
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _took(self, *words: str) -> Token | None:
        return self._take() if self._next.kind == "sign" and self._next.word in words else None

    def _need(self, word: str, expected: str) -> None:
        if self._took(word) is None:
            raise self._unexpected(expected)

    def _unexpected(self, expected: str) -> InputError:
        token = self._next
        found = "the end" if token.kind == "end" else shown(token.word)
        return fault(f"found {found}, expected {expected}.", token.at)

    def _deeper(self, by: int) -> None:
        self._depth += by
        if self._depth > MAX_DEPTH:
            raise _too_deep(self._next.at)

    def _disjunction(self) -> Node:
        self._deeper(+1)
        node = self._joined("or", Or)
        self._deeper(-1)
        return node

    def _joined(self, word: str, kind: type[And] | type[Or]) -> Node:
        operands = [self._opposite() if kind is And else self._joined("and", And)]
        at = self._next.at
        while self._took(word):
            operands.append(self._opposite() if kind is And else self._joined("and", And))
        return operands[0] if len(operands) == 1 else kind(tuple(operands), at)

    def _opposite(self) -> Node:
        token = self._took("not")
        if token is None:
            return self._claim()
        self._deeper(+1)
        node = Not(self._opposite(), token.at)
        self._deeper(-1)
        return node

    def _claim(self) -> Node:
        node, at = self._chain(0), self._next.at
        if self._next.word in _COMPARISONS and self._next.kind == "sign":
            return self._comparison(node)
        if self._took("is"):
            is_not = self._took("not")
            self._need("null", "null")
            return Not(IsNull(node, at), at) if is_not else IsNull(node, at)
        is_not = self._took("not")
        claim = self._membership(node, at)
        if claim is None:
            if is_not:
                raise self._unexpected("in or between after not")
            return node
        return Not(claim, at) if is_not else claim

    def _membership(self, node: Node, at: int) -> Node | None:
        if self._took("in"):
            return Among(node, self._values(), at)
        if self._took("between"):
            low = self._chain(0)
            self._need("and", "and with the upper limit of between")
            return Comparison((low, node, self._chain(0)), ("<=", "<="), at)
        return None

    def _comparison(self, first: Node) -> Node:
        at = self._next.at
        operands, operators = [first], []
        while token := self._took(*_COMPARISONS):
            operators.append(token.word)
            operands.append(self._chain(0))
        return Comparison(tuple(operands), tuple(operators), at)

    def _values(self) -> tuple[Node, ...]:
        self._need("(", "'(' and the values")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        self._need(")", "',' or ')'")
        return tuple(values)

    def _value(self) -> Node:
        sign = self._took("-", "+")
        node = self._literal()
        if node is None or (sign and not isinstance(node, Number)):
            raise self._unexpected("a number, a text in quotes, true or false")
        return Negative(node, sign.at) if sign and sign.word == "-" else node

    def _chain(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._signed()
        node = self._chain(level + 1)
        while token := self._took(*_LEVELS[level]):
            node = Arithmetic(token.word, node, self._chain(level + 1), token.at)
        return node

    def _signed(self) -> Node:
        sign = self._took("-", "+")
        if sign is None:
            return self._power()
        self._deeper(+1)
        node = self._signed()
        self._deeper(-1)
        return Negative(node, sign.at) if sign.word == "-" else node

    def _power(self) -> Node:
        base = self._atom()
        token = self._took("**")
        if token is None:
            return base
        self._deeper(+1)
        node = Arithmetic("**", base, self._signed(), token.at)
        self._deeper(-1)
        return node

    def _atom(self) -> Node:
        node = self._literal()
        if node is not None:
            return node
        if self._next.kind == "name":
            token = self._take()
            return self._call(token) if self._took("(") else Name(token.word, token.at)
        self._need("(", "a column, a number, a text in quotes, a function or '('")
        node = self._disjunction()
        self._need(")", "an operator or ')'")
        return node

    def _literal(self) -> Literal | None:
        token = self._next
        if token.kind == "number":
            word = self._take().word
            return Number(int(word) if word.isdigit() else float(word), token.at)
        if token.kind == "text":
            return Text(self._take().word, token.at)
        truth = self._took("true", "false")
        return Truth(truth.word == "true", truth.at) if truth else None

    def _call(self, token: Token) -> Node:
        if token.word not in N_OPERANDS:
            raise fault(unknown_name("function", token.word, tuple(N_OPERANDS)), token.at)
        operands = [self._disjunction()]
        while self._took(","):
            operands.append(self._disjunction())
        self._need(")", "an operator, ',' or ')'")
        expected = N_OPERANDS[token.word]
        if len(operands) != expected:
            raise fault(
                f"{token.word} was given {len(operands)} values, expected {expected}.", token.at
            )
        if token.word == "isnull":
            return IsNull(operands[0], token.at)
        return Call(token.word, tuple(operands), token.at)


def _check_depth(node: Node) -> None:
    """Refuse what is deeper or larger than allowed: long sums are deep without parentheses."""
    waiting, n_parts = [(node, 1)], 0
    while waiting:
        part, depth = waiting.pop()
        n_parts += 1
        if depth > MAX_DEPTH:
            raise _too_deep(part.at)
        if n_parts > MAX_PARTS:
            raise fault(
                f"the expression has more than {MAX_PARTS} parts; make it shorter.", part.at
            )
        waiting.extend((child, depth + 1) for child in children(part))


def _too_deep(at: int) -> InputError:
    return fault(
        f"the expression is deeper here than {MAX_DEPTH} levels; use fewer parentheses, or "
        "parentheses around parts of a long sum.",
        at,
    )
