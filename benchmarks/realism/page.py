"""docs/simulation.md: the simulator beside real spectra, in tables and sentences."""

from anomaly_explorer.engine.spectra.grid import ARMS
from benchmarks.prose import wrapped

from .compare import Compared, quantiles
from .rows import differences
from .shapes import CLASSES, LEAST, shape_distance

_ARM_NAMES = ("blue", "red", "NIR")
_NOISE_ROWS = ("simulated", "DESI", "SDSS/BOSS", "SDSS sky", "LAMOST", "OzDES")


def write_page(found: Compared, machine: str) -> str:
    """Return the page in Markdown."""
    return wrapped("\n\n".join([
        _head(found, machine), _differences(found), _noise(found), _sky(found), _masks(found),
        _continua(found), _lines(found), _limits(found),
    ]))  # fmt: skip


def _head(found: Compared, machine: str) -> str:
    n = found.counts
    return f"""# The simulator beside real spectra

Everything a benchmark says of a score rests on simulated spectra. Here generator 2 is held
against the real spectra in the folder of test data. Printed by `python -m benchmarks.realism`
{machine}.

| population | spectra | what they are |
|---|---|---|
| simulated | {n["simulated"]:,} and {n["simulated sky"]} sky | normal targets of seed 910 |
| DESI | {n["DESI"]} | coadds of the Early Data Release and two newer ones, with ivar |
| DESI EDR | {n["DESI EDR"]} | normalized, no ivar, no level: only lines rest on them |
| SDSS/BOSS | {n["SDSS/BOSS"]} and {n["SDSS sky"]} sky fibers | three quarters are quasars |
| LAMOST | {n["LAMOST"]} | stars, A to M |
| OzDES | {n["OzDES"]} | hosts of supernovae |

Real DESI spectra are few: a figure that rests on {n["DESI"]} of them has an error of a fifth of
the scatter between them. SDSS, LAMOST and OzDES are other instruments: from them comes what a
score of *those* surveys must be ready for, not what DESI is like."""


def _differences(found: Compared) -> str:
    rows = "\n".join(f"| {i + 1} | {' | '.join(row)} |" for i, row in enumerate(differences(found)))
    return f"""## Differences, and what each means for a score trained here

| | what | simulated | real | rests on | so that |
|---|---|---|---|---|---|
{rows}"""


def _noise(found: Compared) -> str:
    names = " | ".join(f"{name}: pixel, bin, ρ₁" for name in _ARM_NAMES)
    lines = [f"| | {names} | spectra |",
             "|---" * 5 + "|"]  # fmt: skip
    for name in _NOISE_ROWS:
        arms = found.noise[name]
        cells = [f"{arms[a].scale:.2f}, {arms[a].bin_scale:.2f}, {arms[a].correlation[0]:+.2f}"
                 for a in ARMS]  # fmt: skip
        counts = "/".join(str(arms[a].n_spectra) for a in ARMS)
        lines.append(f"| {name} | {' | '.join(cells)} | {counts} |")
    table = "\n".join(lines)
    n_real = len(found.curves["DESI"][1])
    return f"""## Noise

![Noise of faint spectra by wavelength](images/simulation-noise.svg)

Faint spectra only (S/N of a pixel below 4 in every arm): {n_real} real ones of DESI.
The simulated noise was taken from one of them (1,309 s, dark), which has the ratio of row 1 at
0.55; the deeper coadds have 0.60 to 0.73, because read noise matters less there. They lie below
the band, and no simulated program goes as deep. Levels differ with the exposure time, which the
files of all but two of them do not carry.

![Noise scale and correlation of neighbouring pixels](images/simulation-pixels.svg)

True over stated noise of a pixel (DER_SNR), the same of a bin of 12.8 Å with the correlations
of neighbours taken in, and the correlation with the next pixel, from faint spectra on the
pixels of each survey. Bars are the 16th and 84th percentile over spectra.

{table}

In the blue arm of SDSS and DESI most faint spectra are quasars, and the forest of Lyman α
counts as correlated noise there. SDSS-I sky fibers have less noise than they say. LAMOST's
pixels are interpolated: they scatter less than stated, and together, so that a bin comes out
near what is stated."""


