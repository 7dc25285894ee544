"""HTML of the lines around a spectrum: title, scores, key, arm residuals, notes.

Every text that may come from a file is escaped here; nothing else writes these panes.
"""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from anomaly_explorer.engine.spectra.grid import ARMS

from .words import POPULATION_LABELS

if TYPE_CHECKING:
    from anomaly_explorer.engine.model.inspection import Inspection

BADGE_CSS = """
.scores{display:flex;flex-wrap:wrap;align-items:center;gap:2px 14px;margin:3px 0;}
.title{font-size:15px;font-weight:600;letter-spacing:-.01em;} .title .mono{font-size:14px;}
.title .chip{margin-left:6px;font-weight:500;vertical-align:1px;}
.score b{font-family:var(--mono);font-weight:600;} .score{white-space:nowrap;}
.agree{color:var(--good);white-space:nowrap;}
.mismatch{background:var(--bad);color:#fff;font-weight:700;padding:1px 8px;border-radius:4px;}
.note{color:var(--warning);font-size:12px;} .note::before{content:"! ";font-weight:700;}
.key{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:11px;color:var(--muted);}
.key i{display:inline-block;width:14px;height:3px;margin-right:5px;vertical-align:3px;}
.key i.band{height:9px;vertical-align:-1px;opacity:.35;}
.key i.hatch{height:9px;vertical-align:-1px;opacity:.7;background:repeating-linear-gradient(
135deg,var(--muted) 0 1px,transparent 1px 3px);}
.bars{display:grid;grid-template-columns:auto 1fr auto auto 1fr auto auto 1fr auto;gap:0 8px;
align-items:center;font-size:12px;max-width:620px;}
.bars .track{height:6px;border-radius:3px;background:var(--raised);overflow:hidden;}
.bars .fill{height:100%;border-radius:3px;} .bars .value{margin-right:10px;}
.bars .worst{font-weight:700;color:var(--text);} .message{color:var(--muted);padding:4px 0;}
"""
_NO_CURVES: Mapping[str, str] = {}
_MUTED_SEPARATOR = '<span class="muted"> · </span>'


def heading_html(inspection: "Inspection | None", device: str, message: str) -> str:
    """Return what stands above the figure: title, both scores, message and notes.

    One text: each pane of a page costs a message and a layout when it changes.
    """
    parts = {"spectrum-message": message_html(message)}
    if inspection is not None:
        agreement = inspection.agreement
        parts["spectrum-title"] = title_html(inspection.facts)
        parts["scores"] = _blocks({
            "score-catalog": score_html("score_mse catalog", agreement.catalog),
            "score-recomputed": score_html(f"recomputed on {device}", agreement.recomputed),
            "score-agreement": agreement_html(agreement),
        })  # fmt: skip
        parts["spectrum-notes"] = notes_html(inspection.notes)
    order = ("spectrum-title", "scores", "spectrum-message", "spectrum-notes")
    return _blocks({name: parts.get(name, "") for name in order})


def _blocks(parts: Mapping[str, str]) -> str:
    return "".join(f'<div class="{name}">{html}</div>' for name, html in parts.items() if html)


def title_html(facts: dict[str, Any]) -> str:
    """Return the headline: target, class, redshift, and *simulated* where it is so."""
    parts = [f'Target <span class="mono">{escape(str(facts.get("target_id", "unknown")))}</span>']
    spectype = facts.get("spectype")
    if spectype:
        parts.append(escape(str(spectype)))
    redshift = facts.get("redshift")
    if is_number(redshift):
        parts.append(f"z = {float(redshift):.4f}")
    chips = ""
    if facts.get("is_simulated"):
        injected = facts.get("injected_type")
        what = f": {escape(str(injected))}" if injected else ""
        chips += f'<span class="chip simulated">simulated{what}</span>'
    population = facts.get("population")
    if population and population != "science":
        reason = facts.get("gate_reason")
        why = f": {escape(str(reason))}" if reason else ""
        name = escape(POPULATION_LABELS.get(population, str(population)))
        chips += f'<span class="chip">{name}{why}</span>'
    return f'<div class="title">{_MUTED_SEPARATOR.join(parts)}{chips}</div>'


def score_html(label: str, value: float) -> str:
    """Return one labelled score; ``data-value`` carries the float exactly."""
    text = f"{value:.6g}" if value == value else "none"
    return (
        f'<div class="score" data-value="{escape(repr(float(value)))}">'
        f'<span class="muted">{escape(label)}</span> <b>{text}</b></div>'
    )


def agreement_html(agreement: Any) -> str:
    """Return whether catalog and recomputed score agree: calm if so, loud if not."""
    difference = float(agreement.relative_difference)
    if difference != difference:
        return '<div class="note">cannot compare: one of the two scores is missing</div>'
    detail = f"Δ {difference:.0e}, tolerance {float(agreement.tolerance):.0e}"
    if agreement.agrees:
        css, text = "agree", f"✓ agree ({detail})"
    else:
        css, text = (
            "mismatch",
            f"scores differ ({detail}): not the spectrum or model of the catalog",
        )
    return f'<div class="{css}" data-value="{escape(repr(difference))}">{text}</div>'


def arm_bars_html(inspection: "Inspection") -> str:
    """Return a small bar for the mean |residual| of each arm, the worst in bold."""
    residuals = {arm: float(inspection.arm_residuals.get(arm, float("nan"))) for arm in ARMS}
    largest = max((value for value in residuals.values() if value == value), default=0.0) or 1.0
    cells = []
    for arm, value in residuals.items():
        name = {"b": "blue-arm", "r": "red-arm", "z": "nir-arm"}[arm.value]
        worst = " worst" if arm is inspection.worst_arm else ""
        share = 100 * value / largest if value == value else 0.0
        text = f"{value:.3f}" if value == value else "no data"
        cells.append(
            f'<span class="muted{worst}" title="mean |residual| of the {arm.value} arm">'
            f"r{arm.value.upper()}</span>"
            f'<div class="track"><div class="fill" style="width:{share:.1f}%;'
            f'background:var(--{name})"></div></div>'
            f'<span class="mono value" data-value="{value!r}">{text}</span>'
        )
    return f'<div class="bars">{"".join(cells)}</div>'


def key_html(smoothing: float, bin_width: float, curves: Mapping[str, str] = _NO_CURVES) -> str:
    """Return what the colours of the figure mean; curves laid over it are label -> property."""
    swatches = "".join(
        f'<span><i style="background:var(--{name})"></i>{escape(label)}</span>'
        for name, label in (
            ("blue-arm", "B"),
            ("red-arm", "R"),
            ("nir-arm", f"Z flux, smoothed σ = {smoothing:g} px (raw faint)"),
            ("reconstruction", f"reconstruction in its {bin_width:g} Å bins"),
            *((name, label) for label, name in curves.items()),
        )
    )
    band = '<span><i class="band" style="background:var(--noise)"></i>±1σ</span>'
    return f'<div class="key">{swatches}{band}<span><i class="hatch"></i>masked</span></div>'


def notes_html(notes: tuple[str, ...]) -> str:
    """Return the warnings of an inspection, one line each; empty without any."""
    return "".join(f'<div class="note">{escape(note)}</div>' for note in notes)


def message_html(message: str) -> str:
    """Return a quiet message in place of a spectrum."""
    return f'<div class="message">{escape(message)}</div>' if message else ""


def is_number(value: Any) -> bool:
    """Return whether a fact is a number that means something (not None, NaN or text)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
