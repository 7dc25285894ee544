"""The object card: everything the catalog says of the object in focus, and where to look next."""

from collections.abc import Mapping
from html import escape
from typing import Any

import panel as pn

from anomaly_explorer.dashboard.links import links_of
from anomaly_explorer.dashboard.position import sexagesimal
from anomaly_explorer.dashboard.sigmas import sigma_rows
from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.scoring.gate import GATED
from anomaly_explorer.engine.scoring.tiers import TIERS
from anomaly_explorer.engine.spectra.bits import (
    FIBER_STATUS_BITS,
    REDSHIFT_WARNING_BITS,
    bit_names,
)

Facts = Mapping[str, Any]
NOTHING = '<span class="muted">—</span>'
_POPULATIONS = {"science": "science targets", "gated": "gated-out fibers", "unknown": "unknown"}
# Bokeh keeps a style that is no longer named, and Panel makes what is in a pane visible.
_SEEN, _UNSEEN = {"opacity": "1"}, {"opacity": "0"}
_CSS = """
.card{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:4px 28px;}
.card section{break-inside:avoid;} .card h4{font-size:10.5px;letter-spacing:.07em;margin:8px 0 3px;
text-transform:uppercase;color:var(--muted);font-weight:600;}
dl{display:grid;grid-template-columns:minmax(82px,auto) 1fr;gap:1px 12px;margin:0;}
dt{color:var(--muted);} dd{margin:0;overflow-wrap:anywhere;}
.copy{font-family:var(--mono);font-size:12px;user-select:all;-webkit-user-select:all;}
.flag{color:var(--warning);} .links{margin-top:10px;display:flex;flex-wrap:wrap;gap:2px 14px;}
.tier{border-color:var(--accent);color:var(--accent);margin-right:4px;}
"""


def draw_facts(facts: Facts, n_ranked: int | None = None) -> str:
    """Return the card as HTML; every text that may come from a file is escaped.

    Parameters
    ----------
    facts : mapping
        A decoded store record under the names of `engine.catalog.schema`, with `score_rank`,
        `score_percentile` and `tier_bits` as the store derives them; null shows as a dash.
    n_ranked : int, optional
        How many objects of this object's population are ranked: the manifest says it.
    """
    sections = (
        ("Object", _object_rows(facts)),
        ("Score", _score_rows(facts, n_ranked)),
        ("Calibrated score", sigma_rows(facts)),
        ("Redshift", _redshift_rows(facts)),
        ("Provenance", _provenance_rows(facts)),
    )
    body = "".join(
        f"<section><h4>{title}</h4><dl>"
        + "".join(f"<dt>{label}</dt><dd>{value}</dd>" for label, value in rows)
        + "</dl></section>"
        for title, rows in sections
    )
    return f'<div class="card">{body}</div>{_links_html(facts)}'


