"""Filters as a person writes them: `score_mse > 2 and spectype == 'QSO'`."""

from dataclasses import dataclass
from typing import Any

from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import InputError
from anomaly_explorer.engine.plane.mask import Mask

from .grammar import parse
from .query import CatalogQuery


@dataclass(frozen=True)
class Expression:
    """Objects for which a condition is true; where it is null, it is not.

    Parameters
    ----------
    text : str
        A condition in the grammar of `grammar`; whether its columns exist is asked with a store.

    Raises
    ------
    InputError
        When the text is no expression: one line, with the character where it fails.

    Examples
    --------
    >>> Expression("score_mse > 2 and latent_5 < 0").to_dict()
    {'filter': 'expression', 'text': 'score_mse > 2 and latent_5 < 0'}
    >>> Expression("score_mse >> 2")
    Traceback (most recent call last):
    anomaly_explorer.engine.errors.InputError: Expression, character 12: found '>', expected \
a column, a number, a text in quotes, a function or '('.
    """

    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise InputError(f"An expression came as {self.text!r:.80}; expected text.")
        parse(self.text)

    def mask(self, store: Store) -> Mask:
        """Return which objects match; InputError when the store has no such columns."""
        return CatalogQuery(store).mask(self.text)

    def to_dict(self) -> dict[str, Any]:
        """Return the filter as JSON values."""
        return {"filter": "expression", "text": self.text}
