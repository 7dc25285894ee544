"""Expressions mean what a plain evaluator says they mean, and text of a stranger does nothing."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings

from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.query import query
from anomaly_explorer.engine.query.expression import Expression
from anomaly_explorer.engine.query.grammar import MAX_DEPTH, parse
from anomaly_explorer.engine.query.syntax import write

from .expression_maker import conditions, numbers, truths_of

# vaex 4.19 makes its executor's event loop twice and drops the first.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed event loop:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]


def rows(text, store):
    return Expression(text).mask(store).rows().tolist()


@given(conditions | numbers)
def test_reading_what_was_written_gives_the_same_expression(node):
    assert repr(parse(write(node))) == repr(node)


@settings(max_examples=200)
@given(conditions)
def test_a_condition_matches_what_a_plain_evaluator_says(random_store, node):
    with np.errstate(all="ignore"):
        expected = truths_of(node, random_store).true
    np.testing.assert_array_equal(Expression(write(node)).mask(random_store).bools(), expected)


@settings(max_examples=50)
@given(conditions, conditions)
def test_words_are_the_algebra_of_masks(random_store, a, b):
    one, other = (Expression(write(node)).mask(random_store) for node in (a, b))

    def mask(text):
        return Expression(text).mask(random_store)

    assert mask(f"({write(a)}) and ({write(b)})").equals(one & other)
    assert mask(f"({write(a)}) | ({write(b)})").equals(one | other)
    opposite = mask(f"not ({write(a)})")
    assert (opposite & one).count == 0
    assert mask(f"~~({write(a)})").equals(one)


def test_null_is_in_neither_a_comparison_nor_its_opposite(random_store):
    for column in ("snr", "redshift_warning", "latent_3 / 0 * 0"):
        above, below, null = (
            Expression(text).mask(random_store)
            for text in (f"{column} > 1", f"not {column} > 1", f"{column} is null")
        )
        assert null.count > 0
        assert above.count + below.count + null.count == random_store.n_objects
    assert rows("snr == snr", random_store) == rows("snr is not null", random_store)
    assert rows("snr != snr or not snr == snr", random_store) == []


def test_integers_near_2_to_62_are_compared_exactly(random_store):
    ids = random_store.column("target_id")
    one = int(ids.max())
    assert rows(f"target_id == {one}", random_store) == np.flatnonzero(ids == one).tolist()
    assert rows(f"target_id >= {one}", random_store) == np.flatnonzero(ids == one).tolist()
    assert rows(f"target_id in ({one + 1}, {one})", random_store) == rows(
        f"{one} = targetid", random_store
    )
    known = rows("target_id is not null", random_store)
    for text in (f"target_id < {10**300}", "target_id != 0.5", "-1e300 < target_id"):
        assert rows(text, random_store) == known
    assert rows(f"target_id > {2**63}", random_store) == []
    assert Expression(f"target_id == {2**62 + 1}") != Expression(f"target_id == {2**62}")


def test_a_limit_read_off_the_screen_finds_its_value(random_store):
    value = float(np.nanmax(random_store.column("snr")))
    found = np.flatnonzero(random_store.column("snr") == np.float32(value)).tolist()
    assert rows(f"snr == {np.float32(value)!s}", random_store) == found != []


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("snr > 5 & z < 1 | ~is_simulated", "(snr > 5 and redshift < 1) or not is_simulated"),
        ("snr BETWEEN 1 AND 2", "1 <= snr <= 2"),
        ("snr not between 1 and 2", "not (snr >= 1 and snr <= 2)"),
        ("spectype = 'QSO'", 'spectype == "QSO"'),
        ("spectype NOT IN ('QSO', 'STAR')", "spectype != 'QSO' and spectype != 'STAR'"),
        ("isnull(spectype)", "spectype IS NULL"),
        ("not isnull(snr)", "snr is not null"),
        ("anomaly_score > 1", "score_mse > 1"),
        ("rB > .5", "arm_residual_b > 0.5"),
        ("latent_7 > 0 and lat_007 > 0", "latent_007 > 0"),
        ("-2 ** 2 == -4", "true"),
        ("2 ** 3 ** 2 == 512", "true"),
        ("7 % 4 / 2 * 3 == 4.5", "true"),
        ("1 / 0 > 9 ** 300", "true"),
        ("9 ** 9 ** 9 ** 9 == 1 / 0", "true"),
        ("0 / 0 == 0 / 0 or 0 / 0 != 1 or log(-1) < 5", "false"),
        ("where(snr > 5, 1, 0) == 1", "snr > 5"),
        ("is_simulated == true", "is_simulated"),
        ("(snr > 5) != true", "not snr > 5"),
        ("snr\n>\t5", "snr>5"),
        ("snr in (-1, +2)", "snr == -1 or snr == 2"),
        ("floor(snr) <= snr <= ceil(snr)", "snr is not null"),
    ],
)
def test_what_is_said_differently_is_the_same(random_store, text, same):
    assert rows(text, random_store) == rows(same, random_store)


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("", 1, "found the end, expected a column"),
        ("snr >", 6, "found the end"),
        ("snr >> 2", 6, "found '>'"),
        ("snr > 2 2", 9, "expected an operator or the end"),
        ("(snr > 2", 9, r"expected an operator or '\)'"),
        ("snr.max() > 2", 4, "found '.'"),
        ("__import__('os')", 1, "two underscores"),
        ("a__b > 1", 1, "two underscores"),
        ("system('ls')", 1, "no function 'system'"),
        ("sqr(snr) > 1", 1, "did you mean .*sqrt"),
        ("abs(snr, 2) > 1", 1, "given 2 values, expected 1"),
        ("abs() > 1", 5, r"found '\)'"),
        ("snr > 1_000", 8, "found '_' within a number"),
        ("snr > 0x10", 8, "within a number"),
        ("snr > 1.2.3", 10, "within a number"),
        ("snr > 1e999", 7, "too large"),
        ("snr > " + "9" * 400, 7, "too large"),
        ("spectype == 'QSO", 13, "no end"),
        ("snr > 2 −1", 9, "found '−'"),
        ("snr > 2; z", 8, "found ';'"),
        ("(z := 5)", 4, "found ':'"),
        ("[1]", 1, "found '\\['"),
        ("snr is 5", 8, "expected null"),
        ("snr not 5", 9, "expected in or between"),
        ("snr between 1 or 2", 15, "expected and"),
        ("snr in 5", 8, "expected '\\('"),
        ("snr in ()", 9, "expected a number, a text"),
        ("snr in (z)", 9, "expected a number, a text"),
        ("snr in (-'a')", 13, "expected a number"),
        ("snr\x00> 1", 4, r"found '\\x00'"),
        ("ѕnr > 1", 1, "found 'ѕ'"),
        ("snr > 1" + " " * 2000, 2001, "at most 2,000"),
        ("(" * 51 + "snr" + ")" * 51, 51, "deeper"),
        ("-" * 60 + "1 > 0", 51, "deeper"),
        ("+".join(["snr"] * 60) + " > 1", None, "parts of a long sum"),
        ("z in (" + ",".join("1" * 600) + ")", None, "more than 500 parts"),
    ],
)
def test_an_error_points_at_the_character(text, place, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        Expression(text)
    found = str(caught.value)
    assert "\n" not in found
    assert place is None or found.startswith(f"Expression, character {place}: ")


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("z > 0 and redshfit > 1", 11, "did you mean redshift"),
        ("latent_128 > 0", 1, "no column 'latent_128'"),
        ("os > 1", 1, "no column 'os'"),
        ("spectype == 'GALAXI'", 13, "did you mean GALAXY"),
        ("spectype > 'QSO'", 1, "no order"),
        ("spectype == 5", 13, "category cannot be compared with a number"),
        ("snr == 'QSO'", 8, "number cannot be compared with a text"),
        ("is_simulated == 1", 17, "bool cannot be compared with a number"),
        ("spectype + 1 > 2", 1, "spectype is a category"),
        ("is_simulated * 2 > 1", 1, r"use where\(is_simulated, 1, 0\)"),
        ("snr", 1, "expected a condition"),
        ("snr and z > 1", 1, "expected a condition"),
        ("5", 1, "expected a condition"),
        ("'QSO'", 1, "found a text"),
        ("(snr > 1) + 1 > 2", 6, "expected a number"),
        ("abs(true) > 2", 5, "expected a number"),
        ("isnull('a')", 8, "found a text"),
        ("isnull(snr > 1)", 12, "found a condition"),
        ("(snr > 1) == (z > 1)", 17, "condition cannot be compared"),
    ],
)
def test_what_the_store_does_not_know_is_explained(random_store, text, place, sentence):
    with pytest.raises(InputError, match=sentence) as caught:
        Expression(text).mask(random_store)
    assert str(caught.value).startswith(f"Expression, character {place}: ")


@pytest.mark.parametrize("text", [None, 5, ["snr > 1"], b"snr > 1"])
def test_only_text_is_an_expression(text):
    with pytest.raises(InputError, match="expected text"):
        Expression(text)


def test_an_expression_travels_as_its_text():
    expression = Expression("snr > 5")
    assert expression.to_dict() == {"filter": "expression", "text": "snr > 5"}
    assert expression == Expression("snr > 5")
    assert hash(expression) == hash(Expression("snr > 5"))


def test_parts_that_double_and_double_are_refused_in_time(random_store):
    text = "snr"
    for _ in range(20):
        text = f"where(0 < {text} < 5, 1, 2)"
    start = time.process_time()
    with pytest.raises(InputError, match="too much at once"):
        Expression(f"{text} > 0").mask(random_store)
    assert time.process_time() - start < 1


def test_what_is_as_deep_and_long_as_allowed_is_answered(random_store):
    known = rows("snr is not null", random_store)
    deep = "abs(" * (MAX_DEPTH - 3) + "snr" + ")" * (MAX_DEPTH - 3)
    assert rows(f"{deep} >= 0", random_store) == known
    nested = "where(snr > 0, abs(" * 15 + "snr" + "), 1)" * 15
    assert rows(f"{nested} >= 0", random_store) == list(range(random_store.n_objects))
    assert rows("snr in (" + ", ".join(["1"] * 490) + ") or snr >= 0", random_store) == known
    assert rows(" and ".join(["snr>=0"] * 160), random_store) == known


@pytest.mark.parametrize("size", [64, 128, 960])
def test_chunks_do_not_show(random_store, monkeypatch, size):
    texts = ["snr > 1 and latent_3 > 0", "spectype == 'QSO' or target_id % 2 == 0"]
    expected = [rows(text, random_store) for text in texts]
    monkeypatch.setattr(query, "_CHUNK_ROWS", size)
    assert [rows(text, random_store) for text in texts] == expected


def test_many_threads_may_ask_at_once(random_store):
    texts = [f"{name} > {k} / 4" for name in ("snr", "z", "latent_9") for k in range(16)]
    expected = [rows(text, random_store) for text in texts]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(3):
            assert list(threads.map(lambda text: rows(text, random_store), texts)) == expected