def _sky(found: Compared) -> str:
    lines = ["| | on OH lines | between | one template | first shape, less chance | spectra |",
             "|---" * 6 + "|"]  # fmt: skip
    for name, each in found.sky.items():
        lines.append(f"| {name} | {each.on:.2f} | {each.off:.2f} | {each.coherent:.2f} | "
                     f"{100 * each.first_share:.1f} % | {each.n_spectra} |")  # fmt: skip
    table = "\n".join(lines)
    return f"""## What is left of the sky

![Sky fibers in bins](images/simulation-sky.svg)

Root mean square of flux over stated noise, continuum off, from 7,700 to 9,100 Å; the template
is the list of lines of the dark sky. No real sky fiber of DESI is among the data; its faint
objects stand in.

{table}

A template of 0.67 is noise alone. Real residuals on the lines are larger than simulated ones
for the same stated noise, and in DESI they are not one factor for all lines."""


def _masks(found: Compared) -> str:
    lines = ["| | blue | red | NIR | median run | longest run |", "|---" * 6 + "|"]
    for name, each in found.masks.items():
        shares = " | ".join(f"{100 * each.share[arm]:.3f} %" for arm in ARMS)
        lines.append(f"| {name} | {shares} | {each.median_run:.0f} | {each.longest_run:.0f} |")
    table = "\n".join(lines)
    return f"""## Masks

Pixels without use between the first and the last usable one of an arm, and how many stand in a
row.

{table}

Real DESI files hold rows without a single usable pixel (unassigned fibers), files without a
mask at all, and files without resolution; the simulator always writes all."""


def _continua(found: Compared) -> str:
    lines = ["| class | survey | spectra in the median | off the simulated median | left by 20 "
             "simulated components (spectra) |", "|---" * 5 + "|"]  # fmt: skip
    for name in CLASSES:
        reference = found.medians[name]["simulated"]
        for survey, median in found.medians[name].items():
            left = found.unexplained[name].get(survey)
            if median.n_spectra < LEAST:
                continue
            off = (
                f"{100 * shape_distance(reference, median):.0f} %" if survey != "simulated" else "–"
            )
            rest = f"{left[0]:.3f} ({left[1]})" if left else "–"
            lines.append(f"| {name} | {survey} | {median.n_spectra} | {off} | {rest} |")
    table = "\n".join(lines)
    return f"""## Continua

![Rest-frame medians](images/simulation-continua.svg)

Each spectrum is 1 in one band of its rest frame; bands are 16 to 84 % of the simulated ones.
"Off" is the median of |ln ratio| over wavelength. "Left" is the root mean square beyond the
noise, in units of the flux, of spectra with S/N above 5 a bin; components are fitted to half of
the simulated spectra and the other half is judged.

{table}

Medians of stars differ by what was selected: SDSS stars here are failed quasar targets (hot or
very cool), LAMOST's are A to K. That real stars leave three to four times as much is no matter
of selection. LAMOST fluxes are relative."""


def _lines(found: Compared) -> str:
    lines = [
        "| | "
        + " | ".join(
            [
                "σ [O III]",
                "σ Hα",
                "σ C IV",
                "σ Mg II",
                "log [O III]/Hβ",
                "log [N II]/Hα",
                "log Hα/Hβ",
            ]
        )
        + " |",
        "|---" * 8 + "|",
    ]
    for name, each in found.lines.items():
        cells = [_spread(each.width[line], 0) for line in ("[O III]", "Hα", "C IV", "Mg II")]
        cells += [_spread(each.ratio[pair], 2) for pair in ("[O III]/Hβ", "[N II]/Hα", "Hα/Hβ")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    table = "\n".join(lines)
    return f"""## Lines

![Ratios and widths of lines](images/simulation-lines.svg)

Gaussians on a straight continuum, on each survey's pixels, where a line stands out by 5 σ.
Median, 16th to 84th percentile, and in brackets how many. Widths are as observed, in km/s:
SDSS's instrument adds 65 km/s, DESI's 40.

{table}

The dashed curve is the border between star formation and active nuclei (Kauffmann et al. 2003)."""


def _spread(values: object, digits: int) -> str:
    low, middle, high, n = quantiles(values)
    if n == 0:
        return "–"
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f}; {n})"


def _limits(found: Compared) -> str:
    return f"""## What this cannot say

- {found.counts["DESI"]} DESI spectra of seven programs are no survey: no share of faults, no rare
  kind, no trend with the fiber or the night can be read from them.
- The exposure time is in the file of two of them. Noise is compared by shape and by what pixels
  say of it.
- The resolution is taken from the same coadds as the simulator's: there is nothing independent to
  hold it against.
- Flux calibration errors (1.5 % a spectrum here) are not measured: no real spectrum has a truth."""
