"""What strangers type is answered or refused in one line, at once, and never run."""

import builtins
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.query.expression import Expression
from anomaly_explorer.engine.query.grammar import N_OPERANDS, parse
from anomaly_explorer.engine.query.syntax import children, write

from .hostile_texts import VALID, hostile_texts

# vaex 4.19 makes its executor's event loop twice and drops the first.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


class Touched(AssertionError):
    """The canary was reached."""


class Canary:
    """Whatever is done with it is a fault of the grammar."""

    def __getattribute__(self, name):
        raise Touched(name)

    def __call__(self, *_):
        raise Touched("called")


def check_sentence(error):
    assert len(str(error).splitlines()) == 1
    assert str(error).startswith("Expression, character ")
    assert len(str(error)) < 400


def answer_strangers(texts, store):
    """Give expressions to a store; how many there were, and how many it answered.

    A second of work is the limit: the clock on the wall is that of all who share the machine.
    """
    n_answered, n_asked = 0, 0
    for text in texts:
        n_asked += 1
        start = time.process_time()
        try:
            expression = Expression(text)
            assert write(parse(write(parse(text)))) == write(parse(text))
            expression.mask(store)
            n_answered += 1
        except InputError as error:
            check_sentence(error)
        assert time.process_time() - start < 1, text
    return n_asked, n_answered


@pytest.fixture
def canary(monkeypatch):
    monkeypatch.setattr(builtins, "canary", Canary(), raising=False)


def test_texts_of_strangers_give_a_mask_or_a_sentence(random_store, canary):
    n_asked, n_answered = answer_strangers(hostile_texts(random.Random(1), 3_000), random_store)
    assert n_asked == 3_000
    assert n_answered > 100


@pytest.mark.scale
def test_100_000_texts_of_strangers_give_a_mask_or_a_sentence(random_store, canary):
    n_asked, n_answered = answer_strangers(hostile_texts(random.Random(2), 100_000), random_store)
    assert n_asked == 100_000
    assert n_answered > 3_000


@given(st.text(max_size=60) | st.text(alphabet="snrz().'\"<>=&|~+-*/% 0123456789_e", max_size=60))
def test_any_text_is_an_expression_or_an_error_in_one_line(text):
    try:
        parse(text)
    except InputError as error:
        check_sentence(error)


def test_the_texts_that_are_mutated_say_all_there_is_to_say(random_store):
    for text in VALID:
        Expression(text).mask(random_store)
    said, waiting = set(), [parse(text) for text in VALID]
    while waiting:
        node = waiting.pop()
        said.add(getattr(node, "function", type(node).__name__))
        waiting.extend(children(node))
    assert set(N_OPERANDS) - {"isnull"} <= said
