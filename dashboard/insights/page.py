"""The page of findings: one card each, without a script, in the theme's colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from anomaly_explorer.dashboard.theme import DARK, LIGHT
from anomaly_explorer.engine.insights.run import FINDERS

from .chart import draw_chart, page_ink

# What a card is made of may come from a file that somebody else wrote.
_GARBLED = (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError)
_CSS = """
*{box-sizing:border-box;} body{margin:0;background:var(--background);color:var(--text);
font:14px/1.5 var(--sans);font-variant-numeric:tabular-nums;}
a{color:var(--accent);text-decoration:none;} a:hover{text-decoration:underline;}
header{display:flex;gap:14px;align-items:center;flex-wrap:wrap;padding:10px 18px;
background:var(--panel);border-bottom:1px solid var(--grid);position:sticky;top:0;z-index:2;}
h1{font-size:17px;margin:0;} header .space{flex:1;}
.chip{padding:0 8px;border-radius:9px;font-size:12px;line-height:19px;border:1px solid var(--grid);
color:var(--muted);white-space:nowrap;} .simulated{border-color:var(--warning);
color:var(--warning);font-weight:700;}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(560px,100%),1fr));gap:14px;
padding:14px 18px;max-width:2000px;margin:0 auto;align-items:start;}
.card{background:var(--panel);border:1px solid var(--grid);border-radius:8px;padding:14px 18px;
min-width:0;} h2{font-size:15px;margin:0 0 2px;} .who{color:var(--muted);font-size:12.5px;
margin:0 0 8px;} svg{width:100%;height:auto;display:block;max-height:400px;} p{margin:6px 0;}
.control{border-left:3px solid var(--accent);padding-left:10px;color:var(--text);}
.control b{color:var(--accent);font-weight:600;} .stale,.none{color:var(--warning);}
.banner{margin:14px 18px 0;padding:9px 14px;border:1px solid var(--warning);border-radius:8px;}
code{font-family:var(--mono);font-size:11.5px;background:var(--raised);border-radius:4px;
padding:2px 6px;user-select:all;overflow-wrap:anywhere;}
summary{cursor:pointer;color:var(--muted);font-size:12.5px;} .wide{overflow-x:auto;}
table{border-collapse:collapse;font-size:12px;margin-top:6px;} th{color:var(--muted);
font-weight:500;text-align:left;} th,td{padding:2px 10px 2px 0;border-bottom:1px solid var(--grid);
white-space:nowrap;} .made{color:var(--muted);font-size:12px;}
"""


@dataclass(frozen=True)
class PageFacts:
    """What the page says of the store.

    Parameters
    ----------
    store : str
        Its name.
    n_objects : int
    simulated : str
        What simulated it, in words; empty for observations.
    command : str
        What makes the findings.
    is_dark : bool
    """

    store: str
    n_objects: int
    simulated: str
    command: str
    is_dark: bool


def make_page(
    facts: PageFacts, insights: Mapping[str, Mapping[str, Any]], notice: str, is_stale: bool
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    facts : PageFacts
    insights : mapping
        By name, as they are kept.
    notice : str
        A sentence above the cards; empty = none.
    is_stale : bool
        Whether the findings are of another store than the one that is served.
    """
    palette = DARK if facts.is_dark else LIGHT
    other = "light" if facts.is_dark else "dark"
    chip = f'<span class="chip simulated">{escape(facts.simulated)}</span>'
    cards = "".join(_card(name, insights.get(name), facts.command, is_stale) for name in FINDERS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,"><title>Insights · DESI Anomaly Explorer</title>'
        f"<style>{palette.variables()}{_CSS}</style></head><body>"
        '<header><h1>Insights</h1><a href="./">to the map</a>'
        f"{chip if facts.simulated else ''}"
        f'<span class="chip">{escape(facts.store)} · {facts.n_objects:,} objects</span>'
        f'<span class="space"></span><a href="?theme={other}">{other}</a></header>'
        + (_banner(notice, facts.command) if notice else "")
        + f"<main>{cards}</main></body></html>"
    )


def _banner(notice: str, command: str) -> str:
    return (
        f'<p class="banner stale" role="status">{escape(notice)} <code>{escape(command)}</code></p>'
    )


def _card(name: str, insight: Mapping[str, Any] | None, command: str, is_stale: bool) -> str:
    title = FINDERS[name][0]
    again = f"{command} --cards {name}"
    if insight is None:
        body = (
            f"<h2>{escape(title)}</h2><p class='none'>Not made yet. This makes it:</p>"
            f"<p><code>{escape(again)}</code></p>"
        )
    else:
        try:
            body = _body(insight, is_stale)
        except _GARBLED:
            body = (
                f"<h2>{escape(title)}</h2><p class='none'>What is kept of this one cannot be read. "
                f"This makes it again:</p><p><code>{escape(again)}</code></p>"
            )
    return f'<section class="card" id="{name}">{body}</section>'


def _body(insight: Mapping[str, Any], is_stale: bool) -> str:
    figure = insight["figure"]
    sentences = "".join(f"<p>{escape(text)}</p>" for text in insight["sentences"])
    kind = "" if insight["is_measured"] else ' class="none"'
    stale = '<span class="chip stale">stale</span> ' if is_stale else ""
    return (
        f"<h2>{stale}{escape(insight['title'])}</h2>"
        f'<p class="who">{escape(insight["population"])}</p>'
        + (draw_chart(figure, page_ink, insight["title"]) if figure else "")
        + f"<div{kind}>{sentences}</div>"
        + f'<p class="control"><b>Control.</b> {escape(insight["control"])}</p>'
        + _table(insight["table"])
        + f'<p class="made">Made {escape(insight["made"])} in {float(insight["seconds"]):.0f} s '
        f"({_training(insight['n_training'])} training members of "
        f"{escape(insight['judge'])} among those looked at); again with<br>"
        f"<code>{escape(insight['command'])}</code></p>"
    )


def _training(n: Any) -> str:
    return "an unknown number of" if n is None else f"{int(n):,}"


def _table(table: Mapping[str, Any] | None) -> str:
    if not table or not table["rows"]:
        return ""
    head = "".join(f"<th>{escape(str(text))}</th>" for text in table["headings"])
    rows = "".join(
        "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
        for row in table["rows"]
    )
    return (
        f"<details><summary>{len(table['rows'])} lines of numbers</summary><div class='wide'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool | str):
        return escape(str(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
