"""A page of objects as text cells in the browser, and how each column is written there."""

import math
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

from anomaly_explorer.engine.catalog.store import Store

LABELS = {
    "sigma_rank": "Sigma rank",
    "score_rank": "Score rank",
    "target_id": "TARGETID",
    "sigma_astro": "Sigma",
    "winning_statistic": "Odd by",
    "score_mse": "Score",
    "score_percentile": "Percentile",
    "worst_arm": "Band",
    "arm_residual_b": "rB",
    "arm_residual_r": "rR",
    "arm_residual_z": "rZ",
    "snr": "S/N",
    "redshift": "z",
    "spectype": "Class",
    "population": "Population",
    "survey": "Survey",
    "injected_type": "Injected (simulated)",
    "peak_wavelength": "Peak Å",
    "ra_deg": "RA °",
    "dec_deg": "Dec °",
}
TEXT = frozenset(
    {"target_id", "worst_arm", "spectype", "population", "survey", "winning_statistic",
     "injected_type"}
)  # fmt: skip
GRID_CSS = """
:host{display:block;height:100%;} .table{height:100%;display:flex;flex-direction:column;}
.scroll{overflow:auto;flex:1 1 auto;min-height:0;}
table{border-collapse:collapse;width:100%;font-size:12px;}
th{position:sticky;top:0;background:var(--panel);border-bottom:1px solid var(--grid);padding:0;
z-index:1;} th button{all:unset;display:block;box-sizing:border-box;width:100%;cursor:pointer;
padding:5px 9px;color:var(--muted);font-weight:500;white-space:nowrap;text-align:inherit;}
th button:hover,th button.sorted{color:var(--text);} th button:focus-visible{outline:1px solid
var(--accent);} td{padding:3px 9px;white-space:nowrap;border-bottom:1px solid var(--grid);}
.right{text-align:right;} .left{text-align:left;} td[data-column=target_id]{font-family:
var(--mono);} tbody tr{cursor:pointer;} tbody tr:hover td{background:var(--raised);}
tbody tr.focus td{background:var(--raised);box-shadow:inset 0 1px var(--accent),inset 0 -1px
var(--accent);} tr:focus-visible{outline:1px solid var(--accent);outline-offset:-1px;}
.pager{display:flex;align-items:center;gap:6px;padding:4px 8px;color:var(--muted);
font-size:12px;flex:none;} .pager button{all:unset;cursor:pointer;padding:0 9px;line-height:22px;
border:1px solid var(--grid);border-radius:5px;color:var(--text);}
.pager button:disabled{opacity:.35;cursor:default;} .caption{margin-left:6px;}
"""


def format_cell(name: str, value: Any) -> str:
    """Return the text of a cell: ids in full, numbers to four digits, nothing for null and NaN.

    >>> format_cell("target_id", 4611686018427387905), format_cell("redshift", 0.5)
    ('4611686018427387905', '0.5000')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if name in ("redshift", "arm_residual_b", "arm_residual_r", "arm_residual_z"):
        return f"{value:.4f}"
    if name in ("ra_deg", "dec_deg"):
        return f"{value:.5f}"
    if name == "peak_wavelength":
        return f"{value:.1f}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def describe_columns(store: Store, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Return name, label, meaning with unit, and alignment of each column."""
    described = []
    for name in names:
        column = store.describe(name)
        meaning, unit = column.meaning, f" [{column.unit}]" if column.unit else ""
        align = "left" if name in TEXT else "right"
        described.append({"name": name, "label": LABELS[name], "meaning": meaning + unit,
                          "align": align})  # fmt: skip
    return described


def shown_columns(store: Store) -> tuple[str, ...]:
    """Return the columns a table of a store's objects has.

    What is simulated, and what is calibrated, only where it is.
    """
    known = set(store.column_names)
    hidden = set() if store.manifest.made else {"injected_type"}
    if not store.manifest.has_sigma:
        hidden |= {"sigma_rank", "sigma_astro", "winning_statistic"}
    return tuple(name for name in LABELS if name in known - hidden)


class TableGrid(JSComponent):
    """One page of text cells in the browser; tells the server what was clicked."""

    columns = param.List(doc="Name, label, meaning and alignment of each column.")
    records = param.List(doc="Row number and cells of each line of the page.")
    sort_by = param.String(doc="Column the page is sorted by.")
    is_descending = param.Boolean(doc="Whether the largest comes first.")
    page = param.Integer(doc="Page, from 0.")
    n_pages = param.Integer(doc="Number of pages.")
    caption = param.String(doc="What the table counts.")
    focus = param.Integer(default=None, allow_None=True, doc="Store row in focus.")
    version = param.Integer(doc="Counts the pages sent, so that each is drawn once.")

    _esm = Path(__file__).parent / "grid.js"

    def __init__(self, on_message: Any, **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, message: Any) -> None:
        self._on_message(message)
