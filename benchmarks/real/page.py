"""docs/real-data.md: what the score says of real spectra, in tables and sentences."""

from collections.abc import Sequence

import numpy as np

from anomaly_explorer.engine.benchmark.separation import percentiles
from anomaly_explorer.engine.spectra.grid import ARMS
from benchmarks.prose import wrapped

from .brief import brief
from .findings import (
    FOUND_AT,
    compare,
    compatible_rho,
    drifts,
    kinds_of,
    marked_of,
    order_of,
    reason_of,
    separations,
)
from .scoring import Scored
from .sections import companions, head, limits, short_name
from .unexpected import section

_N_TOP = 8
# Seen by eye in the pictures.
_SEEN = {
    "SDSS/BOSS": "A Seyfert galaxy whose narrow lines outshine it (Mrk 477), a quasar with broad "
    "absorption, an ultraluminous infrared galaxy with a quasar's lines, a late M giant; then "
    "quasars beyond z 3.8, of which the survey has few.",
    "LAMOST": "Mostly faults of the data and not stars: a step where the arms meet (near 6,000 Å), "
    "a hump at 7,200 Å, a red end that runs away beyond 9,000 Å; and M dwarfs.",
    "DESI": "No file says a class of the first eight, so no lines are taken out. Number 4 is a "
    "quasar with Lyα near 6,000 Å, number 8 one at z 0.475 (Mg II, Hβ, Hα), number 1 a galaxy with "
    "emission lines; numbers 0, 2 and 10 have next to no light and a blue arm below zero, which is "
    "a fault and no object.",
    "OzDES": "A supernova of type II with its broad line of Hα, supernovae of type Ia that "
    "outshine their hosts, a red end that falls off.",
    "supernovae": "Late phases, weeks to a year after maximum, whose lines are strongest.",
    "STELIB": "Wolf-Rayet stars, and cool giants and supergiants, which the network knows least.",
    "CALSPEC": "Two M dwarfs, a hot subdwarf and a T dwarf among hot standards; two K giants for "
    "something narrow at 3,664 Å, near the blue end.",
}
_WHY = (
    "Wolf-Rayet stars, whose lines are broad and strong, all rise, and so do quasars with broad "
    "absorption. In four of the emitters of coronal lines a narrow line is what is farthest out, "
    "and these stand in the upper half of their class, not at its top: their iron is weak, the "
    "strong lines, which others have too, are taken out as known ones, and one odd statistic of "
    "many is what the others here have as well. By narrow lines alone they stand higher: see below."
)


def write_page(all_scored: Sequence[Scored]) -> str:
    """Return the page in Markdown."""
    return wrapped("\n\n".join([
        head(all_scored), brief(all_scored), _drift(all_scored), _choices(all_scored),
        _oddities(all_scored), section(all_scored[0]),
        companions(all_scored[0]), _kinds(all_scored), _tops(all_scored), _compatible(all_scored),
        limits(all_scored),
    ]))  # fmt: skip


def _drift(all_scored: Sequence[Scored]) -> str:
    lines = ["| survey | class | spectra | `sigma_astro` | `sigma_instrument` | true over stated "
             "noise of a bin: blue, red, NIR |", "|---" * 6 + "|"]  # fmt: skip
    for scored in all_scored:
        scales = scored.survey.scales
        noise = ", ".join(f"{scales[arm]:.2f}" for arm in ARMS)
        for drift in drifts(scored):
            lines.append(
                f"| {scored.survey.collection.name} | {drift.name} | {drift.n} | "
                f"{100 * drift.astro:.0f} % | {100 * drift.instrument:.0f} % | {noise} |"
            )
    table = "\n".join(lines)
    return f"""## Drift: what the simulated survey's calibration would say

Nominal is 1 %. The share of real spectra that the calibration of the simulated survey calls as
rare as that (supernovae and OzDES apart, nearly all are ordinary; only those with class and
redshift):

{table}

![p-values of real spectra by the calibration of the simulated survey](images/real-drift.svg)

So a calibration must not cross from one survey to another, and least of all from a simulated
one. The quasars of DESI, which the simulator imitates, are the exception, and they are eight.
Of a library the noise was taken from the pixels, so its scale is 1 by construction. In SDSS's
blue arm the forest of Lyman α counts as noise: 1.33 is an upper limit."""


