"""The words of an expression's text, and the error that points into it."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from anomaly_explorer.engine.errors import InputError

MAX_CHARACTERS = 2_000
KEYWORDS = frozenset({"and", "or", "not", "in", "between", "is", "null", "true", "false"})
_MAX_SHOWN = 24
# Only these characters have a meaning: no dot outside a number, no bracket, brace, colon or @.
_PATTERN = re.compile(
    r"""
    (?P<number> (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
  | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
  | (?P<text> '(?:[^']|'')*' | "(?:[^"]|"")*" )
  | (?P<sign> \*\* | <= | >= | == | != | [-+*/%<>=(),&|~] )
  | (?P<space> [ \t\r\n]+ )
    """,
    re.VERBOSE,
)
_SAME = {"=": "==", "&": "and", "|": "or", "~": "not"}


@dataclass(frozen=True)
class Token:
    """One word of the text.

    Parameters
    ----------
    kind : str
        ``number``, ``name``, ``text``, ``sign`` (operators, parentheses and keywords) or ``end``.
    word : str
        What it says: without quotes, keywords in small letters, & | ~ = as and, or, not, ==.
    at : int
        Its place in the text, counted from 0.
    """

    kind: str
    word: str
    at: int


def fault(sentence: str, at: int) -> InputError:
    """Return the error that says what is wrong, and at which character, counted from 1."""
    return InputError(f"Expression, character {at + 1}: {sentence}")


def shown(text: str) -> str:
    """Return a text in quotes, on one line and not too long."""
    return repr(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…")


def read_tokens(text: str) -> list[Token]:
    """Return the words of a text, the last of kind ``end``.

    Raises
    ------
    InputError
        For a character or word that has no meaning here, or a text that is too long.

    Examples
    --------
    >>> [token.word for token in read_tokens("snr>5 & spectype = 'QSO'")]
    ['snr', '>', '5', 'and', 'spectype', '==', 'QSO', '']
    """
    if len(text) > MAX_CHARACTERS:
        raise fault(
            f"the text goes on for {len(text):,} characters, expected at most "
            f"{MAX_CHARACTERS:,}; make it shorter.",
            MAX_CHARACTERS,
        )
    return [*_tokens(text), Token("end", "", len(text))]


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind, word = str(match.lastgroup), match.group()
        if kind == "number":
            _check_number(text, at, match.end())
        elif kind == "name":
            kind, word = _name(word, at)
        elif kind == "text":
            word = word[1:-1].replace(word[0] * 2, word[0])
        if kind != "space":
            yield Token(kind, _SAME.get(word, word) if kind == "sign" else word, at)
        at = match.end()


def _name(word: str, at: int) -> tuple[str, str]:
    if word.lower() in KEYWORDS:
        return "sign", word.lower()
    if word.startswith("_") or "__" in word:
        raise fault(
            f"found {shown(word)}, and no column has such a name; expected one that begins with a "
            "letter and has no two underscores in a row.",
            at,
        )
    return "name", word


def _check_number(text: str, at: int, end: int) -> None:
    following = text[end : end + 1]
    if following and (following.isalnum() or following in "_."):
        raise fault(
            f"found {shown(following)} within a number; expected digits, one point and an exponent "
            "such as 1.5e3.",
            end,
        )
    if math.isinf(float(text[at:end])):
        raise fault(
            f"the number {shown(text[at:end])} is too large; expected one below 1.8e308.", at
        )


def _unreadable(text: str, at: int) -> InputError:
    if text[at] in "'\"":
        return fault(f"the text that begins here has no end; expected another {text[at]}.", at)
    return fault(
        f"found {shown(text[at])}, which has no meaning here; expected columns, numbers, texts in "
        "quotes, operators and parentheses.",
        at,
    )
