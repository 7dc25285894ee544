"""The analysis note: a paragraph of plain words, every number of which leads somewhere.

It says what the model finds odd and where. It never says what the object is.
"""

from dataclasses import dataclass

from anomaly_explorer.engine.scan.measure import statistic_column
from anomaly_explorer.engine.spectra.grid import ARMS

from .evidence import Evidence
from .explanation import MEMBER, Explanation
from .feature import Feature
from .narrow_line import NarrowLine
from .near_line import NearLine
from .shares import Shares
from .twin import Twin
from .verdict import Verdict

# No note is longer, in characters.
MAX_LENGTH = 1600
# The largest of some 500 bins is rarely further out by noise alone.
LIKE_NOISE = 4.5
_CLASSES = {"GALAXY": "galaxy", "QSO": "quasar", "STAR": "star"}
_POPULATIONS = {
    "science": "science targets",
    "gated": "gated-out objects",
    "unknown": "objects of unknown status",
}
_WINNERS = {
    "misfit": "the misfit as a whole",
    "gain": "the level of an arm",
    "sky": "what is left of the night sky",
    "fringe": "waves in an arm",
    "width_0": "a bump or dip of one bin",
    "profile": "its emission lines, which two velocities explain better than one",
    "line": "a narrow line where none is known",
    "modes": "an error of many bins at once",
    "latent": "its place in latent space",
}
NOT_AT_HAND = (
    " What measured it is not at hand (name its file by --measurer): the rest of this note is the "
    "evidence for the compatible score, which takes noise for oddness."
)
CLAIM = "An anomaly is a claim about the model, not about the sky."


@dataclass(frozen=True)
class Segment:
    """A piece of a note.

    Parameters
    ----------
    text : str
    target : str
        Where it leads: ``wavelength:6731.2`` (Å, observed), ``column:score_mse`` (of the store),
        ``term:sky_lines`` (of `terms.TERMS`), ``object:39627…`` (a TARGETID); empty for nothing.
    """

    text: str
    target: str = ""


Parts = list[Segment]


def write_note(explanation: Explanation) -> tuple[Segment, ...]:
    """Return the note of an explanation, in pieces that follow each other without a gap.

    Every ASCII digit stands in a piece that leads somewhere.
    """
    found = explanation
    parts = _score(found)
    parts += _plain(" ") + (_no_verdict() if found.verdict is None else _verdict(found.verdict))
    if found.verdict is not None and not found.is_noise_aware:
        parts += _plain(NOT_AT_HAND)
    parts += _evidence(found)
    if found.twin is not None:
        parts += _twin(found.twin)
    member = {True: "was trained on this very object", False: "was not trained on this object"}
    if found.is_training_member is not None:
        parts.append(Segment(" The model "))
        column = f"column:{MEMBER[found.is_noise_aware]}"
        parts.append(Segment(member[found.is_training_member], column))
        parts += _plain(".")
    return tuple(parts + _plain(f" {CLAIM}"))


def plain_text(note: tuple[Segment, ...]) -> str:
    """Return a note as one text."""
    return "".join(segment.text for segment in note)


def _plain(text: str) -> Parts:
    return [Segment(text)]


def _at(wavelength: float) -> str:
    return f"wavelength:{wavelength:.1f}"


def _score(found: Explanation) -> Parts:
    kind = _CLASSES.get(found.spectype, "object")
    parts = _plain(f"This {'simulated ' if found.is_simulated else ''}{kind}")
    if found.redshift == found.redshift:
        parts += [*_plain(" at "), Segment(f"z {found.redshift:.4f}", "column:redshift")]
    if found.score != found.score:
        return [*parts, *_plain(" has "), Segment("no score", "column:score_mse"), *_plain(".")]
    parts += [*_plain(" has the "), Segment(f"score {found.score:.4g}", "column:score_mse")]
    population = _POPULATIONS.get(found.population, "objects")
    if not found.rank:
        return [*parts, *_plain(" and "), Segment("no rank", "column:score_rank"), *_plain(".")]
    among = f"rank {found.rank:,} of {found.n_ranked:,}" if found.n_ranked else f"{found.rank:,}"
    return [*parts, *_plain(", "), Segment(among, "column:score_rank"), *_plain(f" {population}.")]


def _no_verdict() -> Parts:
    return _plain(
        "There is no calibrated score of it: this note rests on the compatible score alone, "
        "which takes noise for oddness."
    )


def _verdict(verdict: Verdict) -> Parts:
    parts = [
        *_plain("Given its class and its noise it is at "),
        Segment(f"{verdict.sigma_astro:.2f} sigma", "column:sigma_astro"),
        *_plain(" (p "),
        Segment(f"{verdict.p_value:.2g}", "column:p_astro"),
    ]
    if verdict.is_extrapolated:
        parts += _plain(", an extrapolation")
    parts += [
        *_plain("), by what an instrument does at "),
        Segment(f"{verdict.sigma_instrument:.2f}", "column:sigma_instrument"),
    ]
    if verdict.instrument_winner:
        parts += [*_plain(", for "), *_winner(verdict.instrument_winner)]
    if verdict.winner:
        parts += [*_plain("; least likely is "), *_winner(verdict.winner)]
        if verdict.wavelength == verdict.wavelength:
            at = verdict.wavelength
            parts += [*_plain(" at "), Segment(f"{at:.0f} Å", _at(at))]
    return [*parts, *_plain(".")]


