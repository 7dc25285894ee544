"""What strangers type is answered or refused in one line, at once, and never run."""

import builtins
import logging
import random
import re
import sys
import time
import types
from contextlib import contextmanager, suppress
from typing import NamedTuple

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


logger = logging.getLogger(__name__)
PROCESSES = {"os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen"}
LURES = {"/etc/passwd", "x"}


class Touched(AssertionError):
    """The canary was reached."""


class Canary:
    """Whatever is done with it is a fault of the grammar."""

    def __getattribute__(self, name):
        raise Touched(name)

    def __call__(self, *_):
        raise Touched("called")


class Watch:
    """Hears, through Python's audit hook, of code that runs while it listens.

    vaex evaluates texts of ours: the names in them are learnt from valid expressions, and code
    with any other name is foreign, as is every process started and every file the texts name.
    """

    def __init__(self):
        self.known, self.heard, self.state = set(), [], "off"
        sys.addaudithook(self._hear)  # cannot be taken away again, so it is asked at every event

    @contextmanager
    def listening(self, state="strict"):
        self.state = state
        try:
            yield
        finally:
            self.state = "off"

    def _hear(self, event, args):
        if self.state == "off":
            return
        if event == "exec":
            names = names_of(args[0])
            if self.state == "learning":
                self.known |= names
            elif not names <= self.known:
                self._refuse(f"exec {sorted(names - self.known)}")
        elif event in PROCESSES or (event == "open" and args[0] in LURES):
            self._refuse(f"{event} {args!r}")

    def _refuse(self, what):
        self.heard.append(what)
        raise Touched(what)


def names_of(code):
    """All names a piece of code looks up, in the functions within it too; all of ours as one."""
    within = (names_of(part) for part in code.co_consts if isinstance(part, types.CodeType))
    own = {"ours" if re.fullmatch(r"c\d+|our_\w+", name) else name for name in code.co_names}
    return own.union(*within)


def check_sentence(error):
    assert len(str(error).splitlines()) == 1
    assert str(error).startswith("Expression, character ")
    assert len(str(error)) < 400


def mask_of(text, store):
    expression = Expression(text)
    assert write(parse(write(parse(text)))) == write(parse(text))
    return expression.mask(store)


class Answers(NamedTuple):
    n_asked: int
    n_answered: int
    slowest: tuple[float, str]


class Work:
    """Counts what Python calls: a clock would also count what else this process is at."""

    def __init__(self):
        self.n_calls = 0

    @contextmanager
    def counting(self):
        self.n_calls = 0
        sys.setprofile(self._count)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _count(self, _frame, event, _argument):
        self.n_calls += event in {"call", "c_call"}


def limit_of(text):
    """Give the calls an expression is worth, far above what the slowest needs per character."""
    return 30_000 + 1_000 * len(text)


def answer_strangers(texts, store, watch, answer=mask_of, limit=limit_of):
    """Give expressions to a store, each with a limit of work that grows with its length."""
    n_answered, n_asked, slowest, work = 0, 0, (0.0, ""), Work()
    for state in ("off", "learning"):  # what is imported the first time is not to be learnt
        with watch.listening(state):
            for text in VALID:
                mask_of(text, store)
    for text in texts:
        n_asked += 1
        start = time.process_time()
        try:
            with watch.listening(), work.counting():
                answer(text, store)
            n_answered += 1
        except InputError as error:
            check_sentence(error)
        took = time.process_time() - start
        slowest = max(slowest, (took, text))
        assert work.n_calls < limit(text), text
        assert watch.heard == [], text
    return Answers(n_asked, n_answered, slowest)


@pytest.fixture
def canary(monkeypatch):
    monkeypatch.setattr(builtins, "canary", Canary(), raising=False)


@pytest.fixture(scope="module")
def hook():
    return Watch()


@pytest.fixture
def watch(hook):
    hook.heard.clear()
    return hook


def test_texts_of_strangers_give_a_mask_or_a_sentence(random_store, canary, watch):
    texts = hostile_texts(random.Random(1), 3_000)
    answers = answer_strangers(texts, random_store, watch)
    assert answers.n_asked == 3_000
    assert answers.n_answered > 100


@pytest.mark.scale
def test_100_000_texts_of_strangers_give_a_mask_or_a_sentence(random_store, canary, watch):
    texts = hostile_texts(random.Random(2), 100_000)
    answers = answer_strangers(texts, random_store, watch)
    assert answers.n_asked == 100_000
    assert answers.n_answered > 3_000
    logger.info("%d answered, slowest %.3f s: %.80r", answers.n_answered, *answers.slowest)


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "canary.x",
        "[canary() for _ in (1,)]",
        "__import__('os').system('true')",
        "().__class__.__bases__[0].__subclasses__()",
        "(lambda: open('/etc/passwd'))()",
        "__import__('subprocess').run('true')",
        "'1'.upper()",
    ],
)
def test_an_evaluator_of_python_would_be_noticed(random_store, canary, watch, text):
    def evaluate(text, store):
        return bool(eval(text, {}, {}))

    def swallow(text, store):
        with suppress(Touched):
            evaluate(text, store)

    with pytest.raises(Touched):
        answer_strangers([text], random_store, watch, evaluate)
    watch.heard.clear()
    with pytest.raises(AssertionError):
        answer_strangers([text], random_store, watch, swallow)


def test_a_text_that_takes_too_long_and_an_error_of_two_lines_would_be_noticed(random_store, watch):
    def wait(text, store):
        for _ in range(limit_of(text)):
            len(text)

    def fail(text, store):
        raise InputError("Expression, character 1: two\nlines")

    with pytest.raises(AssertionError, match="snr"):
        answer_strangers(["snr"], random_store, watch, wait)
    with pytest.raises(AssertionError):
        answer_strangers(["snr"], random_store, watch, fail)


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
