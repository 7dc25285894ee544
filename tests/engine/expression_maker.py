"""Random expressions, and what they mean: an oracle in plain NumPy and Python integers.

The oracle knows three truths and two kinds of numbers and takes no short cut; it shares no code
with the translation it judges, but the names of columns.
"""

import operator
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from anomaly_explorer.engine.query.named_column import find_column
from anomaly_explorer.engine.query.syntax import (
    Among,
    And,
    Arithmetic,
    Call,
    Comparison,
    IsNull,
    Name,
    Negative,
    Not,
    Number,
    Or,
    Text,
    Truth,
)

FLOATS = ("snr", "score_mse", "z", "ra_deg", "latent_5", "lat_127")
INTEGERS = ("redshift_warning", "target_id", "cluster", "row_in_file", "tier_bits", "score_rank")
TRUTHS = ("is_simulated", "is_point_source")
TEXTS = {"spectype": ("GALAXY", "QSO", "STAR", ""), "worst_band": ("B", "R", "Z")}
ONE_VALUE = ("abs", "sqrt", "log", "log10", "exp", "sin", "cos", "tan", "floor", "ceil", "round")
SIGNS = ("<", "<=", ">", ">=", "==", "!=")

numbers_written = st.one_of(
    st.integers(0, 6),
    st.integers(2**62, 2**62 + 10_000),
    st.sampled_from([0.5, 1.5, 2.0, 1e300, 1e-5, 0.1, 10**30, 3e9]),
    st.floats(0, 1e6),
).map(Number)
signed = numbers_written | numbers_written.map(Negative)
columns = st.sampled_from(FLOATS + INTEGERS).map(Name)


def _numbers(inner):
    return st.one_of(
        st.builds(Arithmetic, st.sampled_from(["+", "-", "*", "/", "%", "**"]), inner, inner),
        st.builds(Negative, inner),
        st.builds(Call, st.sampled_from(ONE_VALUE), st.tuples(inner)),
        st.builds(
            Call, st.sampled_from(["arctan2", "minimum", "maximum"]), st.tuples(inner, inner)
        ),
        st.builds(
            lambda sign, a, b, c, d: Call("where", (Comparison((a, b), (sign,)), c, d)),
            st.sampled_from(SIGNS), inner, inner, inner, inner,
        ),
    )  # fmt: skip


numbers = st.recursive(columns | columns | signed, _numbers, max_leaves=5)


@st.composite
def _chains(draw):
    operands = draw(st.lists(numbers, min_size=2, max_size=3))
    signs = draw(st.lists(st.sampled_from(SIGNS), min_size=len(operands) - 1, max_size=2))
    return Comparison(tuple(operands), tuple(signs[: len(operands) - 1]))


@st.composite
def _about_texts(draw):
    name = draw(st.sampled_from(sorted(TEXTS)))
    texts = st.sampled_from(TEXTS[name]).map(Text)
    if draw(st.booleans()):
        return Among(Name(name), tuple(draw(st.lists(texts, min_size=1, max_size=3))))
    pair = draw(st.permutations([Name(name), draw(texts)]))
    return Comparison(tuple(pair), (draw(st.sampled_from(["==", "!="])),))


_claims = st.one_of(
    _chains(),
    _about_texts(),
    st.sampled_from(TRUTHS).map(Name),
    st.booleans().map(Truth),
    st.builds(IsNull, st.one_of(numbers, st.sampled_from((*TRUTHS, *TEXTS)).map(Name))),
    st.builds(Among, numbers, st.lists(signed, min_size=1, max_size=3).map(tuple)),
    st.builds(
        lambda a, b, sign: Comparison((Name(a), Name(b)), (sign,)),
        st.sampled_from(TRUTHS), st.sampled_from(TRUTHS), st.sampled_from(["==", "!="]),
    ),
)  # fmt: skip


def _conditions(inner):
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    about = st.builds(
        lambda claim, truth, sign: Comparison((claim, Truth(truth)), (sign,)),
        inner, st.booleans(), st.sampled_from(["==", "!="]),
    )  # fmt: skip
    return st.one_of(st.builds(Not, inner), st.builds(And, several), st.builds(Or, several), about)


conditions = st.recursive(_claims, _conditions, max_leaves=5)


@dataclass
class Values:
    """A number a row: as float64, exactly where it is a stored integer, and its stored type."""

    floats: np.ndarray | np.float64
    exact: np.ndarray | int | float | None = None
    dtype: np.dtype | None = None
    is_constant: bool = False

    @property
    def is_null(self):
        return np.isnan(self.floats)


@dataclass
class Truths:
    """Where a condition is true and where it is false, (N,); elsewhere it is unknown."""

    true: np.ndarray
    false: np.ndarray