class FactsView(pn.viewable.Viewer):
    """Show the card of one object, or nothing."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._pane = pn.pane.HTML(
            "", css_classes=["object-facts"], sizing_mode="stretch_width", margin=(4, 8),
            stylesheets=[BASE_CSS + _CSS],
        )  # fmt: skip

    def show(self, facts: Facts | None, n_ranked: int | None = None) -> None:
        """Show the facts of one object; None empties the card."""
        html = "" if facts is None else draw_facts(facts, n_ranked)
        self._pane.param.update(object=html, styles=_SEEN)

    def veil(self) -> None:
        """Hide what is shown, of an object before; its place is kept, as nothing has to move."""
        self._pane.styles = _UNSEEN

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane


def _object_rows(facts: Facts) -> list[tuple[str, str]]:
    target = escape(str(facts.get("target_id", "")))
    survey = "/".join(str(facts[k]) for k in ("survey", "desi_survey", "program") if facts.get(k))
    return [
        ("target id", f'<span class="copy" title="click to select">{target}</span>'),
        ("survey", escape(survey) or NOTHING),
        ("healpix", _text(facts, "healpix")),
        ("position", _position_html(facts)),
        ("class", escape(" ".join(_words(facts, "spectype", "subtype"))) or NOTHING),
        ("population", _population_html(facts)),
        ("fiber", _fiber_html(facts)),
        ("coverage", _number(facts, "coverage", "{:.1%}")),
    ]


def _score_rows(facts: Facts, n_ranked: int | None) -> list[tuple[str, str]]:
    arms = " ".join(_number(facts, f"arm_residual_{arm}", "{:.3f}") for arm in "brz")
    snr = " ".join(_number(facts, f"snr_{arm}", "{:.2f}") for arm in "brz")
    return [
        ("score_mse", f"<b>{_number(facts, 'score_mse', '{:.5g}')}</b>"),
        ("rank", _rank_html(facts, n_ranked)),
        ("tiers", _tiers_html(facts)),
        ("score_sum", _number(facts, "score_sum", "{:.5g}")),
        ("rB rR rZ", f'<span class="mono">{arms}</span>'),
        ("worst arm", _text(facts, "worst_arm")),
        ("peak", _number(facts, "peak_wavelength", "{:.1f} Å")),
        ("S/N B R Z", f'<span class="mono">{snr}</span>'),
    ]


def _redshift_rows(facts: Facts) -> list[tuple[str, str]]:
    error = _number(facts, "redshift_error", " ± {:.1g}") if facts.get("redshift_error") else ""
    return [
        ("redshift", _number(facts, "redshift", "{:.5f}") + error),
        ("ZWARN", _warning_html(facts)),
        ("Δχ²", _number(facts, "deltachi2", "{:.4g}")),
    ]


def _provenance_rows(facts: Facts) -> list[tuple[str, str]]:
    member = facts.get("is_training_member")
    trained = {True: '<span class="flag">yes, the model has seen it</span>', False: "no"}
    rows = [
        ("model", f'<span class="copy">{_text(facts, "model_id")}</span>'),
        ("in training", NOTHING if member is None else trained[bool(member)]),
        ("measurer", f'<span class="copy">{_text(facts, "measurer_id")}</span>'),
        ("file", f'<span class="mono">{_text(facts, "source_file")}</span>'),
        ("row in file", _text(facts, "row_in_file")),
    ]
    if facts.get("is_simulated"):
        injected = facts.get("injected_type")
        unknown = "none" if injected == "" else "unknown"
        rows.insert(0, ("injected", escape(str(injected)) if injected else unknown))
    return rows


def _position_html(facts: Facts) -> str:
    ra, dec = facts.get("ra_deg"), facts.get("dec_deg")
    if not (_is_number(ra) and _is_number(dec) and -90 <= dec <= 90):
        return NOTHING
    return (
        f'<span class="copy">{ra:.6f} {dec:+.6f}</span><br>'
        f'<span class="copy">{sexagesimal(ra, dec)}</span>'
    )


def _population_html(facts: Facts) -> str:
    population = facts.get("population")
    if not population:
        return NOTHING
    name = escape(_POPULATIONS.get(str(population), str(population)))
    reason = facts.get("gate_reason")
    css = "" if population == "science" else ' class="flag"'
    detail = f' <span class="muted">({escape(str(reason))})</span>' if reason else ""
    return f"<span{css}>{name}</span>{detail}"


def _fiber_html(facts: Facts) -> str:
    status = facts.get("fiber_status")
    if status is None or int(status) < 0:
        return NOTHING
    # The SDSS reader keeps the ZWARNING bits of a bad fiber there: `engine.spectra.sdss`.
    is_sdss = facts.get("survey") == "SDSS"
    names = bit_names(int(status), REDSHIFT_WARNING_BITS if is_sdss else FIBER_STATUS_BITS)
    return f'<span class="flag">{escape(", ".join(names))}</span>' if names else "good"


def _warning_html(facts: Facts) -> str:
    warning = facts.get("redshift_warning")
    if warning is None:
        return NOTHING
    if int(warning) < 0:
        return "no redshift file"
    names = bit_names(int(warning), REDSHIFT_WARNING_BITS)
    shown = escape(", ".join(names))
    return f'<span class="flag">{int(warning)}: {shown}</span>' if names else "0, none"


def _rank_html(facts: Facts, n_ranked: int | None) -> str:
    rank = facts.get("score_rank")
    if not rank:
        return '<span class="muted">not ranked</span>'
    population = escape(_POPULATIONS.get(str(facts.get("population")), "objects"))
    among = f"of {n_ranked:,} {population}" if n_ranked else f"among {population}"
    percentile = _number(facts, "score_percentile", "{:.6g}")
    return f'{int(rank):,} {among} <span class="muted">(percentile {percentile})</span>'


def _tiers_html(facts: Facts) -> str:
    bits = facts.get("tier_bits")
    if bits is None:
        return NOTHING
    chips = (
        f'<span class="chip tier" title="{escape(tier.rule)}">{escape(tier.label)}</span>'
        for i, tier in enumerate(TIERS)
        if int(bits) >> i & 1
    )
    told = "".join(chips)
    if told and facts.get("population") == GATED:
        return f'{told} <span class="muted">as published; gated, so in no tier by default</span>'
    return told or "none"


def _links_html(facts: Facts) -> str:
    if facts.get("is_simulated"):
        return '<div class="links muted">simulated: no sky counterpart</div>'
    anchors = (
        f'<a href="{escape(url)}" target="_blank" rel="noopener">{escape(label)} ↗</a>'
        for label, url in links_of(facts)
    )
    return f'<div class="links">{"".join(anchors)}</div>'


def _text(facts: Facts, name: str) -> str:
    value = facts.get(name)
    return NOTHING if value is None or value == "" else escape(str(value))


def _words(facts: Facts, *names: str) -> list[str]:
    return [str(facts[name]) for name in names if facts.get(name)]


def _number(facts: Facts, name: str, form: str) -> str:
    value = facts.get(name)
    return form.format(value) if _is_number(value) else NOTHING


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value