def _winner(name: str) -> Parts:
    what, column = _WINNERS.get(name, "a bump or dip"), f"column:{statistic_column(name)}"
    return [*_plain(f"{what} ("), Segment(name, column), *_plain(")")]


def _evidence(found: Explanation) -> Parts:
    evidence, parts = found.evidence, []
    if evidence.feature is not None:
        parts += _feature(evidence.feature, found)
        parts += _surroundings(evidence.feature, evidence)
    if found.narrow_line is not None:
        parts += _narrow(found.narrow_line, found.verdict)
    if evidence.shares is not None:
        parts += _shares(evidence.shares, "misfit" if found.is_noise_aware else "score")
    return parts


def _lead(found: Explanation) -> str:
    """Say what a feature is: a line that has won is looked at in its bin, odd there or not."""
    if found.is_noise_aware and found.verdict is not None and found.verdict.winner == "line":
        return " In the bins of the model that is "
    return " What stands out most from the model is "


def _feature(feature: Feature, found: Explanation) -> Parts:
    way = "excess" if feature.is_excess else "deficit"
    at = _at(feature.wavelength)
    parts = [
        *_plain(_lead(found)),
        *_plain(f"{'an' if feature.is_excess else 'a'} {way} of flux at "),
        Segment(f"{feature.wavelength:.1f} Å", at),
    ]
    if found.redshift > -1:
        rest = feature.wavelength / (1 + found.redshift)
        parts += [*_plain(" ("), Segment(f"{rest:.1f} Å at rest", at), *_plain(")")]
    bins = f"{feature.width_bins:.3g} bin{'' if feature.width_bins == 1 else 's'}"
    width = f"{bins}, {feature.width_angstrom:.0f} Å or {feature.width_kms:,.0f} km/s"
    parts += [*_plain(", "), Segment(width, "term:width"), *_plain(" wide")]
    if feature.height == feature.height:
        height = f"{feature.height:.3g} × the median flux"
        depth = " high" if feature.is_excess else " deep"
        parts += [*_plain(", "), Segment(height, "term:height"), *_plain(depth)]
    if feature.significance == feature.significance:
        times = f"{feature.significance:.3g} times its noise"
        parts += [*_plain(", "), Segment(times, "term:significance")]
        if feature.significance < LIKE_NOISE:
            parts += _plain(" and so perhaps nothing else")
    return parts


def _surroundings(feature: Feature, evidence: Evidence) -> Parts:
    parts = []
    if evidence.air:
        parts += [*_plain(", on the "), Segment(evidence.air, _at(feature.wavelength))]
    if evidence.line is not None:
        parts += _line(evidence.line)
    return [*parts, *_plain(".")]


def _line(near: NearLine) -> Parts:
    return [*_plain("; it lies "), *_off(near), *_plain(", the nearest line of the list")]


def _off(near: NearLine) -> Parts:
    way = "redward" if near.offset_kms > 0 else "blueward"
    return [
        Segment(f"{abs(near.offset_kms):,.0f} km/s", "term:offset"),
        *_plain(f" {way} of "),
        Segment(near.line.name, _at(near.observed_wavelength)),
    ]


def _narrow(line: NarrowLine, verdict: Verdict | None) -> Parts:
    """Say how strong the narrow line is, and where unless the verdict has just said so."""
    parts = _plain(" On its pixels ")
    if verdict is not None and verdict.winner == "line" and verdict.wavelength == line.wavelength:
        parts += _plain("that line is ")
    else:
        at = Segment(f"{line.wavelength:.0f} Å", _at(line.wavelength))
        parts += [*_plain("the strongest narrow line where none is known is at "), at]
        parts += _plain(", ")
    parts.append(Segment(f"{line.significance:.3g} times its noise", "column:statistic_line"))
    return parts + ([*_plain(", "), *_off(line.near)] if line.near else []) + _plain(".")


def _shares(shares: Shares, what: str) -> Parts:
    ordered = sorted(ARMS, key=lambda arm: -shares.arms[arm])
    parts = _plain(f" Of the {what} ")
    for number, arm in enumerate(ordered):
        between = ("", ", ", " and ")[number]
        parts += _plain(between)
        parts.append(Segment(f"{shares.arms[arm]:.0%} is in band {arm.value.upper()}"
                             if not number else f"{shares.arms[arm]:.0%} in {arm.value.upper()}",
                             "term:arm_share"))  # fmt: skip
    return [
        *parts,
        *_plain("; "),
        Segment(f"{shares.sky_lines:.0%}", "term:sky_lines"),
        *_plain(" is on bright lines of the night sky and "),
        Segment(f"{shares.telluric:.0%}", "term:telluric"),
        *_plain(" in telluric bands, which together have "),
        Segment(f"{shares.bins_on_air:.0%}", "term:bins_on_air"),
        *_plain(" of the bins."),
    ]


def _twin(twin: Twin) -> Parts:
    return [
        *_plain(" Its normal twin, nearest of its class and in no tier, is "),
        Segment(str(twin.target_id), f"object:{twin.target_id}"),
        *_plain(" at "),
        Segment(f"distance {twin.distance:.3g}", "term:distance"),
        *_plain("."),
    ]
