"""Health of the calibrated score: whether its promises hold for the survey that is shown."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

import panel as pn

from anomaly_explorer.dashboard.theme import BASE_CSS
from anomaly_explorer.engine.calibration.check import describe
from anomaly_explorer.engine.scoring.tiers import least_fitted, why_no_gold

Said = Mapping[str, Any]
_CSS = """
.health{padding:4px 10px 12px;max-width:980px;} .health h4{margin:8px 0 2px;font-size:14px;}
.health p{margin:2px 0;} .verdict{font-weight:600;} .green{color:var(--good);}
.red{color:var(--bad);} .parts{display:flex;flex-wrap:wrap;gap:6px 34px;margin-top:6px;}
.part h5{margin:0 0 3px;font-size:11px;color:var(--muted);font-weight:600;}
table{border-collapse:collapse;font-size:12px;} td{padding:1px 10px 1px 0;}
td.n{text-align:right;font-variant-numeric:tabular-nums;}
.bars{display:flex;align-items:flex-end;gap:3px;height:74px;position:relative;
border-bottom:1px solid var(--grid);width:250px;}
.bars .bar{flex:1;background:var(--good);border-radius:2px 2px 0 0;min-height:1px;}
.bars .bar.red{background:var(--bad);}
.limit{position:absolute;left:0;right:0;border-top:1px dashed var(--muted);}
.ends{display:flex;justify-content:space-between;width:250px;font-size:11px;color:var(--muted);}
"""
# Height of the bars in shares of false alarms.
_TOP = 0.05


def draw_health(said: Said) -> str:
    """Return what a store's calibration is worth as HTML.

    Parameters
    ----------
    said : mapping
        `Manifest.calibration`; empty where the catalog was not calibrated.
    """
    if not said:
        return (
            '<div class="health"><p>This store has no calibrated score: run '
            "<code>anomaly-explorer calibrate CATALOG</code>, then build it again.</p></div>"
        )
    source = ", made of other objects (--from)" if said.get("from") else ""
    head = (
        f'<p class="muted">Calibration {escape(said["calibration_id"])}{source}: fitted to '
        f"{said['n_fitted']:,} normals; {said['n_scored']:,} objects have a sigma. "
        "Judged by normals that it was not fitted to.</p>"
    )
    gold = why_no_gold(least_fitted(said)) if said["n_scored"] else ""
    gold = f'<p class="muted">{escape(gold)}</p>' if gold else ""
    is_foreign = bool(said.get("from"))
    surveys = "".join(_survey(name, each, is_foreign) for name, each in said["surveys"].items())
    return f'<div class="health">{head}{gold}{surveys}</div>'


class TrustView(pn.viewable.Viewer):
    """The health card of a store."""

    def __init__(self, calibration: Said, **params: Any) -> None:
        super().__init__(**params)
        self._pane = pn.pane.HTML(
            draw_health(calibration), sizing_mode="stretch_width", margin=0,
            css_classes=["score-health"], stylesheets=[BASE_CSS + _CSS],
        )  # fmt: skip

    def __panel__(self) -> pn.viewable.Viewable:
        """Return the card."""
        return self._pane


def _survey(name: str, said: Said, is_foreign: bool) -> str:
    health = said["health"]
    verdict, words = _verdict(health, is_foreign)
    judged = f", judged by {health['n_judged']:,}" if health else ""
    population = escape(said["population"])
    lines = [
        f"<h4>{escape(name)} · {population} · {said['n_normals']:,} normals{judged}</h4>",
        f'<p class="verdict {verdict}">{words}</p>',
        *(f'<p class="red">{line}</p>' for line in _complaints(health)),
        *(f'<p class="muted">{line}</p>' for line in _left_out(said["classes"])),
    ]
    if health and health["checks"]:
        lines.append(f'<div class="parts">{"".join(_parts(health))}</div>')
    return "".join(lines)


def _verdict(health: Said | None, is_foreign: bool) -> tuple[str, str]:
    if health is None or health["is_healthy"] is None:
        return "muted", "Not judged: too few normals."
    if health["is_healthy"]:
        return "green", "✓ Healthy: sigmas mean what they say."
    cure = "calibrate on this survey itself" if is_foreign else "train a measurer on this survey"
    return "red", f"✕ Not healthy: do not trust these sigmas; {cure}."


def _complaints(health: Said | None) -> Iterator[str]:
    for check in (health or {}).get("checks", ()):
        if not check["is_green"]:
            yield f"Out of limits: {escape(describe(check))}"


def _left_out(classes: Mapping[str, Said]) -> Iterator[str]:
    for name, said in classes.items():
        if not said["is_calibrated"]:
            why = escape(said["why_not"])
            yield f"{escape(name)} has no sigma: {said['n_normals']:,} normals; {why}"


def _parts(health: Said) -> Iterator[str]:
    by_kind: dict[str, list[Said]] = {}
    for check in health["checks"]:
        by_kind.setdefault(check["kind"], []).append(check)
    if "false_positives" in by_kind:
        yield _part("False positives at nominal 1 %, by S/N", _bars(by_kind["false_positives"]))
    if "rho" in by_kind:
        yield _part("Spearman's rho of sigma_astro with S/N", _table(by_kind["rho"]))
    if "noise_scale" in by_kind:
        title = f"Noise over what ivar says, {health['noise_from']}"
        yield _part(title, _table(by_kind["noise_scale"]))


def _part(title: str, body: str) -> str:
    return f'<div class="part"><h5>{escape(title)}</h5>{body}</div>'


def _table(checks: list[Said]) -> str:
    rows = "".join(
        f'<tr><td>{escape(c["what"])}</td><td class="n {_color(c)}">'
        f'{c["value"]:.3f}</td><td class="muted">± {c["error"]:.3f}</td>'
        f'<td class="muted">{_limits(c)}</td></tr>'
        for c in checks
    )
    return f"<table>{rows}</table>"


def _color(check: Said) -> str:
    if check["low"] is None:
        return ""
    return "green" if check["is_green"] else "red"


def _limits(check: Said) -> str:
    if check["low"] is None:
        return "not judged: bins of a bright target differ by more than noise"
    return f"{check['low']:g} to {check['high']:g}"


def _bars(checks: list[Said]) -> str:
    """Return a bar for each decile of S/N, faint to bright, and where the limits are."""
    bars = "".join(
        f'<div class="bar{"" if c["is_green"] else " red"}" title="{escape(describe(c))}" '
        f'style="height:{100 * min(c["value"], _TOP) / _TOP:.0f}%"></div>'
        for c in checks
    )
    limits = "".join(
        f'<div class="limit" style="bottom:{100 * checks[0][name] / _TOP:.0f}%"></div>'
        for name in ("low", "high")
    )
    ends = '<div class="ends"><span>faint</span><span>limits 0.3–2.5 %</span><span>bright</span>'
    return f'<div class="bars">{bars}{limits}</div>{ends}</div>'
