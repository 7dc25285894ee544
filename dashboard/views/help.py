"""The list of the keys, behind the question mark in the header."""

from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn

from anomaly_explorer.dashboard.theme import BASE_CSS, MENU_CSS

_CSS = """
.menu{max-height:80vh;overflow:auto;} td{padding:1px 0;}
td:first-child{padding-right:14px;white-space:nowrap;}
kbd{font:12px var(--mono);color:var(--accent);}
"""
_SIGNS = {"arrowup": "↑", "arrowdown": "↓", "escape": "esc"}


def describe_keys(meanings: Mapping[str, str]) -> str:
    """Return a menu, as HTML, that says what each key does.

    Examples
    --------
    >>> "<kbd>shift ↑</kbd>" in describe_keys({"shift+arrowup": "redshift + 0.001"})
    True
    """
    rows = "".join(
        f"<tr><td><kbd>{_sign(key)}</kbd></td><td>{escape(meaning)}</td></tr>"
        for key, meaning in meanings.items()
    )
    return (
        '<details class="keys"><summary title="what each key does (?)">?</summary>'
        f'<div class="menu"><table>{rows}</table></div></details>'
    )


def _sign(key: str) -> str:
    return escape(" ".join(_SIGNS.get(part, part) for part in key.split("+")))


class HelpView(pn.viewable.Viewer):
    """The menu of the keys; the browser opens and closes it."""

    def __init__(self, meanings: Mapping[str, str], **params: Any) -> None:
        super().__init__(**params)
        self._pane = pn.pane.HTML(
            describe_keys(meanings), stylesheets=[BASE_CSS + MENU_CSS + _CSS], margin=(0, 6),
            align="center", styles={"overflow": "visible"}, css_classes=["help"],
        )  # fmt: skip

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the menu."""
        return self._pane
