"""The parts of docs/real-data.md that say what was read, what was gated, and what is not known."""

from collections.abc import Sequence

import numpy as np

from anomaly_explorer.engine.scoring.combine import to_sigma
from anomaly_explorer.engine.scoring.gate import GATED, POPULATIONS

from .scoring import Scored
from .surveys import EPOCHS, SKY

_WHAT = {
    "SDSS/BOSS": "class and redshift by the pipeline; calibrated by class",
    "LAMOST": "class and redshift by the pipeline; all stars",
    "DESI": "most files say no class: one group; quasars from the catalogs beside them",
    "OzDES": "hosts with supernovae, redshift of the host; all are marked, so none is normal",
    "supernovae": "templates at redshift 0, noise from the pixels; no normals at all",
    "STELIB": "stars, noise from the pixels, at most 50 S/N believed",
    "CALSPEC": "standard stars, stated noise, at most 50 S/N believed",
}


def head(all_scored: Sequence[Scored]) -> str:
    """Return title, what was read, and how it was scored."""
    lines = ["| survey | spectra | groups | least p | science, gated, unknown | what is known |",
             "|---" * 6 + "|"]  # fmt: skip
    for scored in all_scored:
        collection, groups = scored.survey.collection, scored.survey.groups
        names, counts = np.unique(groups, return_counts=True)
        said = ", ".join(f"{n} {c}" for n, c in zip(names, counts, strict=True))
        least = ", ".join(f"{1 / c:.3f}" for c in counts)
        lines.append(f"| {collection.name} | {len(collection)} | {said} | {least} | "
                     f"{_gated(scored)} | {_WHAT.get(collection.name, '')} |")  # fmt: skip
    failures = [each for scored in all_scored for each in scored.survey.collection.failures]
    refused = ", ".join(f"`{each.split(' ')[0]}`" for each in failures)
    table = "\n".join(lines)
    largest = max(np.unique(s.survey.groups, return_counts=True)[1].max() for s in all_scored)
    best = float(to_sigma(np.array([1 / largest]))[0])
    return f"""# The calibrated score on real spectra

Real spectra of seven surveys and libraries in the folder of test data, each on its own axis:
nothing of one survey is compared with another's. Not scored are the 66 spectra of DESI's Early Data
Release that come without noise, MILES, which ends at 7,500 Å, and single spectra of other
instruments, which have nobody to be ranked among. Printed by `python -m benchmarks.real`.

{table}

Files that the readers refuse: {refused}. Of the rest only rows without a usable pixel are left
out (unassigned fibers of DESI, all gated). What is looked for on pixels (`profile`, `line`) is
looked for on DESI's pixels, to which the readers bring the spectra, as in a scan.

How: a network trained on 12,000 simulated spectra (a third of them with cut ends) is adapted to
each survey by five folds, so that no spectrum is judged by itself. No survey has the thousands
of normals that the calibration of the product asks for. So a p-value here is a *rank*: (1 + how
many others of the group are as odd) / (their number), after the trend with S/N is taken out.
Its least value is 1 / n, no tail is extrapolated, and no σ above {best:.1f} can be earned. Odd
ones are among the others: nobody tells the calibration which they are."""


def short_name(file: str) -> str:
    """Return the name of a file without its ending.

    >>> short_name("II__sn2004et.p384.dat.gz")
    'II__sn2004et.p384'
    """
    return file.removesuffix(".gz").removesuffix(".fits").removesuffix(".dat")


def _gated(scored: Scored) -> str:
    gates = scored.survey.collection.gates
    if not len(gates):
        return "–"
    populations = np.array([gate.split(":")[0] for gate in gates])
    return ", ".join(str(int((populations == name).sum())) for name in POPULATIONS)


def companions(scored: Scored) -> str:
    """Return what becomes of sky fibers and of epochs of one quasar among the others."""
    return f"""## Sky fibers, and the same quasar nine times

{_sky(scored)}

{_epochs(scored)}"""


def _sky(scored: Scored) -> str:
    sky, found = scored.survey.companions[SKY], scored.companions[SKY]
    is_gated = np.char.startswith(sky.gates, GATED)
    reasons = ", ".join(sorted({gate.split(":")[1] for gate in sky.gates[is_gated]}))
    n = int(np.isfinite(found.p_value["astro"]).sum())
    lines = ["| score | p ≤ 0.05 | p ≤ 0.2 | median percentile among its class |", "|---" * 4 + "|"]
    for name in ("astro", "instrument", "all"):
        p = found.p_value[name]
        lines.append(f"| `sigma_{name}` | {int((p <= 0.05).sum())} of {n} | "
                     f"{int((p <= 0.2).sum())} | {100 * (1 - np.nanmedian(p)):.0f} |")  # fmt: skip
    winners, counts = np.unique(found.winner("all"), return_counts=True)
    order = [i for i in np.argsort(-counts) if winners[i]]
    said = ", ".join(f"`{winners[i]}` {counts[i]}" for i in order)
    table = "\n".join(lines)
    top = int((found.p_value["astro"] <= 0.05).sum())
    n_gated = int(is_gated.sum())
    return f"""The columns of SDSS gate {n_gated} of {len(sky)} sky fibers ("{reasons}"): none
reaches a ranking. Were the gate off, each would be ranked among the spectra of the class that the
pipeline invents for it ({len(sky) - n} has too little data for a score):

{table}

So {top} of {n} would be among the oddest twentieth of their class by `sigma_astro`, where
chance gives {0.05 * n:.0f}: they stand high, and the score alone does not catch them. Without the
gate they would crowd the upper ranks, with it none is there. Farthest out in them: {said}. At
their S/N there is next to no signal to be odd with; that they look like no object is what the
latents say. Most are fainter than nearly all of the survey, so that the trend with S/N is not
known where they are."""


def _epochs(scored: Scored) -> str:
    found = scored.companions[EPOCHS]
    p, odd = found.p_value["astro"], found.oddness["astro"]
    n = int((scored.survey.groups == "QSO").sum())
    return f"""Nine spectra of one quasar (RM017, z 0.456), over six years, among the {n} quasars:
p from {p.min():.2f} to {p.max():.2f}, median {np.median(p):.2f}. The standard deviation of −ln p
before ranking is {np.std(odd):.2f}, over all quasars {np.nanstd(_of_quasars(scored)):.2f}: the
rank of one spectrum in the middle of the list moves by {100 * np.std(p):.0f} percentiles from
epoch to epoch."""


def _of_quasars(scored: Scored) -> np.ndarray:
    return scored.taken.scores.oddness["astro"][scored.survey.groups == "QSO"]


def limits(all_scored: Sequence[Scored]) -> str:
    """Return what these figures cannot say."""
    marked = sum(int((s.survey.collection.notes != "").sum()) for s in all_scored)
    return f"""## What this cannot say

- {marked} known oddities in all, and they are what somebody happened to keep: no recall follows
  from them.
- Nobody looked at the others one by one. Some of the "others" are odd, which makes every test
  here weaker.
- No survey here has enough normals for a false-positive rate below a percent, so nothing is said
  of 3 σ and beyond.
- Libraries have no noise of their own, no sky and no gate: only their order means something.
- Supernovae and OzDES hold no normals. Their ranks say which are odd among supernovae; that the
  score sees a supernova at all is told by the plants in real galaxies, and those are planted.
- DESI's 26 are too few to refit modes: what is said of DESI here is said of the simulated model
  with scaled noise."""