def numbers_of(node, store):
    """What a number is in every row."""
    match node:
        case Number():
            return Values(np.float64(node.value), node.value, is_constant=True)
        case Name():
            return _column(node.name, store)
        case Negative():
            inner = numbers_of(node.operand, store)
            exact = -inner.exact if inner.is_constant else None
            return Values(-inner.floats, exact, is_constant=inner.is_constant)
        case Arithmetic():
            parts = [numbers_of(each, store) for each in (node.left, node.right)]
            functions = {"+": operator.add, "-": operator.sub, "*": operator.mul,
                         "/": operator.truediv, "%": operator.mod, "**": operator.pow}  # fmt: skip
            function = functions[node.operator]
        case Call(function="where"):
            truth = truths_of(node.operands[0], store).true
            chosen, other = (numbers_of(each, store).floats for each in node.operands[1:])
            return Values(np.where(truth, chosen, other))
        case Call():
            parts = [numbers_of(each, store) for each in node.operands]
            function = getattr(np, node.function)
    floats = function(*(each.floats for each in parts))
    is_constant = all(each.is_constant for each in parts)
    return Values(floats, floats if is_constant else None, is_constant=is_constant)


def _column(name, store):
    column = find_column(store, name)
    if column.latent is not None:
        latents = store.latents(np.arange(store.n_objects))[:, column.latent]
        return Values(latents.astype(np.float64), dtype=latents.dtype)
    stored, null = store.column(column.name), store.describe(column.name).null
    if column.kind == "float":
        return Values(stored.astype(np.float64), dtype=stored.dtype)
    floats = np.where(stored == null, np.nan, stored) if null is not None else stored
    return Values(floats.astype(np.float64), stored.astype(object))


def truths_of(node, store):
    """Where a condition is true and where it is false: three-valued logic, word for word."""
    return _TRUTHS[type(node)](node, store)


def _of_truth(node, store):
    every = np.ones(store.n_objects, bool)
    return Truths(every & node.value, every & (not node.value))


def _of_not(node, store):
    inner = truths_of(node.operand, store)
    return Truths(inner.false, inner.true)


def _of_and(node, store):
    parts = [truths_of(each, store) for each in node.operands]
    true, false = ([getattr(part, name) for part in parts] for name in ("true", "false"))
    return Truths(np.logical_and.reduce(true), np.logical_or.reduce(false))


def _of_or(node, store):
    parts = [truths_of(each, store) for each in node.operands]
    true, false = ([getattr(part, name) for part in parts] for name in ("true", "false"))
    return Truths(np.logical_or.reduce(true), np.logical_and.reduce(false))


def _of_name(node, store):
    truth = _column(node.name, store).floats
    return Truths(truth == 1, truth == 0)


def _of_null(node, store):
    is_name = isinstance(node.operand, Name)
    values = _column(node.operand.name, store) if is_name else numbers_of(node.operand, store)
    is_null = np.broadcast_to(values.is_null, store.n_objects)
    return Truths(is_null, ~is_null)


def _of_among(node, store):
    return _of_or(Or(tuple(Comparison((node.operand, v), ("==",)) for v in node.values)), store)


def _of_comparison(node, store):
    pairs = zip(node.operands[:-1], node.operators, node.operands[1:], strict=True)
    parts = [_compare(left, sign, right, store) for left, sign, right in pairs]
    return Truths(
        np.logical_and.reduce([p.true for p in parts]),
        np.logical_or.reduce([p.false for p in parts]),
    )


_TRUTHS = {
    Truth: _of_truth,
    Not: _of_not,
    And: _of_and,
    Or: _of_or,
    Name: _of_name,
    IsNull: _of_null,
    Among: _of_among,
    Comparison: _of_comparison,
}


def _compare(left, sign, right, store):
    for truth, other in ((left, right), (right, left)):
        if isinstance(truth, Truth):
            inner = truths_of(other, store)
            is_same = truth.value is (sign == "==")
            return inner if is_same else Truths(inner.false, inner.true)
    a, b = (_operand(each, other, store) for each, other in ((left, right), (right, left)))
    function = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
                "==": operator.eq, "!=": operator.ne}[sign]  # fmt: skip
    both_known = np.broadcast_to(~a.is_null & ~b.is_null, store.n_objects)
    are_exact = a.exact is not None and b.exact is not None
    if a.is_constant and b.is_constant:
        are_exact = type(a.exact) is int and type(b.exact) is int
    if are_exact:
        found = np.broadcast_to(np.asarray(function(a.exact, b.exact), bool), store.n_objects)
    else:
        for one, other in ((a, b), (b, a)):
            if one.is_constant and other.dtype is not None:
                one.floats = other.dtype.type(one.floats).astype(np.float64)
        found = function(a.floats, b.floats)
    return Truths(found & both_known, ~found & both_known)


def _operand(node, other, store):
    if isinstance(node, Text):
        legend = store.legend(find_column(store, other.name).name)
        return Values(np.float64(0), legend.index(node.value), is_constant=True)
    is_code = isinstance(node, Name) and (node.name in TEXTS or node.name in TRUTHS)
    return _column(node.name, store) if is_code else numbers_of(node, store)
