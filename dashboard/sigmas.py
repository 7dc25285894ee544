"""The calibrated score of one object in words: how surprising, by what, and how sure that is."""

from collections.abc import Mapping
from html import escape
from typing import Any

Facts = Mapping[str, Any]
NO_SIGMA = '<span class="muted">none: the tab Health of sigma says what was calibrated</span>'
_WORDS = {
    "misfit": "the whole spectrum is off",
    "latent": "latents in an empty place",
    "profile": "emission lines of two velocities",
    "line": "a narrow line where none is known",
    "modes": "a continuum out of shape",
    "gain": "an arm that is off",
    "sky": "residuals of the night sky",
    "fringe": "waves in an arm",
    "width_0": "one bin that is off",
}


def sigma_rows(facts: Facts) -> list[tuple[str, str]]:
    """Return label and HTML of what the card says of the calibrated score."""
    if not _is_number(facts.get("sigma_astro")):
        return [("sigma_astro", NO_SIGMA)]
    rows = [
        ("sigma_astro", f"<b>{facts['sigma_astro']:.2f} σ</b>{_extrapolated(facts)}"),
        ("sigma rank", _rank(facts)),
        ("p", _probability(facts.get("p_astro"))),
        ("instrument", _instrument(facts)),
        ("all", _sigma(facts.get("sigma_all"))),
        ("odd by", winner_words(facts)),
        ("S/N of a bin", _number(facts, "snr_bin", "{:.2f}")),
        ("noise B R Z", " ".join(_number(facts, f"noise_scale_{a}", "{:.2f}") for a in "brz")),
    ]
    if facts.get("is_measurer_member"):
        rows.append(("in training", '<span class="flag">yes: its sigma is too small</span>'))
    return rows


def winner_words(facts: Facts) -> str:
    """Return the least likely statistic in words; of bumps and lines where, of bumps how wide.

    >>> winner_words({"winning_statistic": "width_2", "bump_wavelength": 6562.9, "bump_width": 2.0})
    'bump or dip at 6562.9 Å, σ 2 bins (width_2)'
    """
    name = facts.get("winning_statistic")
    if not name:
        return "–"
    told = escape(str(name))
    if told == "line":
        return f"{_WORDS[told]}, at {_number(facts, 'line_wavelength', '{:.1f} Å')} ({told})"
    if not told.startswith("width_"):
        return f"{_WORDS.get(told, told)} ({told})"
    place = _number(facts, "bump_wavelength", "{:.1f} Å")
    width = facts.get("bump_width")
    size = "one bin" if width == 0 else f"σ {width:g} bins" if _is_number(width) else "–"
    return f"bump or dip at {place}, {size} ({told})"


def _rank(facts: Facts) -> str:
    rank = facts.get("sigma_rank")
    return f"{int(rank):,} of its population" if rank else "not ranked"


def _instrument(facts: Facts) -> str:
    name = facts.get("winning_instrument_statistic")
    by = f" by {escape(_WORDS.get(str(name), str(name)))} ({escape(str(name))})" if name else ""
    return f"{_sigma(facts.get('sigma_instrument'))}{by}"


def _extrapolated(facts: Facts) -> str:
    if not facts.get("is_extrapolated"):
        return ""
    title = "Fewer than three of the normals it was calibrated with are as odd"
    return f' <span class="flag" title="{title}">extrapolated</span>'


def _probability(value: Any) -> str:
    return f"{value:.2g}" if _is_number(value) else "–"


def _sigma(value: Any) -> str:
    return f"{value:.2f} σ" if _is_number(value) else "–"


def _number(facts: Facts, name: str, form: str) -> str:
    value = facts.get(name)
    return form.format(value) if _is_number(value) else "–"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and value == value
