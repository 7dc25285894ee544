"""The expression box: a condition as a person writes it, checked and answered as they go."""

import logging
import re
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.painter import Painter
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.query.expression import Expression

PLACEHOLDER = "score_mse > 2 and snr > 5"
_LOG = logging.getLogger(__name__)
_PLACE = re.compile(r"Expression, character (\d+): (.*)", re.DOTALL)
_CSS = """
:host{display:block;} .head{display:flex;justify-content:space-between;align-items:baseline;}
.name{font-weight:600;} button.columns{all:unset;cursor:pointer;color:var(--accent);font-size:11px;}
button:focus-visible{outline:1px solid var(--accent);}
input{box-sizing:border-box;width:100%;background:var(--panel);color:var(--text);font:11px/1.5
var(--mono);border:1px solid var(--grid);border-radius:4px;padding:4px 6px;margin-top:3px;}
input:focus{outline:1px solid var(--accent);outline-offset:-1px;} input::placeholder{color:
var(--muted);opacity:.75;} .wrong input{border-color:var(--bad);}
.caret{overflow:hidden;height:11px;padding:0 7px;} .caret pre{margin:0;color:var(--bad);
font:11px/11px var(--mono);font-weight:700;} .fault{color:var(--bad);font-size:11px;
line-height:1.35;overflow-wrap:anywhere;}
.status{color:var(--muted);font-size:11px;min-height:15px;}
.list{border:1px solid var(--grid);border-radius:4px;margin-top:4px;padding:4px;}
.list input{margin:0 0 3px;font-family:var(--sans);} .rows{max-height:190px;overflow:auto;}
.rows button{all:unset;display:block;box-sizing:border-box;width:100%;cursor:pointer;
padding:2px 3px;border-radius:3px;}
.rows button:hover{background:var(--raised);} .rows b{font:11px/1.3 var(--mono);
overflow-wrap:anywhere;} .rows div{color:var(--muted);font-size:10.5px;line-height:1.25;}
"""


def describe_columns(store: Store) -> list[dict[str, str]]:
    """Return name, unit and meaning of every column an expression can name, latents last."""
    described = (store.describe(name) for name in store.column_names)
    columns = [{"name": c.name, "unit": c.unit, "meaning": c.meaning} for c in described]
    latents = {"name": "latent_0 … latent_127", "unit": "", "meaning": "latents of the encoder"}
    return [*columns, latents]


def place_of(error: Exception) -> tuple[int, str]:
    """Return at which character an expression fails, from 0, and why; -1 for no character.

    >>> place_of(ValueError("Expression, character 12: found '>', expected a column."))
    (11, "found '>', expected a column.")
    """
    found = _PLACE.fullmatch(str(error))
    return (int(found[1]) - 1, found[2]) if found else (-1, str(error))


class ExpressionBox(JSComponent):
    """The field, what is wrong with it, and the columns, in the browser."""

    text = param.String(doc="The expression that is applied, or the one that is wrong.")
    placeholder = param.String(default=PLACEHOLDER, doc="Shown while the field is empty.")
    columns = param.List(doc="Name, unit and meaning of each column.")
    error = param.String(doc="What is wrong, in one sentence.")
    caret = param.Integer(default=-1, doc="The character that is wrong, from 0; -1 = none.")
    status = param.String(doc="How many objects match, or that they are counted.")
    version = param.Integer(doc="Counts the answers, so that each is drawn once.")

    _esm = Path(__file__).parent / "expression.js"

    def __init__(self, on_message: Any, **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        self._on_message(message)


class ExpressionView(pn.viewable.Viewer):
    """The expression of a session: evaluated off the event loop, then applied.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session, **params: Any) -> None:
        super().__init__(**params)
        self.session = session
        self._painter = Painter(session.frames.pool)
        self.box = ExpressionBox(
            self._on_message, columns=describe_columns(session.store), margin=(8, 4, 0, 4),
            sizing_mode="stretch_width", stylesheets=[BASE_CSS + _CSS], css_classes=["expression"],
        )  # fmt: skip
        self.refresh()

    def apply(self, text: str) -> None:
        """Filter by an expression; empty filters by none. What is wrong is said at the field."""
        wanted = text.strip()
        self._painter.cancel()
        if not wanted:
            self.session.state.expression = ""
            self._answer("")
            return
        self._answer(text, status="evaluating…")

        def show(done: "Future[Any]") -> None:
            error = done.exception() or done.result()
            if error is None:
                self.session.state.expression = wanted
                self.refresh()
            else:
                self._refuse(text, error)

        self._painter.ask(lambda: self._evaluate(wanted), show)

    def refresh(self, *_: Any) -> None:
        """Show the expression of the state and how many objects of the population match."""
        session, text = self.session, self.session.state.expression
        if not text:
            if not self.box.error:
                self._answer("")
            return

        def show(done: "Future[Any]") -> None:
            if session.state.expression == text:
                self._answer(text, status=f"{done.result():,} {session.population_label} match")

        self._painter.ask(lambda: session.count_of(Expression(text)), show)

    def close(self) -> None:
        """Want no answer any more."""
        self._painter.cancel()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the box."""
        return self.box

    def _evaluate(self, text: str) -> Exception | None:
        """Make the mask, which is kept; return what is wrong with the text."""
        try:
            self.session.frames.mask(Expression(text))
        except ExplorerError as error:
            return error
        return None

    def _refuse(self, text: str, error: Exception) -> None:
        if isinstance(error, ExplorerError):
            caret, sentence = place_of(error)
        else:
            _LOG.error("an expression could not be evaluated", exc_info=error)
            caret, sentence = -1, "It could not be evaluated; the server's log says why."
        self._answer(text, error=sentence, caret=caret)

    def _answer(self, text: str, error: str = "", caret: int = -1, status: str = "") -> None:
        self.box.param.update(
            text=text, error=error, caret=caret, status=status, version=self.box.version + 1
        )

    def _on_message(self, message: Any) -> None:
        if message.get("type") == "apply" and isinstance(message.get("text"), str):
            self.apply(message["text"])