def _choices(all_scored: Sequence[Scored]) -> str:
    kinds = list(all_scored[0].taken.planted)
    lines = ["| survey | model | misfit | ρ with S/N | " + " | ".join(kinds) + " |",
             "|---" * (4 + len(kinds)) + "|"]  # fmt: skip
    for scored in all_scored:
        for name, choice in scored.choices.items():
            found = compare(choice)
            cells = [f"{found.planted[k][0]:.2f} ± {found.planted[k][1]:.2f}, "
                     f"{100 * found.planted[k][2]:.0f} %" if k in found.planted else "–"
                     for k in kinds]  # fmt: skip
            bold = "**" if name == scored.name_taken else ""
            lines.append(
                f"| {scored.survey.collection.name} | {bold}{name}{bold} | "
                f"{found.misfit:.2f} | {found.rho:+.2f} | {' | '.join(cells)} |"
            )
    table = "\n".join(lines)
    return f"""## Which model

Four ways to a model of a survey, each judged by spectra it has not seen (five folds):

- *simulated, as it is*: trained and given its modes on simulated spectra, noise as stated;
- *simulated, refitted*: noise scaled by what the survey's pixels say, and the modes of the
  model's error fitted to four fifths of the survey; of a class with fewer than 20 the simulated
  modes stay;
- *simulated, trained on*: the same network trained on with four fifths of the survey, without
  modes;
- *its own alone*: a network that saw four fifths of the survey and nothing else, without modes.

Truth is planted: a line of 30 Å at 12 σ of the noise, a dip of 180 Å at 30 σ, and in galaxies
the light of a supernova (superfit) with half and with twice the light of the galaxy. Each cell:
how often `sigma_all` ranks a spectrum with the plant above one without (AUC), and the share of
plants found at p ≤ {FOUND_AT}. They are planted in bins: what is looked for on pixels does not see
them. Misfit is the mean square of the residuals in their deviations,
1 where noise and model are understood.

{table}

Taken (bold) is that of the two middle ones which ranks the plants higher (the same plants, so its
figures flatter it a little): the first knows too little of a survey, and the last nothing that two
hundred spectra do not show. Refitting takes the misfit down, in most surveys to about 1 or below.
Training on helps where a survey is unlike the simulated one in its continua (quasars and galaxies
of SDSS) and less than modes do for LAMOST's stars. Nothing finds a narrow line at 12 σ of the
noise well: in bright spectra the model is off by as much in some bin or other, and the ranks say
so."""


def _oddities(all_scored: Sequence[Scored]) -> str:
    lines = ["| spectrum | known as | among | p | percentile | by compatible | farthest out |",
             "|---" * 7 + "|"]  # fmt: skip
    for scored in all_scored:
        name, n = scored.survey.collection.name, {}
        for group in np.unique(scored.survey.groups):
            n[str(group)] = int((scored.survey.groups == group).sum())
        for each in sorted(marked_of(scored), key=lambda m: m.p_value):
            among = f"{n[each.group]} of {name}" + (f", {each.group}" if len(n) > 1 else "")
            short = short_name(each.file)
            lines.append(
                f"| {short} | {each.note} | {among} | {each.p_value:.3f} | "
                f"{each.percentile:.0f} | {each.compatible:.0f} | {each.reason} |"
            )
    tests = ["| survey | by | AUC | rank-sum p | marked | others |", "|---" * 6 + "|"]
    for scored in all_scored:
        for way, found in separations(scored).items():
            bold = "**" if way == scored.name_taken else ""
            tests.append(f"| {scored.survey.collection.name} | {bold}{way}{bold} | {found.auc:.2f} "
                         f"± {found.error:.2f} | {found.p_value:.3f} | {found.n_marked} | "
                         f"{found.n_others} |")  # fmt: skip
    return "\n".join([
        "## Do known oddities rise?", "",
        "Those that the index files mark, cataclysmic variables by their subclass, and the rare "
        "types of the libraries.", "Percentiles are among the spectra of the same group.", "",
        *lines, "", "By what they are known as:", "", *_note_lines(all_scored), "",
        _WHY, "", "Together, by percentile within the group, each against the others "
        "(one-sided rank-sum test; bootstrap error):", "", *tests,
    ])  # fmt: skip


