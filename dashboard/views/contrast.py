"""What makes the selection an island: the columns that set it apart from the rest."""

import logging
from concurrent.futures import Future
from html import escape
from math import ceil
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from anomaly_explorer.dashboard.controls import BUTTON
from anomaly_explorer.dashboard.errand import Errand, Report
from anomaly_explorer.dashboard.live import LiveInspector
from anomaly_explorer.dashboard.session import Session
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.catalog.store import Store
from anomaly_explorer.engine.errors import ExplorerError
from anomaly_explorer.engine.plane.mask import Mask

if TYPE_CHECKING:
    from anomaly_explorer.engine.contrast.contrast import ColumnContrast, Contrast

MAX_COLUMNS = 24
# Where a selection was drawn on the map says nothing of what it is.
ON_THE_MAP = ("umap_x", "umap_y")
_BAR_WIDTH = 60
_LOG = logging.getLogger(__name__)
_CSS = """
table{border-collapse:collapse;font-size:12px;} th{color:var(--muted);font-weight:500;
text-align:left;padding:4px 10px 4px 0;white-space:nowrap;border-bottom:1px solid var(--grid);}
td{padding:3px 10px 3px 0;border-bottom:1px solid var(--grid);white-space:nowrap;}
td.two{font-size:11px;line-height:12px;} td.number{text-align:right;font-family:var(--mono);}
.headline{font-weight:600;} td.what,td.name{max-width:140px;overflow:hidden;text-overflow:ellipsis;}
@media (min-width:1600px){td.what,td.name{max-width:300px;}}
.bar{display:inline-block;height:7px;border-radius:2px;vertical-align:middle;}
.some .bar{background:var(--selected);} .rest .bar{background:var(--muted);}
.scale{display:inline-block;width:60px;} .share{display:block;line-height:12px;font-size:11px;}
"""


def draw_contrast(contrast: "Contrast", store: Store) -> str:
    """Return the columns that set a selection apart as an HTML table, strongest first.

    Parameters
    ----------
    contrast : Contrast
        Of the selection with the rest of what is shown.
    store : Store
        For units and meanings.
    """
    told = [c for c in contrast.columns if c.name not in ON_THE_MAP]
    # Of a sample, what is not above its own error may be of the sample alone.
    columns = [c for c in told if c.difference.excess > c.difference.error][:MAX_COLUMNS]
    if not columns:
        return f"{_headline(contrast)}<div class='muted'>No column tells the two apart.</div>"
    rows = "".join(_row(column, store) for column in columns)
    left_out = len(told) - len(columns)
    return (
        f"{_headline(contrast)}<table><thead><tr><th>Column</th><th>Sets it apart</th>"
        "<th>Share in it</th><th>Median</th><th>Strength</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        f"<div class='muted'>{left_out} more columns differ less. Above: "
        "the selection, below: the rest. Share: how much of each is in it. Strength: largest "
        "difference of shares in one range or set of values, 0 to 1; of a sample with its standard "
        "error, rounded up.</div>"
    )


def _headline(contrast: "Contrast") -> str:
    text = (
        f"{contrast.n_selected:,} selected against the other {contrast.n_rest:,} "
        f"{escape(contrast.population)}"
    )
    sampled = [
        f"{counted:,} of {n:,} {side} drawn"
        for side, counted, n in (
            ("selected", contrast.n_selected_counted, contrast.n_selected),
            ("others", contrast.n_rest_counted, contrast.n_rest),
        )
        if counted < n
    ]
    how = f"sample: {' and '.join(sampled)}" if sampled else "every object counted"
    return f'<div class="headline">{text} <span class="muted">· {how}</span></div>'


def _row(column: "ColumnContrast", store: Store) -> str:
    described, found = store.describe(column.name), column.difference
    unit = f" {escape(described.unit)}" if described.unit else ""
    here, there = found.shares
    tip = f"{column.name}: {described.meaning}"
    what = _what(column) + (unit if found.kind == "range" else "")
    error = f" ± {ceil(100 * found.error) / 100:.2f}" if found.error else ""
    return (
        f'<tr><td class="name" title="{escape(tip)}">{escape(column.name)}</td>'
        f'<td class="what" title="{what}">{what}</td>'
        f"<td>{_bar('some', here)}{_bar('rest', there)}</td>"
        f'<td class="number two">{_median(column.selected)}<br>'
        f'<span class="muted">{_median(column.rest)}</span></td>'
        f'<td class="number">{found.strength:.2f}{error}</td></tr>'
    )


