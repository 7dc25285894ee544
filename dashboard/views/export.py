"""The export menu: what is shown or selected, as a file in any of the formats."""

from pathlib import Path
from typing import Any

import panel as pn
import param
from panel.custom import JSComponent

from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import MENU_CSS

# What is read on the menu -> ending of the file.
FORMATS = {"CSV": "csv", "Parquet": "parquet", "ECSV": "ecsv", "FITS": "fits", "VOTable": "vot"}
_CSS = """
.what{font-weight:600;margin-top:4px;} .links{display:flex;gap:10px;margin-bottom:6px;}
a{color:var(--accent);text-decoration:none;} a:hover{text-decoration:underline;}
a:focus-visible{outline:1px solid var(--accent);} .reason{color:var(--muted);margin-bottom:6px;}
"""


def describe_exports(session: Session) -> list[dict[str, str]]:
    """Return what can be exported: name in the URL, how many objects, and why not if none."""
    n_selected, n_shown = session.n_selected, session.n_shown
    return [
        {
            "name": "selection",
            "label": f"Selection · {n_selected:,} objects",
            "reason": "" if n_selected else "Nothing is selected: lasso objects on a map first.",
        },
        {
            "name": "shown",
            "label": f"All shown · {n_shown:,} objects",
            "reason": "" if n_shown else "The filters show nothing: reset one of them.",
        },
    ]


class ExportMenu(JSComponent):
    """The menu in the browser: plain links, which the browser downloads."""

    session_id = param.String(doc="Whose objects; empty = there is no server to ask.")
    choices = param.List(doc="Name, label and reason of each set of objects.")
    formats = param.Dict(doc="Name of each format and the ending of its file.")

    _esm = Path(__file__).parent / "export.js"


class ExportView(pn.viewable.Viewer):
    """The export menu, bound to a session."""

    def __init__(self, session: Session, session_id: str = "", **params: Any) -> None:
        super().__init__(**params)
        self.session, self._n_counted = session, 0
        self.menu = ExportMenu(
            session_id=session_id, choices=describe_exports(session), formats=FORMATS,
            stylesheets=[MENU_CSS + _CSS], css_classes=["export"], margin=(0, 6), align="center",
        )  # fmt: skip

    def refresh(self, *_: Any) -> None:
        """Count again, and send what was counted even where it is what was sent before.

        What a page that comes back in another process is sent while it loads may be lost.
        """
        self._n_counted += 1
        counted = {"turn": str(self._n_counted)}
        self.menu.choices = [choice | counted for choice in describe_exports(self.session)]

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the menu."""
        return self.menu