def _note_lines(all_scored: Sequence[Scored]) -> list[str]:
    lines = [
        "| known as | survey | spectra | percentiles | by compatible score |",
        "|---" * 5 + "|",
    ]
    for scored in all_scored:
        marked = marked_of(scored)
        for note in sorted({each.note for each in marked}):
            some = [each for each in marked if each.note == note]
            ours = ", ".join(f"{x:.0f}" for x in sorted((e.percentile for e in some), reverse=True))
            theirs = ", ".join(
                f"{x:.0f}" for x in sorted((e.compatible for e in some), reverse=True)
            )
            name = scored.survey.collection.name
            lines.append(f"| {note} | {name} | {len(some)} | {ours} | {theirs} |")
    return lines


def _kinds(all_scored: Sequence[Scored]) -> str:
    lines = ["| survey | by first letter of the type: median percentile, compatible, spectra |",
             "|---|---|"]  # fmt: skip
    for scored in all_scored:
        name = scored.survey.collection.name
        if name in ("LAMOST", "STELIB", "supernovae"):
            cells = "; ".join(
                f"{letter} {ours:.0f}, {theirs:.0f}, {n}"
                for letter, (ours, theirs, n) in kinds_of(scored).items()
            )
            lines.append(f"| {name} | {cells} |")
    return "\n".join([
        "## Which kinds rise", "",
        "Blind, among all of the survey. Rare kinds should stand above 50. (Supernovae: 2 are of "
        "2002cx, I of Ia to II, O others.)", "", *lines,
    ])  # fmt: skip


def _tops(all_scored: Sequence[Scored]) -> str:
    parts = [
        "## What comes top, and why",
        "",
        "Of equal p the combination decides. In the pictures the model is fitted to all spectra, "
        "the shown ones among them: what was ranked was off by more.",
        "",
    ]
    for scored in all_scored:
        collection = scored.survey.collection
        slug = collection.name.lower().replace("/", "-")
        parts += [f"### {collection.name} ({len(collection)} spectra)", "",
                  f"![The four oddest of {collection.name}](images/real-top-{slug}.svg)", "",
                  _SEEN.get(collection.name, ""), "",
                  "| spectrum | type | class, z | S/N | p | farthest out | compatible percentile |",
                  "|---" * 7 + "|"]  # fmt: skip
        theirs = percentiles(scored.compatible)
        parts += [_top_line(scored, int(row), theirs[row]) for row in order_of(scored)[:_N_TOP]]
        parts.append("")
    return "\n".join(parts).rstrip()


def _top_line(scored: Scored, row: int, theirs: float) -> str:
    collection, scores = scored.survey.collection, scored.taken
    redshift = collection.known.redshift[row]
    kind = collection.notes[row] or collection.kinds[row] or "–"
    name = collection.known.classes[row] or "unknown"
    name += f", {redshift:.3f}" if np.isfinite(redshift) else ""
    file, snr = short_name(collection.files[row]), scores.measured.snr[row]
    return (f"| {file} | {kind} | {name} | {snr:.1f} | "
            f"{scores.scores.p_value['astro'][row]:.3f} | {reason_of(scored, row)} | "
            f"{theirs:.0f} |")  # fmt: skip


def _compatible(all_scored: Sequence[Scored]) -> str:
    lines = [
        "| survey | ρ of compatible score with S/N | of `sigma_astro` | top three by the "
        "compatible score (S/N) | of their ten oddest among ours |",
        "|---" * 5 + "|",
    ]
    for scored in all_scored:
        theirs = np.argsort(-np.nan_to_num(scored.compatible, nan=-1.0))
        snr, files = scored.taken.measured.snr, scored.survey.collection.files
        names = ", ".join(f"{short_name(files[i])} ({snr[i]:.1f})" for i in theirs[:3])
        shared = len(set(theirs[:10].tolist()) & set(order_of(scored)[:10].tolist()))
        lines.append(f"| {scored.survey.collection.name} | {compatible_rho(scored):+.2f} | "
                     f"{compare(scored.taken).rho:+.2f} | {names} | {shared} |")  # fmt: skip
    table = "\n".join(lines)
    return f"""## Beside the compatible score

The shipped weights, which were trained on simulated spectra too. Where many spectra are faint
(DESI, SDSS, OzDES) the compatible score is a noise meter; the calibrated one follows S/N
nowhere.

{table}

![Percentiles against S/N, known oddities in red](images/real-scores.svg)"""