def _what(column: "ColumnContrast") -> str:
    """Return the range or the value the selection has more often, in words."""
    found = column.difference
    if found.kind == "null":
        return "has no value" if found.shares[0] > found.shares[1] else "has a value"
    if found.kind == "value":
        return f"is {escape(str(column.value)) or 'empty'}"
    if found.low is None:
        return f"at most {found.high:.4g}"
    if found.high is None:
        return f"at least {found.low:.4g}"
    return f"{found.low:.4g} to {found.high:.4g}"


def _bar(side: str, share: float) -> str:
    width = max(1, round(_BAR_WIDTH * share))
    return (
        f'<span class="share {side}"><span class="scale"><span class="bar" '
        f'style="width:{width}px"></span></span> {share:.1%}</span>'
    )


def _median(side: Any) -> str:
    return "" if side.quartiles is None else f"{side.quartiles[1]:.4g}"


class ContrastView(pn.viewable.Viewer):
    """What sets the selection of a session apart, compared while it is on screen.

    Parameters
    ----------
    session : Session
    live : LiveInspector
        Closed when the server stops.

    Attributes
    ----------
    is_visible : bool
        Nothing is compared while it is False.
    """

    def __init__(self, session: Session, live: LiveInspector, **params: Any) -> None:
        super().__init__(**params)
        self.session, self.is_visible = session, False
        self._errand = Errand(live, self._tell)
        self._compared: tuple[Mask, Mask] | None = None
        self._status = pn.pane.HTML(
            "", css_classes=["contrast-status"], stylesheets=[BASE_CSS], margin=(6, 8),
            align="center",
        )  # fmt: skip
        self._pane = pn.pane.HTML(
            "", css_classes=["contrast"], stylesheets=[BASE_CSS + _CSS], margin=(0, 8)
        )
        button = {"size": "small", "variant": "outlined", "visible": False, "sx": BUTTON,
                  "align": "center"}  # fmt: skip
        self._exact = pmui.Button(label="Count every object", **button)
        self._cancel = pmui.Button(label="Cancel", **button)
        self._exact.on_click(lambda _: self._compare(is_exact=True))
        self._cancel.on_click(lambda _: self._stop())

    def refresh(self, *_: Any) -> None:
        """Compare again when the selection or what is shown changed, and it is on screen."""
        if not self.is_visible:
            return
        selected, mask, known = self.session.selected, self.session.mask, self._compared
        if known and known[0] is selected and known[1] is mask:
            return
        self._errand.cancel()
        self._compared = (selected, mask)
        if 0 < selected.count < mask.count:
            self._compare()
        elif selected.count:
            self.show(None, "Everything shown is selected: there is nothing to compare it with.")
        else:
            self.show(None, "Select objects on a map to see what sets them apart from the rest.")

    def show(self, contrast: "Contrast | None", message: str = "") -> None:
        """Show a contrast; None shows only the message."""
        self._say(message)
        self._cancel.visible = False
        self._pane.object = "" if contrast is None else draw_contrast(contrast, self.session.store)
        self._exact.visible = contrast is not None and not contrast.is_exact

    def close(self) -> None:
        """Want no answer any more."""
        self._errand.cancel()

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the table under what is said of it."""
        head = pn.Row(self._status, self._exact, self._cancel, margin=0)
        return pn.Column(head, self._pane, sizing_mode="stretch_both", scroll="y-auto", margin=0)

    def _compare(self, is_exact: bool = False) -> None:
        selected, mask = self._compared or (self.session.selected, self.session.mask)
        population, store = self.session.shown_label, self.session.store

        def job(report: Report) -> "Contrast | None":
            from anomaly_explorer.engine.contrast.contrast import Sides, contrast

            return contrast(
                store, Sides(selected, mask, population), store.totals, is_exact, report
            )

        self._say(f"Comparing {selected.count:,} objects with the rest…")
        self._exact.visible, self._cancel.visible = False, is_exact
        self._errand.start(job, self._deliver)

    def _deliver(self, done: "Future[Any]") -> None:
        error = done.exception()
        if error is None:
            self.show(done.result())
        elif isinstance(error, ExplorerError):
            self.show(None, str(error))
        else:
            _LOG.error("a selection could not be compared", exc_info=error)
            self.show(None, "The selection could not be compared; the server's log says why.")

    def _stop(self) -> None:
        """Call the count back; what is on screen stays."""
        self._errand.cancel()
        self._say("Stopped; what is below is what was counted before.")
        self._cancel.visible, self._exact.visible = False, True

    def _tell(self, done: int, total: int) -> None:
        self._say(f"{done:,} of {total:,} objects counted…")
        self._cancel.visible = True

    def _say(self, message: str) -> None:
        self._status.object = f'<span class="muted">{escape(message)}</span>' if message else ""
        self._status.visible = bool(message)
